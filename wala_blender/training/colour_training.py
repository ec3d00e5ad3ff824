"""Training of the colour network: points of coloured meshes → a choice among clustered colours at each."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..colour.palettes import MOST, NONE, write_palettes
from ..conditions.word_vectors import WordVectors
from ..configuration import write_settings
from ..geometry.colour_spaces import from_lab, to_lab
from ..networks.colour_network import ColourNetwork
from ..networks.configs import ColourConfig
from .colour_examples import (
    LEAST_SHARE,
    ColourBatch,
    ExampleDraw,
    ExampleSettings,
    classes_of,
    soft_targets,
    to_lab_tensor,
)
from .colour_shapes import ColourShapes, colour_shapes
from .data.face_colours import coloured
from .data.mesh_datasets import read_records
from .data.word_table import make_word_table
from .loop import Loop, LoopSettings
from .runs import SETTINGS, write_network

log = logging.getLogger(__name__)

COLOUR, WORDS, PALETTES = "colour.pt", "words.npz", "palettes.npz"
WORD_COUNT = 7000
VALIDATION_SHAPES = 64
_CLUSTERED = 48  # points a shape that the colours are clustered from
_ANY_COLOUR = 0.15  # share of random colours among them, for what is asked and rare
_ITERATIONS = 25
_KNOWN_WEIGHT = 0.3  # of points whose colour the picture shows


@dataclass(frozen=True)
class ColourTraining:
    """batch: shapes; points: of each that the loss reads."""

    model: ColourConfig = ColourConfig()
    examples: ExampleSettings = ExampleSettings()
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            minutes=40.0, learning_rate=1.5e-3, average_samples=1500.0, validations=5, weight_decay=0.02
        )
    )
    batch: int = 4
    points: int = 640


class ColourObjective(nn.Module):
    """A batch → the loss and numbers to log."""

    def __init__(self, model: ColourNetwork):
        super().__init__()
        self.model = model

    def forward(self, batch: ColourBatch) -> tuple[Tensor, dict[str, Tensor]]:
        logits = answer(self.model, batch)
        errors = -(soft_targets(batch.lab, self.model.palette) * logits.log_softmax(dim=-1)).sum(dim=-1)
        weights = torch.where(batch.known, _KNOWN_WEIGHT, 1.0)
        loss = (errors * weights).sum() / weights.sum()
        return loss, {"cross_entropy": errors[~batch.known].mean()}


def answer(model: ColourNetwork, batch: ColourBatch) -> Tensor:
    """Logits (B, Q, classes) float32 of a batch."""
    condition = model.condition(model.encode(batch.grid), batch.words, batch.asked, batch.extents, batch.hints)
    return model.logits(condition, batch.points, batch.normals).float()


def clustered(shapes: ColourShapes, classes: int) -> Tensor:
    """CIELAB (classes, 3) around which the shapes' colours, and some of all colours, lie (k-means)."""
    rng = np.random.default_rng(0)
    own = shapes.colours[:, :_CLUSTERED].reshape(-1, 3).numpy()
    mixed = np.concatenate([own, rng.integers(0, 256, (int(len(own) * _ANY_COLOUR), 3))])
    lab = torch.from_numpy(to_lab(rng.permutation(mixed)[:100_000]))
    centres = lab[torch.randperm(len(lab), generator=torch.Generator().manual_seed(0))[: 4 * classes]]
    centres = centres[_spread(centres, classes)]
    for _ in range(_ITERATIONS):
        nearest = torch.cdist(lab, centres).argmin(dim=1)
        counts = torch.bincount(nearest, minlength=classes)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, nearest, lab)
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return centres


def _spread(places: Tensor, count: int) -> Tensor:
    """Indices of the first and the farthest from those before, ``count`` of them."""
    from ..geometry.point_sets import farthest_points

    return farthest_points(places[None], count)[0]


def train(meshes: Path, colours: Path, vectors: Path, folder: Path, settings: ColourTraining) -> None:
    """Train (or resume training) the colour network on the training split; writes FOLDER/colour.pt, the averaged
    weights, and FOLDER/words.npz, the words that it reads.

    vectors: an .npz of GloVe's words and vectors. Raises InputError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    records = coloured(read_records(meshes, "train", unnamed=True), colours)
    shapes = colour_shapes(folder / "train.npz", records, colours)
    unseen = coloured(read_records(meshes, "validation", unnamed=True), colours)
    validation = colour_shapes(folder / "validation.npz", unseen, colours)
    if not (folder / WORDS).is_file():
        make_word_table(vectors, folder / WORDS, (record.caption for record in records), WORD_COUNT)
    words = WordVectors.load(folder / WORDS)
    model = ColourNetwork(settings.model)
    model.palette.copy_(clustered(shapes, settings.model.classes))
    model.to(memory_format=torch.channels_last_3d)
    log.info("%d shapes, %d for validation", len(shapes), len(validation))
    loop = Loop(ColourObjective(model), folder, settings.loop)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    palette = model.palette.cpu()
    examples, share = ExampleDraw(shapes, words, palette, settings.examples), loop.share(settings.batch)

    def step(_: float):
        batch = examples.draw(settings.batch, settings.points, loop.generator).rows(share, loop.device)
        with loop.autocast():
            loss, numbers = loop.objective(batch)
        return loss, settings.batch, numbers

    loop.run(step, _validation(loop, validation, words, palette) if loop.writes else None)
    if loop.writes:
        write_network(folder / COLOUR, settings.model, loop.average)
        write_palettes(folder / PALETTES, *palettes_of(shapes, palette), [one.caption for one in shapes.records])


def palettes_of(shapes: ColourShapes, palette: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Of every shape the classes (S, MOST) uint8 of its colours, the largest first, NONE where there are fewer; and its
    extents (S, 3), 0 … 1."""
    classes = np.full((len(shapes), MOST), NONE, np.uint8)
    for row, colours in enumerate(shapes.colours):
        counts = torch.bincount(classes_of(to_lab_tensor(colours), palette), minlength=len(palette))
        largest = counts.argsort(descending=True, stable=True)[:MOST]
        kept = largest[counts[largest] >= LEAST_SHARE * len(colours)]
        classes[row, : len(kept)] = kept
    points = shapes.points.float()
    extents = points.amax(dim=1) - points.amin(dim=1)
    return classes, (extents / extents.amax(dim=1, keepdim=True)).numpy()


def _validation(
    loop: Loop, shapes: ColourShapes, words: WordVectors, palette: Tensor
) -> Callable[[float], dict[str, float]]:
    """Validation callback: of unseen shapes the cross entropy, and the most likely colours' mean absolute error (of 1,
    sRGB) as a share of what the shape's own mean colour leaves; by words alone, with the main colour's name, from a
    picture (on what it does not show)."""
    never = ExampleSettings(0.0, 0.0, 0.0, 0.0, 0.0)
    kinds = {
        "words": never,
        "asked": replace(never, asked=1.0),
        "picture": replace(never, pictured=1.0),
        "hinted": replace(never, hinted=1.0),
    }
    rows = torch.linspace(0, len(shapes) - 1, min(VALIDATION_SHAPES, len(shapes))).long()
    batches = {
        kind: [
            ExampleDraw(shapes, words, palette, settings).batch(
                part, 512, torch.Generator().manual_seed(0), soften=False
            )
            for part in rows.split(32)
        ]
        for kind, settings in kinds.items()
    }

    def validate(_: float) -> dict[str, float]:
        numbers: dict[str, float] = {}
        with loop.averaged() as model:
            for kind, several in batches.items():
                entropies, errors, means = [], [], []
                for batch in several:
                    on_device = batch.rows(slice(None), loop.device)
                    with loop.autocast():
                        logits = answer(model, on_device).cpu()
                    hidden = (~batch.known).float()
                    entropy = -(soft_targets(batch.lab, palette) * logits.log_softmax(dim=-1)).sum(dim=-1)
                    entropies.append((entropy * hidden).sum() / hidden.sum())
                    predicted, true = _rgb(palette[logits.argmax(dim=-1)]), _rgb(batch.lab)
                    mean = true.mean(dim=1, keepdim=True)
                    errors.append(((predicted - true).abs().mean(-1) * hidden).sum() / hidden.sum())
                    means.append(((mean - true).abs().mean(-1) * hidden).sum() / hidden.sum())
                numbers[f"{kind}_cross_entropy"] = float(torch.stack(entropies).mean())
                numbers[f"{kind}_error"] = float(torch.stack(errors).mean())
                numbers[f"{kind}_share"] = float(torch.stack(errors).mean() / torch.stack(means).mean())
        return numbers

    return validate


def _rgb(lab: Tensor) -> Tensor:
    return torch.from_numpy(from_lab(lab.numpy())).float() / 255
