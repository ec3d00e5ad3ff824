"""Training of LaGeM's autoencoder at small sizes: points with occupancy → three sets of latents → logits."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..configuration import write_settings
from ..geometry.metrics import iou
from ..geometry.occupancy import AT_ONCE
from ..networks.configs import LevelAutoencoderConfig
from ..networks.level_autoencoder import LevelAutoencoder
from .data.dataset import Entry, read_index
from .level_shapes import LevelShapes, balanced_rows, level_shapes, rows_of, signed_permutations
from .loop import Loop, LoopSettings
from .runs import FINISHED, SETTINGS, load_network, write_network
from .sample_grids import validation_entries

log = logging.getLogger(__name__)

AUTOENCODER = "level_autoencoder.pt"
VALIDATION_SHAPES, VALIDATION_CELLS = 24, 32
STRETCH = (0.75, 1.25)


@dataclass(frozen=True)
class LevelAutoencoderTraining:
    """batch: shapes; volume_points (half of them inside) and near_points: of each, the near ones weighted by
    near_weight. stretch: whether axes are scaled by 0.75 to 1.25."""

    model: LevelAutoencoderConfig = LevelAutoencoderConfig(128, 1024, (16, 64, 256), (32, 16, 8), 2)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(minutes=52.0, average_samples=3200.0, validations=6)
    )
    batch: int = 8
    volume_points: int = 512
    near_points: int = 256
    near_weight: float = 0.1
    stretch: bool = True


class LevelAutoencoderObjective(nn.Module):
    """Cloud (B, N, 3), points (B, V + K, 3) and whether they are inside (B, V + K) → the loss and numbers to log."""

    def __init__(self, model: LevelAutoencoder, near_points: int, near_weight: float):
        super().__init__()
        self.model, self.near_points, self.near_weight = model, near_points, near_weight

    def forward(self, cloud: Tensor, points: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        logits = self.model.query(points, self.model.decode(self.model.encode(cloud)))
        errors = F.binary_cross_entropy_with_logits(logits.float(), labels.float(), reduction="none")
        volume, near = errors.split([errors.shape[1] - self.near_points, self.near_points], dim=1)
        right = ((logits > 0) == labels).float()
        loss = volume.mean() + self.near_weight * near.mean()
        return loss, {"volume": volume.mean(), "near": near.mean(), "right": right[:, : volume.shape[1]].mean()}


class ExampleBatches:
    """Batches drawn of the shapes, each shape's axes exchanged, mirrored and stretched."""

    def __init__(self, shapes: LevelShapes, settings: LevelAutoencoderTraining):
        self.shapes, self.settings = shapes, settings

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Cloud, points, labels: see LevelAutoencoderObjective."""
        shapes, settings = self.shapes, self.settings
        picks = torch.randint(len(shapes), (count,), generator=generator)
        # all of the surface's points in a random order: none twice
        order = torch.rand(count, shapes.surface.shape[1], generator=generator).argsort(dim=1)
        cloud = shapes.surface[picks[:, None], order[:, : settings.model.points]]
        volume = balanced_rows(shapes.volume_inside, picks, settings.volume_points, generator)
        near = torch.randint(shapes.near.shape[1], (count, settings.near_points), generator=generator)
        points = torch.cat([shapes.volume[picks[:, None], volume], shapes.near[picks[:, None], near]], dim=1)
        labels = [shapes.volume_inside[picks[:, None], volume], shapes.near_inside[picks[:, None], near]]
        turn = signed_permutations(count, generator)
        if settings.stretch:
            low, high = STRETCH
            turn = turn * (low + (high - low) * torch.rand(count, 1, 3, generator=generator))
        cloud, points = cloud.float() @ turn, points.float() @ turn
        size = cloud.norm(dim=-1).amax(dim=1)[:, None, None] / 0.999
        return cloud / size, points / size, torch.cat(labels, dim=1)


def train(store: Path, folder: Path, settings: LevelAutoencoderTraining) -> None:
    """Train (or resume training) the autoencoder of levels; writes FOLDER/level_autoencoder.pt, the averaged
    weights."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    entries = read_index(store, "train")
    shapes = level_shapes(folder, entries)
    log.info("%d shapes", len(shapes))
    objective = LevelAutoencoderObjective(LevelAutoencoder(settings.model), settings.near_points, settings.near_weight)
    loop = Loop(objective, folder, settings.loop)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    batches, share = ExampleBatches(shapes, settings), loop.share(settings.batch)

    def step(_: float):
        cloud, points, labels = (
            tensor[share].to(loop.device) for tensor in batches.draw(settings.batch, loop.generator)
        )
        with loop.autocast():
            loss, numbers = loop.objective(cloud, points, labels)
        return loss, settings.batch, numbers

    loop.run(step, _validation(loop, store, entries, settings) if loop.writes else None)
    if loop.writes:
        write_network(folder / AUTOENCODER, settings.model, loop.average)


def load_level_autoencoder(run: Path) -> LevelAutoencoder:
    """The autoencoder of a finished run. Raises InputError."""
    return load_network(run, AUTOENCODER, LevelAutoencoderConfig, LevelAutoencoder, FINISHED)[0]


def _validation(
    loop: Loop, store: Path, entries: list[Entry], settings: LevelAutoencoderTraining
) -> Callable[[float], dict[str, float]]:
    """Validation callback of the loop: IoU on volume points of validation shapes, unchanged and with the finest one or
    two levels replaced by noise."""
    shapes = level_shapes(loop.folder, validation_entries(store, entries)[:VALIDATION_SHAPES], "validation.npz")
    generator = torch.Generator().manual_seed(0)
    clouds = rows_of(shapes.surface, torch.arange(len(shapes)), settings.model.points, generator).float()
    box = slice(shapes.volume.shape[1] // 2, None)  # of the volume points, those in the shape's own box

    def validate(_: float) -> dict[str, float]:
        sums: dict[str, list[float]] = {"iou": [], "iou_fine_noise": [], "iou_fine_major_noise": []}
        with loop.averaged() as model:
            for cloud, points, labels in zip(clouds, shapes.volume[:, box], shapes.volume_inside[:, box]):
                latents = model.encode(cloud[None].to(loop.device))
                for values, kept in zip(sums.values(), (3, 2, 1)):
                    noised = [*latents[:kept], *(_noise(latent) for latent in latents[kept:])]
                    values.append(iou(logits_at(model, noised, points.float()) > 0, labels.numpy()))
        return {name: float(np.mean(values)) for name, values in sums.items()} | {
            "iou_median": float(np.median(sums["iou"]))
        }

    return validate


def _noise(latent: Tensor) -> Tensor:
    return torch.randn(latent.shape, generator=torch.Generator().manual_seed(0)).to(latent)


@torch.no_grad()
def logits_at(model: LevelAutoencoder, latents: list[Tensor], points: Tensor) -> np.ndarray:
    """Logits (Q,) at points (Q, 3) of one shape's latents."""
    sets = model.decode(latents)
    parts = [model.query(part[None].to(latents[0].device), sets)[0] for part in points.split(AT_ONCE)]
    return torch.cat(parts).cpu().numpy()
