"""Shapes put together from solids, and their distance fields.

Parts are added and cut in order: the distance is the minimum of the added ones, and the maximum with a cut part's
negative. That is exact outside of unions of exact solids and close near the surface elsewhere. Deep inside it sees the
faces that parts have in one another, which are no surface of the shape; ``field`` replaces it there (see
_without_hidden_faces). Before an opening it is too small where the cut part ends nearby: what is cut should reach well
out of the solid.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from ....geometry.distance import EXTENT, TRUNCATION, Frame, grid_coordinates
from .solids import Solid

AXES = np.eye(3)
_WELD = (
    1e-4  # model units by which added parts grow, and cut ones twice: parts that just touch leave no film between them
)
_FINEST = 86  # grid points a side at most among which hidden faces are looked for


@dataclass(frozen=True, eq=False)
class Part:
    """A solid in its place: x = rotation · local + position. rotation (3, 3) orthogonal, mirrored or not. cut: taken
    away from all parts before it."""

    solid: Solid
    position: np.ndarray
    rotation: np.ndarray
    cut: bool = False

    def moved(self, linear: np.ndarray, offset: np.ndarray) -> "Part":
        """The part after x → linear · x + offset, linear (3, 3) orthogonal."""
        return replace(self, position=linear @ self.position + offset, rotation=linear @ self.rotation)

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner, each (3,)."""
        high = np.array([self.solid.reach(self.rotation.T @ axis) for axis in AXES])
        low = np.array([self.solid.reach(-self.rotation.T @ axis) for axis in AXES])
        return self.position - low, self.position + high

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance at coordinates that broadcast against one another."""
        coordinates = [a - np.float32(p) for a, p in zip((x, y, z), self.position)]
        local = []
        for column in self.rotation.T:
            terms = [a * np.float32(c) for a, c in zip(coordinates, column) if abs(c) > 1e-9]
            local.append(sum(terms[1:], terms[0]))
        return self.solid.distance(*local)


@dataclass(frozen=True, eq=False)
class Shape:
    """Parts in any unit, +Y up, what it is called, and other ways to say it; captions may say more than the name ("a
    table with one leg")."""

    parts: tuple[Part, ...]
    caption: str = ""
    head: str = ""
    category: str = "other"
    synonyms: tuple[str, ...] = ()

    @cached_property
    def frame(self) -> Frame:
        """From the parts' unit to model space: the added parts' bounding box centred, its longest side −0.9 … 0.9."""
        lows, highs = zip(*(part.bounds for part in self.parts if not part.cut))
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        return Frame((low + high) / 2, 2 * EXTENT / float((high - low).max()))

    def turned(self, degrees: float, mirror: bool = False) -> "Shape":
        """The shape turned about +Y, mirrored in x before where asked; the field of the result is exact, and in its own
        box."""
        a = np.radians(degrees)
        turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]) @ np.diag(
            [-1.0 if mirror else 1.0, 1, 1]
        )
        return replace(self, parts=tuple(part.moved(turn, np.zeros(3)) for part in self.parts))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Signed distance (N,) float32, model units, positive outside, not truncated, at points (N, 3) of model
        space."""
        x, y, z = self.frame.from_model(points).astype(np.float32).T
        total, weld = np.full(len(points), np.inf, dtype=np.float32), np.float32(_WELD / self.frame.scale)
        for part in self.parts:
            distance = part.distance(x, y, z)
            total = np.maximum(total, 2 * weld - distance) if part.cut else np.minimum(total, distance - weld)
        return total * np.float32(self.frame.scale)

    def region(self, axes: tuple[np.ndarray, np.ndarray, np.ndarray], truncation: float = TRUNCATION) -> np.ndarray:
        """Signed distance (X, Y, Z) float32 on the grid of these ascending coordinates of model space, (X,), (Y,) and
        (Z,), clipped to ±truncation. Every part is evaluated only where it is nearer than that. Faces hidden within the
        shape still count: see ``field``."""
        scale, center = self.frame.scale, self.frame.center
        axes = [np.asarray(axis, dtype=np.float64) / scale + c for axis, c in zip(axes, center)]
        reach = truncation / scale
        total, weld = np.full([len(axis) for axis in axes], reach, dtype=np.float32), np.float32(_WELD / scale)
        for part in self.parts:
            low, high = part.bounds
            box = tuple(slice(*np.searchsorted(axis, (a - reach, b + reach))) for axis, a, b in zip(axes, low, high))
            here = total[box]
            if here.size == 0:
                continue
            x, y, z = (axis[part_of].astype(np.float32) for axis, part_of in zip(axes, box))
            distance = part.distance(x[:, None, None], y[None, :, None], z[None, None, :])
            if part.cut:
                np.maximum(here, 2 * weld - distance, out=here)
            else:
                np.minimum(here, distance - weld, out=here)
        total *= np.float32(scale)
        return np.clip(total, -truncation, truncation, out=total)

    def in_one_piece(self) -> bool:
        """Whether nearly all of the solid hangs together, at a resolution of 96."""
        axis = grid_coordinates(96)
        field = self.region((axis, axis, axis), 0.05)
        labels, _ = ndimage.label(field < 0.005, np.ones((3, 3, 3)))  # rods may be thinner than a cell
        volumes = np.bincount(labels[field < 0], minlength=2)[1:]
        return bool(volumes.max() > 0.98 * volumes.sum() > 0)

    def field(self, resolution: int, truncation: float = TRUNCATION) -> np.ndarray:
        """Truncated signed distance (R, R, R) float32 on the grid of geometry.distance: model space, +Y up, positive
        outside."""
        axis = grid_coordinates(resolution)
        field = self.region((axis, axis, axis), truncation)
        if sum(not part.cut for part in self.parts) > 1:
            _without_hidden_faces(field, truncation)
        return field


def _without_hidden_faces(field: np.ndarray, truncation: float) -> None:
    """Deepens the distance around faces hidden in the solid to that from its own surface, in place. field (R, R, R)
    over [-1, 1]³.

    Outside, the field is a distance: a point inside is |p − q| − field(q) from the surface for the nearest grid point q
    outside, or a little less. Within 1.5 cells of the surface, of the coarser grid on which that is looked for, the
    field stays as it is.
    """
    step = -(-field.shape[0] // _FINEST)
    cell = 2 * step / field.shape[0]
    coarse = field[::step, ::step, ::step]
    if not (coarse < 0).any():
        return
    box = tuple(slice(max(0, low - 1), high + 2) for low, high in _extent(coarse < 0))
    coarse = coarse[box]
    solid = coarse < 0
    nearest = ndimage.distance_transform_edt(solid, return_distances=False, return_indices=True)
    squared = np.zeros(solid.shape, dtype=np.float32)
    for axis, indices in enumerate(nearest):
        own = np.arange(solid.shape[axis], dtype=np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        squared += (indices.astype(np.float32) - own) ** 2
    depth = np.minimum(np.sqrt(squared) * cell - coarse[tuple(nearest)], truncation)
    hidden = solid & (-coarse < depth - cell / 2) & (depth > 1.5 * cell)
    if not hidden.any():
        return
    depth = np.where(hidden, depth, -coarse)
    fine = tuple(slice(step * part.start, step * (part.start + n - 1) + 1) for part, n in zip(box, solid.shape))
    size = tuple(step * (n - 1) + 1 for n in solid.shape)
    deeper = functional.interpolate(torch.from_numpy(depth)[None, None], size, mode="trilinear", align_corners=True)[
        0, 0
    ].numpy()
    near = ndimage.binary_dilation(hidden, np.ones((3, 3, 3))) & solid
    near = near.repeat(step, 0).repeat(step, 1).repeat(step, 2)[tuple(slice(0, n) for n in size)]
    here = field[fine]
    np.minimum(here, -deeper, out=here, where=near & (here < 0))


def _extent(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of what is true along every axis."""
    found = []
    for axis in range(mask.ndim):
        filled = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        found.append((int(filled[0]), int(filled[-1])))
    return found
