"""Colours of a picture's object: a few, and which of them is where."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from ..conditions.background import object_in
from ..conditions.pixels import eight_bits
from ..geometry.colour_spaces import from_lab, to_lab

MOST = 8
_LIGHTNESS = 0.6  # of its differences: shading is not another colour
_NEAR = 12.0  # CIELAB: clusters nearer than that become one
_LEAST_SHARE = 0.02
_ITERATIONS = 12
_SAMPLES = 4000
_RIM = 2  # pixels at the outline that are mixed with the background
_REACH = 0.05  # of the picture's longer side: farther from the object nothing is shown


@dataclass(frozen=True)
class ShownColours:
    """``palette`` (K, 3) sRGB bytes; ``classes`` (H, W): which of them a pixel of the object's bounding rectangle is
    nearest to, −1 far from the object."""

    palette: np.ndarray
    classes: np.ndarray

    def at(self, places: np.ndarray) -> np.ndarray:
        """Classes (N,) at places (N, 2), 0 … 1 from the left and from the top."""
        height, width = self.classes.shape
        column = np.clip((places[:, 0] * width).astype(np.int64), 0, width - 1)
        row = np.clip((places[:, 1] * height).astype(np.int64), 0, height - 1)
        return self.classes[row, column]


def shown_colours(image: np.ndarray) -> ShownColours:
    """The colours of the object in an image (H, W[, 3 or 4]). Raises InputError as ``object_in``."""
    _, mask = object_in(image)
    height, width = mask.shape
    pixels = eight_bits(image)
    pixels = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels[..., :3]
    pixels = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    sure = ndimage.binary_erosion(mask, iterations=_RIM)
    sure = (sure if sure.any() else mask)[box]
    lab = to_lab(pixels[box])
    centres = _clustered(lab[sure])
    distance, nearest = ndimage.distance_transform_edt(~sure, return_indices=True)
    classes = _nearest(lab[sure], centres)
    at = np.full(sure.shape, -1)
    at[sure] = classes
    at = at[tuple(nearest)]
    at[distance > _RIM + _REACH * max(sure.shape)] = -1
    return ShownColours(from_lab(centres), at)


def _clustered(lab: np.ndarray) -> np.ndarray:
    """At most MOST colours (K, 3), CIELAB, of pixels (N, 3)."""
    rng = np.random.default_rng(0)
    some = lab[rng.integers(0, len(lab), _SAMPLES)]
    centres = some[:1]
    while len(centres) < MOST:
        distance = _distances(some, centres).min(axis=1)
        # the farthest are often mixed pixels: the 95th of a hundred stands for them
        order = np.argsort(distance)
        candidate = order[int(0.97 * (len(order) - 1))]
        if distance[candidate] < _NEAR:
            break
        centres = np.concatenate([centres, some[candidate : candidate + 1]])
    for _ in range(_ITERATIONS):
        classes = _nearest(some, centres)
        kept = [k for k in range(len(centres)) if (classes == k).mean() >= _LEAST_SHARE]
        centres = np.stack([np.median(some[classes == k], axis=0) for k in kept])
    return _merged(centres)


def _merged(centres: np.ndarray) -> np.ndarray:
    kept: list[np.ndarray] = []
    for centre in centres:
        if not kept or _distances(centre[None], np.stack(kept)).min() >= _NEAR:
            kept.append(centre)
    return np.stack(kept)


def _distances(lab: np.ndarray, centres: np.ndarray) -> np.ndarray:
    difference = (lab[:, None] - centres[None]) * (_LIGHTNESS, 1, 1)
    return np.sqrt((difference**2).sum(axis=-1))


def _nearest(lab: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [_distances(part, centres).argmin(axis=1) for part in np.array_split(lab, len(lab) // 20_000 + 1)]
    )
