"""Examples for the colour network: surfaces made as soft as generated ones, with words, asked colours, colours that are
already known, and what a picture from one side shows."""

from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour.words import word_features
from ..conditions.word_vectors import WordVectors
from ..geometry.colour_spaces import NAMES, from_lab, names_of, to_lab
from ..networks.colour_network import surface_grid
from .colour_shapes import ColourShapes
from .data.captions import UNNAMED

SOFT_CELLS = (18, 30)  # per axis, of the means that a surface is softened with
NEAR_COLOUR = 6.0  # CIELAB: colours so near to a point's own are nearly as right
TURNED_SPREAD = 0.7  # of the differences among the colours that are turned to another
LEAST_SHARE = 0.02  # of the points, of a colour that a shape is said to have
PICTURE_CELLS = 48  # of the depth buffer that says which points a picture shows
PICTURE_DEPTH = 0.03


@dataclass(frozen=True)
class ColourBatch:
    """Inputs of the network and what it is to answer: ``grid`` (B, 64, 16, 16, 16), ``points`` and ``normals`` (B, Q,
    3), ``lab`` (B, Q, 3) the points' colours, ``known`` (B, Q) whether they are among the inputs; the rest as
    ColourNetwork.condition."""

    grid: Tensor
    points: Tensor
    normals: Tensor
    lab: Tensor
    known: Tensor
    words: Tensor
    asked: Tensor
    extents: Tensor
    hints: Tensor

    def rows(self, share: slice, device: torch.device) -> "ColourBatch":
        return ColourBatch(*(getattr(self, item.name)[share].to(device) for item in fields(self)))


@dataclass(frozen=True)
class ExampleSettings:
    """Probabilities: ``asked`` that the main colour's name is given, ``turned`` of these that it is another than the
    mesh's, ``wordless``, ``hinted`` that colours of the shape are given, ``pictured``."""

    asked: float = 0.5
    turned: float = 0.5
    wordless: float = 0.15
    hinted: float = 0.5
    pictured: float = 0.25


class ExampleDraw:
    """Draws batches of the shapes; a generator alone decides which. palette: CIELAB (K, 3)."""

    def __init__(self, shapes: ColourShapes, vectors: WordVectors, palette: Tensor, settings: ExampleSettings):
        self.shapes, self.palette, self.settings = shapes, palette, settings
        self.palette_names = torch.from_numpy(names_of(from_lab(palette.numpy())))
        self._words = [
            torch.from_numpy(
                np.stack([word_features("" if text == UNNAMED else text, vectors) for text in captions_of(record)])
            )
            for record in shapes.records
        ]
        self.weights = self._weights()

    def _weights(self) -> Tensor:
        """Of shapes: the rarer their main colour, the larger."""
        mains = torch.stack(
            [
                torch.bincount(self.palette_names[classes_of(to_lab_tensor(colours[:256]), self.palette)], minlength=11)
                for colours in self.shapes.colours
            ]
        ).argmax(dim=1)
        return (1 / torch.bincount(mains, minlength=len(NAMES)).clamp(min=1).float().sqrt())[mains]

    def draw(self, count: int, queries: int, generator: torch.Generator) -> ColourBatch:
        rows = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        return self.batch(rows, queries, generator)

    def batch(self, rows: Tensor, queries: int, generator: torch.Generator, soften: bool = True) -> ColourBatch:
        """The shapes of some rows as a batch; soften: with all augmentation."""
        settings, count = self.settings, len(rows)
        points, normals, colours = self.shapes.batch(rows)
        lab = to_lab_tensor(colours)
        if soften:
            points, normals = augmented(points, normals, generator)
        chance = torch.rand(5, count, generator=generator)
        asked = F.one_hot(torch.full((count,), len(NAMES)), len(NAMES) + 1).float()
        for row in (chance[0] < settings.asked).nonzero()[:, 0].tolist():
            names = self.palette_names[classes_of(lab[row], self.palette)]
            main = int(torch.bincount(names, minlength=len(NAMES)).argmax())
            if chance[1, row] < settings.turned:
                wanted = int(torch.randint(len(NAMES), (1,), generator=generator))
                lab[row], main = turned_hue(lab[row], names == main, self._typical(wanted, generator)), wanted
            asked[row] = F.one_hot(torch.tensor(main), len(NAMES) + 1).float()
        pictured = chance[4] < settings.pictured
        seen = seen_from(points, normals, generator) & pictured[:, None]
        shown = as_photographed(lab, generator)
        order = torch.randperm(points.shape[1], generator=generator)[:queries]
        return ColourBatch(
            surface_grid(points, normals, seen, shown / 100),
            points[:, order],
            normals[:, order],
            lab[:, order],
            seen[:, order],
            torch.stack(
                [
                    self._words_of(int(row), bool(chance[2, n] < settings.wordless), generator)
                    for n, row in enumerate(rows)
                ]
            ),
            asked,
            points.amax(dim=1) - points.amin(dim=1),
            torch.stack(
                [self._hints(one, bool(chance[3, n] < settings.hinted), generator) for n, one in enumerate(lab)]
            ),
        )

    def _typical(self, name: int, generator: torch.Generator) -> Tensor:
        """A colour with that name."""
        of_name = (self.palette_names == name).nonzero()[:, 0]
        if not len(of_name):
            return to_lab_tensor(torch.tensor(_first_typical(name)))
        return self.palette[of_name[torch.randint(len(of_name), (1,), generator=generator)]][0]

    def _words_of(self, row: int, wordless: bool, generator: torch.Generator) -> Tensor:
        options = self._words[row]
        chosen = options[torch.randint(len(options), (1,), generator=generator)][0]
        return torch.zeros_like(chosen) if wordless else chosen

    def _hints(self, lab: Tensor, hinted: bool, generator: torch.Generator) -> Tensor:
        """Some or all of a shape's colours, as ColourNetwork.condition wants them."""
        hints = torch.zeros(len(self.palette) + 1)
        if hinted:
            shares = torch.bincount(classes_of(lab, self.palette), minlength=len(self.palette)) / len(lab)
            there = (shares >= LEAST_SHARE).nonzero()[:, 0]
            number = 1 + int(torch.randint(len(there), (1,), generator=generator))
            hints[there[torch.randperm(len(there), generator=generator)[:number]]] = 1
            hints[-1] = float(number == len(there))
        return hints


def captions_of(record) -> tuple[str, ...]:
    """Its caption and its other names."""
    return (record.caption, *record.synonyms)


def _first_typical(name: int) -> tuple[int, int, int]:
    from ..geometry.colour_spaces import TYPICAL

    return TYPICAL[NAMES[name]][0]


def to_lab_tensor(colours: Tensor) -> Tensor:
    """sRGB bytes (…, 3) → CIELAB float32."""
    return torch.from_numpy(to_lab(colours.numpy()))


def classes_of(lab: Tensor, palette: Tensor) -> Tensor:
    """Index of the nearest colour of a palette (K, 3) for CIELAB (…, 3)."""
    return torch.cdist(lab.reshape(-1, 3), palette).argmin(dim=1).view(lab.shape[:-1])


def soft_targets(lab: Tensor, palette: Tensor) -> Tensor:
    """Probabilities (…, K): of the palette's colours by their distance to CIELAB (…, 3)."""
    distance = torch.cdist(lab.reshape(-1, 3), palette).view(*lab.shape[:-1], -1)
    return torch.softmax(-(distance**2) / (2 * NEAR_COLOUR**2), dim=-1)


def turned_hue(lab: Tensor, changed: Tensor, wanted: Tensor) -> Tensor:
    """CIELAB (N, 3) with the colours of some points (N,) around a wanted one (3,)."""
    own = lab[changed]
    turned = lab.clone()
    turned[changed] = wanted + TURNED_SPREAD * (own - own.mean(dim=0))
    return turned


def augmented(points: Tensor, normals: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points (B, N, 3) and normals turned by quarters or mirrored, stretched a little, softened and jittered; longest
    side 1 around 0 again."""
    B = len(points)
    turn = _quarter_turns(B, generator)
    points, normals = points @ turn, normals @ turn
    stretch = 0.85 + 0.3 * torch.rand(B, 1, 3, generator=generator)
    points, normals = points * stretch, F.normalize(normals / stretch, dim=-1)
    low, high = SOFT_CELLS
    cells = int(torch.randint(low, high, (1,), generator=generator))
    mean_point, mean_normal = _cell_means(points, normals, cells)
    softness = torch.rand(2, B, 1, 1, generator=generator) * (torch.rand(B, 1, 1, generator=generator) < 0.75)
    points = points + 0.7 * softness[0] * (mean_point - points)
    normals = F.normalize(normals + 2 * softness[1] * mean_normal, dim=-1)
    noise = 0.006 * torch.rand(B, 1, 1, generator=generator)
    points = points + noise * torch.randn(points.shape, generator=generator)
    low_end, high_end = points.amin(dim=1, keepdim=True), points.amax(dim=1, keepdim=True)
    return (points - (low_end + high_end) / 2) / (high_end - low_end).amax(dim=-1, keepdim=True), normals


def _quarter_turns(count: int, generator: torch.Generator) -> Tensor:
    """Rotations (count, 3, 3) about the up axis, most of them by 0, half of them mirrored in x."""
    quarters = torch.randint(4, (count,), generator=generator) * (torch.rand(count, generator=generator) < 0.4)
    angles = quarters * (torch.pi / 2)
    mirror = torch.randint(2, (count,), generator=generator) * 2.0 - 1
    zero, one = torch.zeros(count), torch.ones(count)
    rows = (mirror * angles.cos(), zero, angles.sin(), zero, one, zero, -mirror * angles.sin(), zero, angles.cos())
    return torch.stack(rows, dim=-1).reshape(count, 3, 3)


def _cell_means(points: Tensor, normals: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Of each point the mean place and the mean normal of the points in its cell."""
    B, N, _ = points.shape
    cell = ((points + 0.6) * (cells / 1.2)).long().clamp(0, cells - 1)
    index = (cell[..., 0] * cells + cell[..., 1]) * cells + cell[..., 2] + cells**3 * torch.arange(B)[:, None]
    values = torch.cat([points, normals, torch.ones(B, N, 1)], dim=-1).flatten(0, 1)
    sums = torch.zeros(B * cells**3, 7).index_add_(0, index.flatten(), values)[index]
    means = sums[..., :6] / sums[..., 6:]
    return means[..., :3], means[..., 3:]


def seen_from(points: Tensor, normals: Tensor, generator: torch.Generator) -> Tensor:
    """Which points (B, N) an eye at a random place, at most 45° above, sees."""
    B = len(points)
    azimuth = 2 * torch.pi * torch.rand(B, generator=generator)
    elevation = torch.deg2rad(-5 + 50 * torch.rand(B, generator=generator))
    towards = torch.stack([azimuth.sin() * elevation.cos(), elevation.sin(), azimuth.cos() * elevation.cos()], dim=-1)
    right = torch.stack([azimuth.cos(), torch.zeros(B), -azimuth.sin()], dim=-1)
    up = torch.linalg.cross(towards, right)
    across, along, depth = (torch.einsum("bnc,bc->bn", points, axis) for axis in (right, up, towards))
    column, row = (
        ((place / 1.8 + 0.5) * PICTURE_CELLS).long().clamp(0, PICTURE_CELLS - 1) for place in (across, along)
    )
    index = row * PICTURE_CELLS + column
    nearest = torch.full((B, PICTURE_CELLS**2), -torch.inf).scatter_reduce(1, index, depth, "amax")
    facing = torch.einsum("bnc,bc->bn", normals, towards)
    return (depth > nearest.gather(1, index) - PICTURE_DEPTH) & (facing > 0.1)


def as_photographed(lab: Tensor, generator: torch.Generator) -> Tensor:
    """CIELAB (B, N, 3) under another light, with noise."""
    gain = torch.tensor([0.85, 0.9, 0.9]) + torch.tensor([0.25, 0.2, 0.2]) * torch.rand(
        len(lab), 1, 3, generator=generator
    )
    return lab * gain + 2 * torch.randn(lab.shape, generator=generator)
