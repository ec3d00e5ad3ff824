"""Prompt → tokens by a small transformer over word pieces, trained with the starter. Knows words; not shapes.

The word pieces' vocabulary is a tokenizer file (Hugging Face tokenizers) beside the weights.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from ..errors import CheckpointError, InputError
from ..layers import TransformerBlock, convolution
from .condition import Prepared
from .placed import CELLS

LENGTH = 16  # word pieces; a longer prompt is cut
LAYOUT = 6
VOCABULARY = Path(__file__).parent.parent / "models" / "starter" / "tokenizer.json"


@dataclass(frozen=True)
class TextEncoderConfig:
    """Transformer of ``blocks`` blocks on tokens of ``width``, read out at ``out_width``; a coarse layout of the words' usual shape, ``layout``
    channels on a grid of LAYOUT³, becomes placed features of ``grid_channels``."""

    vocabulary: int = 2048
    width: int = 160
    blocks: int = 2
    heads: int = 4
    out_width: int = 192
    layout: int = 16
    grid_channels: int = 64


def clean_prompt(prompt: str) -> str:
    """Lower case, single spaces. Raises InputError when nothing but spaces and signs is left."""
    text = " ".join(str(prompt).lower().split())
    if not any(character.isalnum() for character in text):
        raise InputError("the prompt is empty", "Say what to make, for example: a chair.")
    return text


class WordPieces:
    """Text → ids of word pieces, padded with 0 to LENGTH."""

    def __init__(self, file: Path = VOCABULARY):
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises a bare Exception for a missing or damaged file
            raise CheckpointError(f"the word pieces in {file} cannot be read ({error})", "Install the extension again.") from error

    def __call__(self, prompt: str) -> Tensor:
        """(LENGTH,) int64."""
        ids = self._tokenizer.encode(clean_prompt(prompt)).ids[:LENGTH]
        return torch.tensor(ids + [0] * (LENGTH - len(ids)))

    def unknown(self, prompt: str) -> list[str]:
        """The words that are no piece of their own, nor one's plural: few shapes that the model learned from, or none, were called so."""
        text = clean_prompt(prompt)
        found = self._tokenizer.encode(text)
        unknown = []
        for _, group in groupby(zip(found.word_ids, found.tokens, found.offsets), key=lambda piece: piece[0]):
            _, (first, *rest), offsets = zip(*group)
            word = text[offsets[0][0]:offsets[-1][1]]
            if word.isalnum() and (first == "[UNK]" or rest not in ([], ["##s"], ["##es"])):
                unknown.append(word)
        return list(dict.fromkeys(unknown))


@lru_cache(maxsize=4)
def _pieces(vocabulary: Path) -> WordPieces:
    return WordPieces(vocabulary)


def prepare(inputs: dict) -> Prepared:
    """{"prompt": str, "vocabulary": the model's file of word pieces} → ids (1, LENGTH)."""
    pieces = _pieces(inputs.get("vocabulary", VOCABULARY))
    unknown = " and ".join(f"“{word}”" for word in pieces.unknown(inputs["prompt"]))
    return Prepared((pieces(inputs["prompt"])[None],), note=f"The model hardly knows {unknown}" if unknown else "")


class TextEncoder(nn.Module):
    """Word pieces (B, 16) → tokens (B, 16, out_width), placed features (B, grid_channels, 12, 12, 12)."""

    def __init__(self, config: TextEncoderConfig = TextEncoderConfig()):
        super().__init__()
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.position = nn.Parameter(0.02 * torch.randn(1, LENGTH, config.width))
        self.blocks = nn.ModuleList(TransformerBlock(config.width, config.heads, modulated=False) for _ in range(config.blocks))
        self.out = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, config.out_width))
        self.layout = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, config.layout * LAYOUT**3), nn.SiLU())
        self.placed = convolution(config.layout, config.grid_channels)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        h = self.embedding(ids) + self.position
        for block in self.blocks:
            h = block(h)
        layout = self.layout(h.mean(dim=1)).unflatten(1, (-1, LAYOUT, LAYOUT, LAYOUT))
        return self.out(h), self.placed(F.interpolate(layout, size=CELLS, mode="trilinear", align_corners=False))
