"""Detection of marks that do not belong to the drawing: specks, signatures and notes near the border, frames, page
edges.

Lengths are fractions of the sheet's longer side, unless stated as fractions of the drawing's.
"""

from collections import Counter

import numpy as np
from scipy import ndimage

_BORDER = 0.08  # distance from the border of a frame or a page's edge
_GAP = 0.025  # largest distance within a group
_DOT = 0.013  # largest size of a lone dot that is dirt
_SPECK = 0.04  # of the drawing: largest size of a speck outside it
_SMALL = 0.12  # of the drawing: largest size of a separate mark, farther than _APART
_APART = 0.1  # of the drawing
_WRITING = 0.45, 0.15  # of the drawing: length and height of a signature or a note at most
_EDGE = 0.15  # distance of signatures and notes from the border
_LEAST = 0.15  # the longer side of a drawing


def without_marks(found: np.ndarray, contrast: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Where ink was found (h, w) bool, and its contrast (h, w) → the drawing's (h, w) bool, and words for each kind of
    mark left out.

    Whatever would leave no drawing stays.
    """
    drawing, words = _without_border(found, contrast)
    return _without_specks(drawing, contrast, words)


def _without_border(found: np.ndarray, contrast: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Without components that lie along the border alone, where something else is left. What is short and faint is
    light that falls off."""
    side = max(found.shape)
    band = _band(found.shape, _BORDER * side)
    parts, count = ndimage.label(found, np.ones((3, 3)))
    outer = np.zeros(count + 1, dtype=bool)
    inside = np.bincount(parts[found & ~band], minlength=count + 1)
    size = np.bincount(parts[found], minlength=count + 1)
    touching, long = np.zeros(count + 1, dtype=bool), np.zeros(count + 1, dtype=bool)
    touching[np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])] = True
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        long[number] = max((s.stop - s.start) / n for s, n in zip(box, found.shape)) > 0.6
        outer[number] = inside[number] <= 0.02 * size[number] and (long[number] or touching[number])
    rest = found & ~outer[parts]
    if not outer.any() or _longest(rest) < _LEAST * side:
        return found, []
    words = ["a frame or an edge along the border"] * bool((outer & long).any())
    strong = contrast[(outer & ~long)[parts]] > 0.6 * np.median(contrast[rest])
    return rest, words + ["a mark at the border"] * bool(strong.any())


def _without_specks(found: np.ndarray, contrast: np.ndarray, words: list[str]) -> tuple[np.ndarray, list[str]]:
    """Without what is small and outside the box of the largest group, and lone dots anywhere."""
    dots = _lone_dots(found)
    reach = max(1, round(_GAP * max(found.shape) / 2))
    groups, count = ndimage.label(ndimage.distance_transform_edt(~(found & ~dots)) <= reach)
    mass = ndimage.sum_labels(contrast * (found & ~dots), groups, np.arange(count + 1))
    main = int(np.argmax(mass))
    boxes = [
        None,
        *(_box(found & ~dots & (groups == number), box) for number, box in enumerate(ndimage.find_objects(groups), 1)),
    ]
    box, keep, dropped = (
        boxes[main],
        np.zeros(count + 1, dtype=bool),
        Counter(speck=ndimage.label(dots, np.ones((3, 3)))[1]),
    )
    for number in np.argsort(-mass):
        kind = (
            _kind(boxes[number], box, found.shape, mass[number] / mass[main])
            if number != main and mass[number]
            else None
        )
        if kind:
            dropped[kind] += 1
        elif mass[number]:
            keep[number] = True
            box = _joined(box, boxes[number])
    drawing = found & ~dots & keep[groups]
    if (contrast * (found & ~drawing)).sum() > 0.35 * (contrast * found).sum():  # that much ink is the drawing
        return found, words
    return drawing, words + [_counted(number, kind) for kind, number in dropped.items() if number]


def _counted(number: int, kind: str) -> str:
    if number == 1:
        return f"a {kind}"
    return f"{number} {kind.replace(' ', 's ', 1) if ' near' in kind else kind + 's'}"


def _lone_dots(found: np.ndarray) -> np.ndarray:
    """(h, w) bool: dots with nothing near, as dust and paper make them; those of a dotted line are near each other."""
    side = max(found.shape)
    parts, _ = ndimage.label(found, np.ones((3, 3)))
    dots = np.zeros(found.shape, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        size = max(s.stop - s.start for s in box)
        if size > max(2, _DOT * side):
            continue
        around = tuple(slice(max(0, s.start - 2 * size - 1), s.stop + 2 * size + 1) for s in box)
        if not (found[around] & (parts[around] != number)).any():
            dots[box] |= parts[box] == number
    return dots


def _kind(mark: np.ndarray, drawing: np.ndarray, shape: tuple[int, int], share: float) -> str | None:
    """What a mark is called, None where it is a part of the drawing. Boxes are [[top, left], [bottom, right]];
    ``share``: of its ink."""
    scale = float(np.ptp(drawing, axis=0).max())
    if np.abs(_joined(drawing, mark) - drawing).max() < 0.02 * scale:
        return None
    short, long = np.sort(np.ptp(mark, axis=0)) / scale
    gap = float(np.maximum(np.maximum(drawing[0] - mark[1], mark[0] - drawing[1]), 0).max()) / scale
    if long < _SPECK:
        return "speck"
    middle = mark.mean(axis=0)
    to_border = float(np.minimum(middle, np.array(shape) - middle).min()) / max(shape)
    if long < _WRITING[0] and short < _WRITING[1] and to_border < _EDGE and share < 0.4:
        return "mark near the border"
    return "small mark" if long < _SMALL and gap > _APART else None


def _joined(box: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The box round two boxes."""
    return np.array([np.minimum(box[0], other[0]), np.maximum(box[1], other[1])])


def _band(shape: tuple[int, int], width: float) -> np.ndarray:
    """(h, w) bool: within ``width`` pixels of the border."""
    width = max(2, round(width))
    band = np.ones(shape, dtype=bool)
    band[width:-width, width:-width] = False
    return band


def _box(where: np.ndarray, within: tuple[slice, slice]) -> np.ndarray:
    """[[top, left], [bottom, right]] of what is set, which lies within some slices."""
    at = np.argwhere(where[within]) + [s.start for s in within]
    return np.array([at.min(axis=0), at.max(axis=0) + 1])


def _longest(where: np.ndarray) -> int:
    """The longer side of what is set."""
    return (
        max((int(np.ptp(np.nonzero(where.any(axis=axis))[0])) + 1 for axis in (0, 1)), default=0) if where.any() else 0
    )
