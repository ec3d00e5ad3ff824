"""Training of the cascade's denoisers, one level after the other: noised latents and the coarser levels' → latents."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..configuration import write_settings
from ..diffusion import edm
from ..errors import InputError
from ..models.level_model import LEVELS
from ..networks.configs import LevelDenoiserConfig
from ..networks.level_denoiser import LevelDenoiser
from .data.dataset import read_index
from .level_autoencoder_training import load_level_autoencoder
from .level_latents import LevelLatents, frequent_words, level_latents
from .level_shapes import level_shapes
from .loop import Loop, LoopSettings
from .runs import FINISHED, SETTINGS, load_network, write_network

log = logging.getLogger(__name__)

DENOISER = "level_denoiser.pt"
UNCONDITIONAL = 0  # category of unnamed shapes, and of dropped names
HELD_OUT = 256  # largest number of validation latents


@dataclass(frozen=True)
class LevelDenoiserTraining:
    """width and blocks: of the network. batch: latents. encodings: of each shape. condition_dropout: share of
    categories that are dropped. min_category_shapes: shapes of a name that make it a category, 0: none is."""

    width: int = 128
    blocks: int = 3
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(minutes=10.0, average_samples=1600.0, validations=4)
    )
    batch: int = 16
    encodings: int = 8
    condition_dropout: float = 0.1
    min_category_shapes: int = 0


class LevelDenoiserObjective(nn.Module):
    """Clean latents (B, M, C), unit noise like them, sigma (B,), the coarser levels', category (B,) → EDM's loss."""

    def __init__(self, model: LevelDenoiser):
        super().__init__()
        self.model = model

    def forward(self, clean: Tensor, noise: Tensor, sigma: Tensor, coarser: list[Tensor], category: Tensor) -> Tensor:
        denoise = edm.preconditioned(lambda x, level: self.model(x, level, coarser, category))
        return edm.loss(denoise, clean, noise, sigma)


@dataclass(frozen=True)
class Batch:
    """Arguments of LevelDenoiserObjective."""

    clean: Tensor
    noise: Tensor
    sigma: Tensor
    coarser: list[Tensor]
    category: Tensor


def drawn_batch(
    latents: LevelLatents, level: int, rows: Tensor, categories: Tensor, drop: float, generator: torch.Generator
) -> Batch:
    """The level's latents of ``rows`` (B,), with fresh noise; categories: of every shape."""
    clean, count = latents.levels[level][rows], len(rows)
    sigma = edm.training_sigmas(torch.randn(count, generator=generator))
    dropped = torch.rand(count, generator=generator) < drop
    category = torch.where(dropped, UNCONDITIONAL, categories[latents.owner[rows]])
    coarser = [coarse[rows] for coarse in latents.levels[:level]]
    return Batch(clean, torch.randn(clean.shape, generator=generator), sigma, coarser, category)


def train(
    store: Path,
    autoencoder: Path,
    level: str,
    folder: Path,
    settings: LevelDenoiserTraining,
    start: Path | None = None,
) -> None:
    """Train (or resume training) the denoiser of a level, one of LEVELS; writes FOLDER/level_denoiser.pt, the averaged
    weights.

    autoencoder: the run's folder; the latents are kept there, for all three denoisers. start: a finished run of the
    same level and sizes, whose weights to begin with. Raises InputError.
    """
    if level not in LEVELS:
        raise InputError(f"there is no level {level!r}", f"Levels are {', '.join(LEVELS)}.")
    number = LEVELS.index(level)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    entries = read_index(store, "train")
    shapes = level_shapes(autoencoder, entries)
    model = load_level_autoencoder(autoencoder)
    latents = level_latents(autoencoder, shapes, model, settings.encodings)
    words = frequent_words(entries, settings.min_category_shapes)
    heads = {entry.id: entry.head for entry in entries if entry.named}
    categories = torch.tensor(
        [words.index(heads[i]) + 1 if heads.get(i) in words else UNCONDITIONAL for i in shapes.ids]
    )
    channels = model.config.channels
    config = LevelDenoiserConfig(
        channels[number], settings.width, settings.blocks, channels[:number], categories=len(words) + 1 if words else 0
    )
    loop = Loop(LevelDenoiserObjective(_denoiser(config, start)), folder, settings.loop)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    # every encoding of some shapes is held out
    apart = latents.owner % 10 == 9 if len(shapes) >= 10 else torch.zeros(len(latents.owner), dtype=torch.bool)
    rows, share = (~apart).nonzero()[:, 0], loop.share(settings.batch)

    def loss_of(batch: Batch, part: slice) -> Tensor:
        tensors = [t[part].to(loop.device) for t in (batch.clean, batch.noise, batch.sigma)]
        with loop.autocast():
            return loop.objective(
                *tensors, [t[part].to(loop.device) for t in batch.coarser], batch.category[part].to(loop.device)
            )

    def step(_: float):
        picks = rows[torch.randint(len(rows), (settings.batch,), generator=loop.generator)]
        batch = drawn_batch(latents, number, picks, categories, settings.condition_dropout, loop.generator)
        return loss_of(batch, share), settings.batch, {}

    held_out = apart.nonzero()[:HELD_OUT, 0]
    loop.run(step, _validation(loop, loss_of, latents, number, held_out, categories) if len(held_out) else None)
    if loop.writes:
        write_network(folder / DENOISER, config, loop.average, level=level, categories=words)


def _denoiser(config: LevelDenoiserConfig, start: Path | None) -> LevelDenoiser:
    if start is None:
        return LevelDenoiser(config)
    denoiser = load_level_denoiser(start)[0]
    if denoiser.config != config:
        raise InputError(
            f"the denoiser of {start} is of another kind: {denoiser.config}, expected {config}",
            "Begin with one of the same level and sizes.",
        )
    return denoiser.train()


def _validation(
    loop: Loop, loss_of: Callable[[Batch, slice], Tensor], latents: LevelLatents, level: int, rows: Tensor, of: Tensor
) -> Callable[[float], dict[str, float]]:
    """Validation callback of the loop: the loss of the averaged weights on held-out shapes."""

    def validate(_: float) -> dict[str, float]:
        batch = drawn_batch(latents, level, rows, of, 0.0, torch.Generator().manual_seed(0))
        with loop.averaged():
            return {"validation_loss": float(loss_of(batch, slice(None)))}

    return validate


def load_level_denoiser(run: Path) -> tuple[LevelDenoiser, list[str]]:
    """The denoiser of a finished run, and the names of its categories from 1 on. Raises InputError."""
    model, saved = load_network(run, DENOISER, LevelDenoiserConfig, LevelDenoiser, FINISHED)
    return model, saved["categories"]
