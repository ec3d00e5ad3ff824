"""Silhouettes of line drawings, and the cells that a front and a side silhouette leave (visual hull, Laurentini 1994).

No bpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..preview.pictures import CELLS, FILL, PICTURE, drawn_lines
from .plain import bad_input

GAP = 3  # pixels: an opening in an outline of up to twice this lets nothing in
FLAT = 0.05  # share of its extent below which a sketch has no depth: then it was drawn facing the front
_FILLED = 0.3  # of a cell's pixels, above which it is part of the silhouette
_OPEN = 1.6  # a silhouette of fewer pixels than this many times its lines' has no closed outline


@dataclass(frozen=True)
class Hull:
    """``cells`` (CELLS,)*3 bool in the model's axes, and their ``box`` (2, 3) in the world."""

    cells: np.ndarray
    box: np.ndarray


def hull_of(front: Sequence[np.ndarray], side: Sequence[np.ndarray]) -> Hull:
    """Hull of sketches, strokes (n, 3) in the world each. The front one is seen from −Y; the side one from +X, or from
    −Y where it is flat there. The side's height becomes the front's. Raises JobFailed: flat, nothing in common."""
    across, deep = _flat(front, 0), _flat(side, 1)
    (low, high), (deep_low, deep_high) = _bounds(across), _bounds(deep)
    if not (high - low).min() > 0 or not (deep_high - deep_low).min() > 0:
        raise bad_input("One of the sketches is a straight line", "Draw closed outlines, from the front and the side")
    scale = (high[1] - low[1]) / (deep_high[1] - deep_low[1])
    deep = [(line - deep_low) * scale for line in deep]
    depth = float((deep_high[0] - deep_low[0]) * scale)
    middle = _middle_of_depth(front, side)
    longest = max(*(high - low), depth)
    from_front = _cells([(line - (low + high) / 2) / longest for line in across])
    from_side = _cells([(line - np.array([depth, high[1] - low[1]]) / 2) / longest for line in deep])
    # The model's z goes towards the viewer in front, against Blender's y.
    cells = from_front[:, :, None] & from_side[::-1].T[None]
    if not cells.any():
        raise bad_input("The two sketches have nothing in common", "Draw the same thing from the front and the side")
    box = np.array([[low[0], middle - depth / 2, low[1]], [high[0], middle + depth / 2, high[1]]])
    return Hull(cells, box)


def silhouette(ink: np.ndarray) -> np.ndarray:
    """What the lines of a picture (S, S), 1 on 0, enclose, with the lines, (S, S) bool; of one without closed outlines
    what lies between its outermost lines, along both axes where that is something."""
    lines = np.pad(ink > 0.25, 2 * GAP)
    inside = ~_grown(_outside(_grown(lines, GAP)), GAP) | lines
    inside = inside[2 * GAP : -2 * GAP, 2 * GAP : -2 * GAP]
    least = _OPEN * (ink > 0.25).sum()
    if inside.sum() >= least:
        return inside
    rows, columns = _between(ink > 0.25), _between(ink.T > 0.25).T
    return rows & columns if (rows & columns).sum() >= least else rows | columns


def _flat(strokes: Sequence[np.ndarray], axis: int) -> list[np.ndarray]:
    """Strokes (n, 2): right and up, of a sketch along an axis of the world, or X where it has no extent along that."""
    extent = np.ptp(np.concatenate(strokes), axis=0)
    axis = axis if extent[axis] > FLAT * extent.max() else 0
    return [stroke[:, [axis, 2]] for stroke in strokes]


def _middle_of_depth(front: Sequence[np.ndarray], side: Sequence[np.ndarray]) -> float:
    """World y of the hull's middle: the side sketch's where it was drawn from the side, else the front one's."""
    extent = np.ptp(np.concatenate(side), axis=0)
    points = np.concatenate(side if extent[1] > FLAT * extent.max() else front)[:, 1]
    return float(points.min() + points.max()) / 2


def _bounds(lines: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    points = np.concatenate(lines)
    return points.min(axis=0), points.max(axis=0)


def _cells(lines: Sequence[np.ndarray]) -> np.ndarray:
    """Cells (CELLS, CELLS) bool, right and up, of a drawing whose coordinates 0 ± 1/2 fill the model's size."""
    offsets = np.cumsum([0] + [len(line) for line in lines])
    at = np.concatenate(lines) * (FILL * PICTURE, -FILL * PICTURE) + PICTURE / 2
    block = PICTURE // CELLS
    filled = silhouette(drawn_lines(at, offsets)).reshape(CELLS, block, CELLS, block).mean(axis=(1, 3))
    return (filled > _FILLED)[::-1].T


def _grown(area: np.ndarray, steps: int) -> np.ndarray:
    """An area (H, W) bool with its surroundings, ``steps`` pixels up, down and aside."""
    for _ in range(steps):
        padded = np.pad(area, 1)
        area = area | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return area


def _outside(walls: np.ndarray) -> np.ndarray:
    """What can be reached from the border of a picture without passing walls, (H, W) bool."""
    outside = np.zeros_like(walls)
    outside[0] = outside[-1] = outside[:, 0] = outside[:, -1] = True
    outside &= ~walls
    while True:
        grown = _grown(outside, 1) & ~walls
        if (grown == outside).all():
            return outside
        outside = grown


def _between(lines: np.ndarray) -> np.ndarray:
    """What lies between the first and the last line of each row."""
    return np.logical_or.accumulate(lines, axis=1) & np.logical_or.accumulate(lines[:, ::-1], axis=1)[:, ::-1]
