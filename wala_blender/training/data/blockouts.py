"""Blockouts of shapes as artists build them, for training and evaluation: boxes and convex parts fitted to a solid, or
coarse cells.

Boxes are fitted greedily. A box gains the part of the solid that it is the first to cover and pays ``waste`` times the
empty volume it covers. The best of all axis-aligned boxes of a coarse grid is found exactly (Kadane's maximum subarray,
over all pairs of planes of the other two axes at once); its sides are then moved on the fine grid as long as that
gains. Convex parts are the hulls of what each of these boxes covers. All parts are closed and oriented outward; they
may overlap, and together they are one blockout.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.spatial import ConvexHull

from ...errors import InputError
from ...geometry.metrics import Mesh

KINDS = ("boxes", "hulls", "cells")
CELLS = (8, 24)  # a side of [-1, 1]³, least and most, of coarse cells
FINE = 128  # grid points a side of the solid that boxes are fitted to
_COARSE = 24  # cells along the solid's longest side, where the best box is looked for
_PARTS = (2, 16)  # in a drawn blockout
_WASTE = (0.4, 1.5)
_MIN_GAIN = 0.004  # of the solid: a box that gains less is not worth an artist's while
_LOOSE = 0.3  # of the price of waste, when nothing gains any more: slanted rods are left then
_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
_QUADS = np.array(
    ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
)  # -x, +x, -y, +y, -z, +z
_DIRECTIONS = np.array(
    [[x, y, z] for x in range(-2, 3) for y in range(-2, 3) for z in range(-2, 3) if (x, y, z) != (0, 0, 0)], dtype=float
)
_TRIANGLES = _QUADS[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)


def blockout(field: torch.Tensor, kind: str, rng: np.random.Generator) -> Mesh:
    """A tidy blockout of a field (R, R, R) in model space, vertices (V, 3) float64 and triangles (F, 3): 12 tight
    "boxes" or "hulls", or "cells" at least half filled, of a size drawn from CELLS. Raises InputError for a field
    without inside or an unknown kind."""
    solid = _fine_solid(field)
    if kind == "cells":
        return coarse_cells(solid, int(rng.integers(CELLS[0], CELLS[1] + 1)), 0.5)
    return joined(_parts(solid, kind, fitted_boxes(solid, 12, 1.0)))


def drawn_blockout(field: torch.Tensor, rng: np.random.Generator) -> Mesh:
    """A blockout for training: of any kind, few parts or many, tight or loose, cells filled by anything or by half, two
    of three times as untidy as artists are. For field, result and errors see ``blockout``."""
    solid = _fine_solid(field)
    kind = KINDS[int(rng.integers(len(KINDS)))]
    if kind == "cells":
        parts = [coarse_cells(solid, int(rng.integers(CELLS[0], CELLS[1] + 1)), float(rng.choice((0.0, 0.5))))]
    else:
        parts = _parts(
            solid, kind, fitted_boxes(solid, int(rng.integers(_PARTS[0], _PARTS[1] + 1)), float(rng.uniform(*_WASTE)))
        )
    return joined(untidy(parts, rng) if rng.random() < 2 / 3 else parts)


def _fine_solid(field: torch.Tensor) -> np.ndarray:
    """The inside (FINE, FINE, FINE) bool of a field of at least that resolution."""
    step = max(1, field.shape[0] // FINE)
    solid = np.asarray(field[::step, ::step, ::step] < 0)
    if not solid.any():
        raise InputError(
            "the distance field has no inside, so that there is nothing to block out", "Choose another shape."
        )
    return solid


def _parts(solid: np.ndarray, kind: str, boxes: Sequence[np.ndarray]) -> list[Mesh]:
    if kind == "boxes":
        return [box_mesh(_in_space(box, len(solid))) for box in boxes]
    if kind == "hulls":
        return convex_parts(solid, boxes)
    raise InputError(f"unknown kind of blockout {kind!r}", f"Choose one of {', '.join(KINDS)}.")


def _in_space(box: np.ndarray, R: int) -> np.ndarray:
    """Box of grid points, first and one past the last (2, 3) → its sides in model space: half a grid step beyond the
    outermost points."""
    return (2 * np.asarray(box) - 1) / R - 1


def fitted_boxes(solid: np.ndarray, most: int, waste: float) -> list[np.ndarray]:
    """Boxes (2, 3) int64 of grid points, first and one past the last, that cover a solid (R, R, R) bool: ``most`` at
    most, the greatest gain first, until a further one would gain next to nothing, even loosely. waste: price of a grid
    point outside the solid, in ones inside."""
    filled = np.argwhere(solid)
    low, high = filled.min(axis=0), filled.max(axis=0) + 1
    gain = np.where(solid, 1.0, -waste)[tuple(slice(a, b) for a, b in zip(low, high))]
    step = max(1, int(np.ceil(max(gain.shape) / _COARSE)))
    boxes, is_loose = [], False
    while len(boxes) < most:
        sums = _sums(gain)
        box = _refined(sums, np.minimum(_best_box(_pooled(gain, step)) * step, gain.shape), step)
        if _total(sums, box) < _MIN_GAIN * len(filled):
            if is_loose:
                break
            is_loose, gain = True, np.where(gain < 0, gain * _LOOSE, gain)
            continue
        boxes.append(box + low)
        gain[tuple(slice(a, b) for a, b in box.T)] = 0.0  # neither gained nor paid for twice
    return boxes or [np.stack([low, high])]


def _pooled(gain: np.ndarray, step: int) -> np.ndarray:
    """Sums over blocks of step³, the last ones cut off by the border."""
    for axis in range(3):
        gain = np.add.reduceat(gain, np.arange(0, gain.shape[axis], step), axis)
    return gain


def _best_box(gain: np.ndarray) -> np.ndarray:
    """The box (2, 3), first and one past the last index, with the largest sum of gain (X, Y, Z)."""
    along_x = np.concatenate([np.zeros((1, *gain.shape[1:])), gain.cumsum(0)])
    x = np.array([(a, b) for a in range(gain.shape[0]) for b in range(a + 1, gain.shape[0] + 1)])
    slabs = (along_x[x[:, 1]] - along_x[x[:, 0]]).astype(np.float32)
    along_y = np.concatenate([np.zeros((len(x), 1, gain.shape[2]), np.float32), slabs.cumsum(1)], 1)
    y = np.array([(a, b) for a in range(gain.shape[1]) for b in range(a + 1, gain.shape[1] + 1)])
    columns = along_y[:, y[:, 1]] - along_y[:, y[:, 0]]  # (pairs of x, pairs of y, Z)
    best = np.full(columns.shape[:2], -np.inf, np.float32)
    first, last = np.zeros(columns.shape[:2], np.int16), np.zeros(columns.shape[:2], np.int16)
    running, begun = np.zeros_like(best), np.zeros_like(first)
    for z in range(gain.shape[2]):
        fresh = running <= 0
        running, begun = np.where(fresh, 0, running) + columns[:, :, z], np.where(fresh, np.int16(z), begun)
        better = running > best
        best, first, last = (
            np.where(better, running, best),
            np.where(better, begun, first),
            np.where(better, np.int16(z + 1), last),
        )
    i, j = np.unravel_index(best.argmax(), best.shape)
    return np.array([[x[i, 0], y[j, 0], first[i, j]], [x[i, 1], y[j, 1], last[i, j]]], dtype=np.int64)


def _sums(gain: np.ndarray) -> np.ndarray:
    """Sums of gain over all boxes that begin at the origin, a plane of zeros before each axis."""
    return np.pad(gain.cumsum(0).cumsum(1).cumsum(2), ((1, 0),) * 3)


def _total(sums: np.ndarray, box: np.ndarray) -> float:
    """The gain of one box (2, 3)."""
    signs = np.where(_CORNERS.sum(axis=1) % 2 == 1, 1, -1)
    return float((signs * sums[tuple(box[_CORNERS, np.arange(3)].T)]).sum())


def _refined(sums: np.ndarray, box: np.ndarray, step: int) -> np.ndarray:
    """The box with each side moved by up to ``step``, to where the gain is largest; two rounds."""
    for _ in range(2):
        for axis in range(3):
            for end in (0, 1):
                candidates = []
                for place in range(box[end, axis] - step, box[end, axis] + step + 1):
                    moved = box.copy()
                    moved[end, axis] = min(max(place, 0), sums.shape[axis] - 1)
                    if moved[0, axis] < moved[1, axis]:
                        candidates.append((_total(sums, moved), moved))
                box = max(candidates, key=lambda one: one[0])[1]
    return box


def box_mesh(box: np.ndarray) -> Mesh:
    """A box (2, 3), low and high, as vertices (8, 3) and triangles (12, 3)."""
    return box[0] + _CORNERS * (box[1] - box[0]), _TRIANGLES


def convex_parts(solid: np.ndarray, boxes: Sequence[np.ndarray]) -> list[Mesh]:
    """The convex hulls of the solid's grid points (R, R, R) in each box, those aside that an earlier box has; of the
    outermost points in some hundred directions, so that a part has few faces."""
    left, parts = solid.copy(), []
    for box in boxes:
        inner = tuple(slice(a, b) for a, b in box.T)
        points = np.argwhere(left[inner]) + box[0]
        left[inner] = False
        # The cells about the points, not the points alone: what is one grid point thick has a volume.
        if len(points):
            outermost = np.unique((points @ _DIRECTIONS.T).argmax(axis=0))
            parts.append(_hull(_in_space((points[outermost, None] + _CORNERS).reshape(-1, 3), len(solid))))
        else:
            parts.append(box_mesh(_in_space(box, len(solid))))
    return parts


def _hull(points: np.ndarray) -> Mesh:
    hull = ConvexHull(points)
    used, faces = np.unique(hull.simplices, return_inverse=True)
    vertices, faces = points[used], faces.reshape(-1, 3)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = (normals * hull.equations[:, :3]).sum(axis=1) < 0
    faces[inward] = faces[inward][:, ::-1]
    return vertices, faces


def coarse_cells(solid: np.ndarray, cells: int, least: float) -> Mesh:
    """The outside of a coarse voxelisation of a solid (R, R, R) bool: ``cells`` cells along a side of [-1, 1]³, filled
    where more than nothing and at least the share ``least`` of it is solid; where that leaves none, where anything
    is."""
    R = len(solid)
    starts = np.ceil(np.arange(cells) * R / cells).astype(int)  # of grid points, each of which is in one cell
    share = solid.astype(np.float64)
    for axis in range(3):
        share = np.add.reduceat(share, starts, axis)
    sizes = np.diff([*starts, R])
    share /= sizes[:, None, None] * sizes[None, :, None] * sizes[None, None, :]
    filled = (share > 0) & (share >= least)
    return _outside(filled if filled.any() else share > 0)


def _outside(filled: np.ndarray) -> Mesh:
    """Vertices and triangles of the sides of filled cells (n, n, n) bool that no other filled cell covers."""
    n = len(filled)
    padded, quads = np.pad(filled, 1), []
    for side, quad in enumerate(_QUADS):
        axis, ahead = side // 2, 2 * (side % 2) - 1
        bare = filled & ~np.roll(padded, -ahead, axis)[1:-1, 1:-1, 1:-1]
        quads.append(np.argwhere(bare)[:, None] + _CORNERS[quad])
    corners, indices = np.unique(np.concatenate(quads).reshape(-1, 3), axis=0, return_inverse=True)
    return corners * (2 / n) - 1, indices.reshape(-1, 4)[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)


def untidy(parts: Sequence[Mesh], rng: np.random.Generator) -> list[Mesh]:
    """Parts as a hurried artist leaves them: each end of each moved along its axis by some hundredths of the model,
    more often outward, so that parts overlap; one of eight cut short or drawn out by up to a half; and now and then, of
    more than three, one of the later ones missing."""
    kept = list(parts)
    if len(kept) > 3 and rng.random() < 0.25:
        del kept[int(rng.integers(len(kept) // 2, len(kept)))]
    return [(_stretched(vertices, rng), faces) for vertices, faces in kept]


def _stretched(vertices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    side = high - low
    ends = rng.normal(0.01, 0.02, (2, 3)).clip(-0.04, 0.06)
    if rng.random() < 1 / 8:
        axis = int(rng.integers(3))
        ends[int(rng.integers(2)), axis] += rng.uniform(-0.5, 0.5) * side[axis]
    # A side keeps at least a third of its length.
    grown = np.maximum(side + ends.sum(axis=0), side / 3)
    return low - ends[0] + (vertices - low) / side * grown


def joined(parts: Sequence[Mesh]) -> Mesh:
    """Several parts as one mesh, shells as they are."""
    offsets = np.cumsum([0] + [len(vertices) for vertices, _ in parts])
    return np.concatenate([vertices for vertices, _ in parts]), np.concatenate(
        [faces + offset for (_, faces), offset in zip(parts, offsets)]
    )
