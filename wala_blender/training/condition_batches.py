"""Batches of conditions of stage 2: what the encoders take, made of the latents' shapes and varied, and the word
pieces. Knows no networks."""

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from ..conditions.sketch import with_enclosed
from ..conditions.specs.text import TextEncoderConfig
from ..conditions.text import WordPieces
from ..files import write_whole
from ..models.registry import WORD_PIECES
from .data.captions import SYNONYMS, vary
from .data.dataset import Entry
from .data.input_augmentation import dropped_voxels, noisy_points, seen_points
from .data.line_drawings import drawn, line_picture
from .data.sampling import draw_shares
from .latents import Latents
from .runs import StageTwo


def train_word_pieces(captions: list[str], file: Path) -> WordPieces:
    """A vocabulary of word pieces over captions and synonyms; every letter is in it, so that any word can be
    spelled."""
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
    """The run's word pieces. The trainer gives words other ids each time: a run keeps the ones its embeddings were
    trained with."""
    vocabulary = folder / WORD_PIECES
    if not vocabulary.exists() and start:
        write_whole(vocabulary, lambda stream: stream.write(start.vocabulary.read_bytes()))
    return WordPieces(vocabulary) if vocabulary.exists() else train_word_pieces(captions, vocabulary)


TRAINED = (
    "text",
    "sketch",
    "voxels",
    "points",
    "depth",
    "depths",
)  # conditions that there are batches of; a method each


class Batches:
    """The inputs of conditions of some rows, by the conditions' names: what each encoder's forward takes. points and
    lacking: see DenoiserTraining."""

    def __init__(
        self,
        entries: list[Entry],
        latents: Latents,
        pieces: WordPieces,
        points: tuple[int, ...],
        lacking: float,
        by_head: bool = False,
    ):
        self.entries, self.latents, self.pieces, self.counts, self.lacking = entries, latents, pieces, points, lacking
        self.all_rows = torch.arange(len(latents.latent))
        named = torch.tensor([entry.named for entry in entries])[latents.owner.cpu()]
        self.named_rows = named.nonzero()[:, 0]
        self.canonical_rows = (latents.canonical.cpu() & named).nonzero()[:, 0]
        self.shares = None  # of each row
        if by_head:
            owner = latents.owner.cpu()
            self.shares = (draw_shares(entries) / torch.bincount(owner, minlength=len(entries)).clamp(min=1))[owner]

    def rows(self, kinds: list[str], count: int, generator: torch.Generator) -> Tensor:
        """Random rows (count,) that these conditions can be of: words alone say nothing of a turned shape's turn, and
        nothing can be said of nameless shapes."""
        rows = self.canonical_rows if kinds == ["text"] else self.named_rows if "text" in kinds else self.all_rows
        if self.shares is not None:
            return rows[torch.multinomial(self.shares[rows], count, replacement=True, generator=generator)]
        return rows[torch.randint(len(rows), (count,), generator=generator)]

    def inputs(self, kinds: list[str], picks: Tensor, generator: torch.Generator) -> dict[str, tuple[Tensor, ...]]:
        """The generator, on the latents' device, varies them."""
        return {kind: getattr(self, kind)(picks, generator) for kind in kinds}

    def text(self, picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        rng = random.Random(int(torch.randint(2**31, (1,), generator=generator, device=generator.device)))
        entries = [self.entries[self.latents.owner[i]] for i in picks]
        return (
            torch.stack(
                [self.pieces(vary(rng.choice((entry.caption, *entry.synonyms)), entry.head, rng)) for entry in entries]
            ).to(generator.device),
        )

    def sketch(self, picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        def draw(function, *shape: int) -> Tensor:
            return function(*shape, generator=generator, device=generator.device)

        views = (draw(torch.rand, len(picks)) * self.latents.depth.shape[1]).long()
        picks = picks.to(views.device)
        step, crease = (draw(torch.rand, 2).cpu() * torch.tensor([0.06, 35.0]) + torch.tensor([0.03, 25.0])).tolist()
        lines = line_picture(self.latents.depth[picks, views], self.latents.normal[picks, views], step, crease)
        # Artists guess the elevation no better than to some degrees.
        return with_enclosed(drawn(lines, generator)), self.latents.elevation[picks, views] + draw(
            torch.randn, len(picks)
        ) * 3

    def voxels(self, picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        occupancy = self.latents.occupancy[picks]
        return (dropped_voxels(occupancy, generator) if self._lacking(generator) else occupancy,)

    def points(self, picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        cloud, device = self.latents.points[picks].float(), generator.device
        count = self.counts[int(torch.randint(len(self.counts), (1,), generator=generator, device=device))]
        chosen = torch.randperm(cloud.shape[1], generator=generator, device=device)[:count]
        cloud = cloud[:, chosen]
        return (noisy_points(seen_points(cloud, generator) if self._lacking(generator) else cloud, generator),)

    def depth(self, picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        return self._maps(picks, self._some_views(1, generator))

    def depths(self, picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        usual = torch.arange(
            int(torch.randint(2, (1,), generator=generator, device=generator.device)) * 2 + 4
        )  # the published four or six
        several = int(torch.randint(2, 6, (1,), generator=generator, device=generator.device))
        return self._maps(picks, self._some_views(several, generator) if self._happens(0.25, generator) else usual)

    def _some_views(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randperm(self.latents.maps.shape[1], generator=generator, device=generator.device)[:count].cpu()

    def _maps(self, picks: Tensor, views: Tensor) -> tuple[Tensor, ...]:
        return self.latents.maps[picks][:, views].float() / 255, self.latents.directions[picks][:, views]

    def _lacking(self, generator: torch.Generator) -> bool:
        return self._happens(self.lacking, generator)

    def _happens(self, share: float, generator: torch.Generator) -> bool:
        return float(torch.rand(1, generator=generator, device=generator.device)) < share
