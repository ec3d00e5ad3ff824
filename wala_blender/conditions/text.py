"""Text encoder of the starter: prompt → tokens by a small transformer over word pieces.

The vocabulary of word pieces is a tokenizer file (Hugging Face tokenizers) beside the weights.
"""

from functools import lru_cache
from itertools import groupby
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from ..errors import CheckpointError, InputError
from ..networks.layers import TransformerBlock, convolution, normal_parameter
from .grid_features import CELLS
from .prompts import COLOUR_WORDS
from .specs.text import TextEncoderConfig
from .types import Prepared

LENGTH = 16  # word pieces; a longer prompt is cut
LAYOUT_CELLS = 6
VOCABULARY = Path(__file__).parent.parent / "models" / "starter" / "tokenizer.json"


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
            raise CheckpointError(
                f"the word pieces in {file} cannot be read ({error})", "Install the extension again."
            ) from error

    def __call__(self, prompt: str) -> Tensor:
        """(LENGTH,) int64. Of a prompt that is too long, words that are no piece of their own go first, then the last
        ones."""
        ids = [id for _, pieces, _ in self._split(prompt)[0] for id in pieces][:LENGTH]
        return torch.tensor(ids + [0] * (LENGTH - len(ids)))

    def unread(self, prompt: str) -> list[str]:
        """The words that do not fit into a prompt."""
        return list(dict.fromkeys(word for word, _, _ in self._split(prompt)[1] if word.isalnum()))

    def _split(self, prompt: str) -> tuple[list[tuple[str, list[int], bool]], list[tuple[str, list[int], bool]]]:
        """The words that are read and those that are not: each with its ids and whether it is known."""
        words, unread = self._words(prompt), []
        while len(words) > 1 and sum(len(ids) for _, ids, _ in words) > LENGTH:
            strange = [number for number, (_, _, known) in enumerate(words) if not known]
            unread.insert(0, words.pop(strange[-1] if strange else -1))
        return words, unread

    def unknown(self, prompt: str) -> list[str]:
        """Words that are neither a word piece nor the plural of one: rare or missing in the training captions."""
        return list(dict.fromkeys(word for word, _, known in self._words(prompt) if not known))

    def _words(self, prompt: str) -> list[tuple[str, list[int], bool]]:
        """Every word with its ids, and whether it is known."""
        text = clean_prompt(prompt)
        found, words = self._tokenizer.encode(text), []
        for _, group in groupby(
            zip(found.word_ids, found.tokens, found.offsets, found.ids), key=lambda piece: piece[0]
        ):
            _, (first, *rest), offsets, ids = zip(*group)
            word = text[offsets[0][0] : offsets[-1][1]]
            words.append(
                (word, list(ids), not (word.isalnum() and (first == "[UNK]" or rest not in ([], ["##s"], ["##es"]))))
            )
        return words


@lru_cache(maxsize=4)
def _pieces(vocabulary: Path) -> WordPieces:
    return WordPieces(vocabulary)


def prepare(inputs: dict, vocabulary: Path = VOCABULARY) -> Prepared:
    """{"prompt": str} → ids (1, LENGTH) by the word pieces of a model's file. Raises InputError, CheckpointError."""
    pieces = _pieces(vocabulary)
    unread = pieces.unread(inputs["prompt"])
    unknown = [word for word in pieces.unknown(inputs["prompt"]) if word not in unread and word not in COLOUR_WORDS]
    notes = [
        f"{what} {_named(words)}"
        for what, words in (("The model hardly knows", unknown), ("Too long, not read:", unread))
        if words
    ]
    return Prepared((pieces(inputs["prompt"])[None],), note=". ".join(notes))


def _named(words: list[str], most: int = 8) -> str:
    more = [f"{len(words) - most} more"] if len(words) > most else []
    return " and ".join([f"“{word}”" for word in words[:most]] + more)


class TextEncoder(nn.Module):
    """Word pieces (B, 16) → tokens (B, 16, out_width), grid features (B, grid_channels, 12, 12, 12)."""

    def __init__(self, config: TextEncoderConfig = TextEncoderConfig()):
        super().__init__()
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.position = normal_parameter((1, LENGTH, config.width))
        self.blocks = nn.ModuleList(
            TransformerBlock(config.width, config.heads, modulated=False) for _ in range(config.blocks)
        )
        self.out = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, config.out_width))
        self.layout = nn.Sequential(
            nn.LayerNorm(config.width), nn.Linear(config.width, config.layout * LAYOUT_CELLS**3), nn.SiLU()
        )
        self.placed = convolution(config.layout, config.grid_channels)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        h = self.embedding(ids) + self.position
        for block in self.blocks:
            h = block(h)
        layout = self.layout(h.mean(dim=1)).unflatten(1, (-1, LAYOUT_CELLS, LAYOUT_CELLS, LAYOUT_CELLS))
        return self.out(h), self.placed(F.interpolate(layout, size=CELLS, mode="trilinear", align_corners=False))
