"""Batches of conditions for stage 2: augmented encoder inputs of the latents' shapes, and the vocabulary of word
pieces."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from ..conditions.specs.text import TextEncoderConfig
from ..conditions.text import WordPieces
from ..errors import InputError
from ..files import write_whole
from ..models.registry import WORD_PIECES
from .conditions import BATCHES, TRAININGS
from .data.captions import SYNONYMS
from .data.dataset import Entry
from .data.sampling import draw_shares
from .latents import Latents
from .runs import StageTwo


def train_word_pieces(captions: list[str], file: Path) -> WordPieces:
    """Vocabulary of word pieces trained on captions and synonyms; it contains every letter, so that any word can be
    encoded."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=TextEncoderConfig().vocabulary,
        min_frequency=1,
        special_tokens=["[PAD]", "[UNK]"],
        show_progress=False,
    )
    openings = ["a an the one of with and low poly simple model object"] * 20
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    spelling = [first + letters for first in letters]  # every letter inside a word, too
    tokenizer.train_from_iterator(captions + [" ".join(group) for group in SYNONYMS] + openings + spelling, trainer)
    tokenizer.save(str(file))
    return WordPieces(file)


def word_pieces(folder: Path, start: StageTwo | None, captions: list[str]) -> WordPieces:
    """Word pieces of the run. The trainer assigns other ids each time: a run keeps those that its embeddings were
    trained with."""
    vocabulary = folder / WORD_PIECES
    if not vocabulary.exists() and start:
        write_whole(vocabulary, lambda stream: stream.write(start.vocabulary.read_bytes()))
    return WordPieces(vocabulary) if vocabulary.exists() else train_word_pieces(captions, vocabulary)


class Batches:
    """The inputs of conditions of some rows, by the conditions' names: what each encoder's forward takes. points and
    partial_input_probability: see DenoiserTraining."""

    def __init__(
        self,
        entries: list[Entry],
        latents: Latents,
        pieces: WordPieces,
        points: tuple[int, ...],
        partial_input_probability: float = 0.0,
        by_head: bool = False,
    ):
        self.entries, self.latents, self.pieces, self.counts = entries, latents, pieces, points
        self.partial_input_probability = partial_input_probability
        self.all_rows = torch.arange(len(latents.latent))
        named = torch.tensor([entry.named for entry in entries])[latents.owner.cpu()]
        self.named_rows = named.nonzero()[:, 0]
        self.canonical_rows = (latents.canonical.cpu() & named).nonzero()[:, 0]
        self.shares = None  # of each row
        if by_head:
            owner = latents.owner.cpu()
            self.shares = (draw_shares(entries) / torch.bincount(owner, minlength=len(entries)).clamp(min=1))[owner]

    def rows(self, kinds: list[str], count: int, generator: torch.Generator) -> Tensor:
        """Random rows (count,) that are valid for these conditions: text says nothing about a shape's rotation, and
        unnamed shapes have no text. Raises InputError if there are none."""
        by_name = [TRAININGS[kind].by_name for kind in kinds]
        rows = self.canonical_rows if all(by_name) else self.named_rows if any(by_name) else self.all_rows
        if not len(rows):
            raise InputError(
                f"no training shape has a name, which {kinds[by_name.index(True)]} goes by",
                "Leave it out of condition_probabilities, or build the store of meshes with names.",
            )
        if self.shares is not None:
            return rows[torch.multinomial(self.shares[rows], count, replacement=True, generator=generator)]
        return rows[torch.randint(len(rows), (count,), generator=generator)]

    def inputs(self, kinds: list[str], picks: Tensor, generator: torch.Generator) -> dict[str, tuple[Tensor, ...]]:
        """The generator, on the latents' device, varies them."""
        return {kind: BATCHES[kind](self, picks, generator) for kind in kinds}

    def is_partial(self, generator: torch.Generator) -> bool:
        """Whether this batch has partial inputs."""
        return self.happens(self.partial_input_probability, generator)

    def happens(self, share: float, generator: torch.Generator) -> bool:
        """True in that share of the calls."""
        return float(torch.rand(1, generator=generator, device=generator.device)) < share
