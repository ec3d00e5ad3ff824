"""What simpler methods make of a condition's input, to compare a model with. Knows shapes' fields and a store of training shapes; no networks."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..conditions.sketch import picture_of_image
from ..conditions.voxels import CELLS, occupancy_of
from ..geometry.distance import RESOLUTION, mesh_to_distance
from ..geometry.metrics import iou
from ..geometry.views import sample_field
from ..wavelet import tree_to_field
from .captions import carries
from .duplicates import alike
from .samples import Entry, load_tree, read_index
from .sketches import line_picture

_OCTREE = 7  # levels of the Poisson solver: 128 cells a side
_AVERAGED = 400  # training shapes in the mean shape
_FITTED = 40  # of them, those that its level is chosen on


def upsampled(occupancy: np.ndarray, mode: str, resolution: int = RESOLUTION) -> Tensor:
    """Field (R, R, R) float32, 1/2 minus the filling of cells (16, 16, 16): "nearest" or "trilinear" between the cells' centres."""
    cells = torch.from_numpy(occupancy.astype(np.float32))[None, None]
    return 0.5 - F.interpolate(cells, scale_factor=resolution // CELLS, mode=mode)[0, 0]


def half_filled(field: Tensor) -> np.ndarray:
    """Solid voxels (16, 16, 16) bool: a cell is filled when at least half of its grid points are inside."""
    return (F.avg_pool3d((field < 0).float()[None], field.shape[0] // CELLS)[0] >= 0.5).numpy()


def screened_poisson(points: np.ndarray, field: Tensor) -> Tensor:
    """Field of the screened Poisson surface (Kazhdan and Hoppe 2013) of points (N, 3) with normals taken from the reference's ``field``."""
    import lagrange

    points = torch.from_numpy(np.asarray(points, dtype=np.float32))
    steps = torch.eye(3) * (3 / field.shape[0])
    normals = F.normalize(torch.stack([sample_field(field, points + step) - sample_field(field, points - step) for step in steps], -1), dim=-1)
    made = lagrange.poisson.mesh_from_oriented_points(points.double().numpy(), normals.double().numpy(), octree_depth=_OCTREE)
    return torch.from_numpy(mesh_to_distance(made.vertices, made.facets.astype(np.int64), field.shape[0]))


class TrainingShapes:
    """The training shapes of a store, as their authors left them, to look things up in."""

    def __init__(self, store: Path | str):
        self.entries: Sequence[Entry] = read_index(store, "train")
        self._prints = [np.array(entry.geometry) for entry in self.entries if entry.geometry]
        self._field = lru_cache(maxsize=8)(lambda index: tree_to_field(load_tree(self.entries[index], 0)[None])[0])

    def field(self, index: int) -> Tensor:
        """Distance field (R, R, R) of a training shape."""
        return self._field(index)

    def has(self, geometry: np.ndarray) -> bool:
        """Whether a shape with that fingerprint is among them. Stores from before there were fingerprints do not know."""
        return any(alike(geometry, known) for known in self._prints)

    @cached_property
    def _cells(self) -> np.ndarray:
        def cells(entry: Entry) -> np.ndarray:
            with np.load(entry.file) as arrays:
                return np.unpackbits(arrays["occupancy"][0]).astype(np.float32)
        return np.stack([cells(entry) for entry in self.entries])

    def nearest(self, field: Tensor, count: int = 1) -> list[int]:
        """The training shapes most like a field (R, R, R), by the overlap of their 16³ voxels, best first."""
        given = occupancy_of(field.cpu(), CELLS).reshape(-1).astype(np.float32)
        common = self._cells @ given
        union = self._cells.sum(axis=1) + given.sum() - common
        return np.argsort(-common / np.maximum(union, 1), kind="stable")[:count].tolist()

    def carry(self, noun: str, among: Sequence[int]) -> float:
        """Share of those training shapes whose caption says that noun."""
        return float(np.mean([carries(self.entries[index].caption, noun) for index in among]))

    @cached_property
    def mean_field(self) -> Tensor:
        """The one shape that fits all best: the mean of the training shapes' distance fields, at the level with the best mean overlap."""
        chosen = np.random.default_rng(0).permutation(len(self.entries))[:_AVERAGED]
        mean = tree_to_field((sum(load_tree(self.entries[i], 0) for i in chosen) / len(chosen))[None])[0]
        coarse = mean[::4, ::4, ::4]
        solids = [self.field(i)[::4, ::4, ::4] < 0 for i in chosen[:_FITTED]]
        levels = torch.linspace(float(mean.min()), float(mean.max()), 42)[1:-1]
        fits = [np.mean([iou(coarse < level, solid) for solid in solids]) for level in levels]
        return mean - levels[int(np.argmax(fits))]

    @cached_property
    def _drawings(self) -> tuple[Tensor, np.ndarray]:
        features, owners = [], []
        for index, entry in enumerate(self.entries):
            with np.load(entry.file) as arrays:
                views = len(arrays["depth"]) // len(arrays["points"])  # the first ones are of the shape itself
                depth, normal = (torch.from_numpy(arrays[name][:views]) for name in ("depth", "normal"))
            features.append(_looks(line_picture(depth, normal)))
            owners += [index] * views
        return torch.cat(features), np.array(owners)

    def drawn_like(self, image: np.ndarray) -> int:
        """The training shape one of whose drawings is most like a sketch (H, W) uint8: what a look-up by the model's own input gives."""
        features, owners = self._drawings
        return int(owners[int((features @ _looks(torch.from_numpy(picture_of_image(image))[None, None])[0]).argmax())])


def _looks(lines: Tensor) -> Tensor:
    """Line pictures (B, 1, 128, 128) → unit features (B, 1024): smeared, so that lines near each other are alike."""
    small = F.avg_pool2d(F.avg_pool2d(lines.float(), 4), 5, 1, 2)
    small = small - small.mean(dim=(2, 3), keepdim=True)
    return F.normalize(small.flatten(1), dim=1)


def of_voxels(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    R, given = field.shape[0], inputs["occupancy"]
    return {"nearest": upsampled(given, "nearest", R), "trilinear": upsampled(given, "trilinear", R),
            "trilinear_half_filled": upsampled(half_filled(field), "trilinear", R)}


def of_points(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    return {"screened_poisson": screened_poisson(inputs["points"], field)}


def of_sketch(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    return {} if train is None else {"mean_shape": train.mean_field, "retrieved_by_drawing": train.field(train.drawn_like(inputs["image"]))}


def of_depth(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    return {} if train is None else {"mean_shape": train.mean_field}


# condition → what simpler methods make of its input, as fields (R, R, R) by name; those that look things up need training shapes.
BASELINES: dict[str, Callable[[Tensor, dict, TrainingShapes | None], dict[str, Tensor]]] = {
    "voxels": of_voxels, "points": of_points, "sketch": of_sketch, "depth": of_depth,
}
