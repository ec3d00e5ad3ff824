"""Conversion of other programs' depth maps to the published convention: near is light, far and background are black.

Sixteen bits and floats keep their precision. A map whose near is dark (Blender's Z, metres or millimetres, a white
background) is inverted. Pixels without a surface (infinite, NaN, transparent, the background's value) become black.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from .background import check_picture

MIN_SIZE = 8  # pixels
FAINTEST = 1.0  # of 255: what is there, however far
_NOTHING = 1e9  # Blender writes 1e10 where there is nothing
_HINT = "Give one where near is light, far dark, and the background black"
_JPEG = 0.015  # of the range: how far JPEG's noise moves a background of one value


@dataclass(frozen=True)
class _Map:
    """``values`` (H, W) float64, of which ``seen`` (H, W) bool show a surface; ``black``: the value that is black when
    near is light; ``dark``: evidence that near is dark, negative: light."""

    values: np.ndarray
    seen: np.ndarray
    black: float
    dark: float


def published_look(images: Sequence[np.ndarray], near: str = "auto") -> tuple[list[np.ndarray], bool]:
    """Depth maps (H, W[, 3 or 4]) of uint8, uint16 or floats of any range → (H, W) float32 each, the nearest 255,
    nothing 0; and whether they were inverted because near was dark.

    near: "light", "dark" or "auto", decided on all maps together. Raises InputError for arrays that are not pictures,
    or of a single value.
    """
    read = [_read(np.asarray(image)) for image in images]
    dark = near == "dark" if near != "auto" else sum(one.dark for one in read) > 0
    return [_turned(one) if dark else _stretched(one) for one in read], dark


def _read(image: np.ndarray) -> _Map:
    values, known = _values(image)
    if not known.any() or not np.ptp(values[known]) > 0:
        everywhere = f"{values[known].flat[0]:g} everywhere" if known.any() else "empty: nothing in it is a depth"
        raise InputError(f"the depth map is {everywhere}", _HINT)
    low, high = float(values[known].min()), float(values[known].max())
    ground = _ground(values, known, low, high)
    metric = image.dtype.kind == "f" and high > 1.001
    if ground is None and known.all():
        return _Map(values, known, low, _border_farther(values, low, high))
    if ground is None:
        # NaN is empty; floats outside 0 … 1 are then distances.
        certain = image.dtype.kind == "f" and (metric or low > 0)
        return _Map(values, known, min(low, 0.0), 1.0 if certain else -0.2 - _light_inside(values, known))
    seen = known & (np.abs(values - ground) > _tolerance(values, known, ground, high - low))
    if ground == high:
        return _Map(values, seen, low, 1.0)
    return _Map(
        values, seen, low, _dark_on_black(values - low, seen, metric, whole=image.dtype == np.uint16 and high < 60000)
    )


def _values(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) float64, and where they are valid depths (H, W) bool: finite, opaque, not Blender's infinity."""
    check_picture(image, MIN_SIZE)
    values = image.astype(np.float64)
    opaque = np.ones(image.shape[:2], dtype=bool)
    if image.ndim == 3:
        alpha = values[..., 3] if image.shape[2] == 4 else None
        if alpha is not None and np.ptp(alpha) > 0:
            opaque = alpha >= (0.5 if image.dtype.kind == "f" else np.iinfo(image.dtype).max / 2)
        with np.errstate(invalid="ignore"):  # infinity less infinity
            values = values[..., :3].mean(axis=2)
    known = opaque & np.isfinite(values) & (np.abs(np.nan_to_num(values, posinf=np.inf, neginf=-np.inf)) < _NOTHING)
    return np.where(known, values, 0), known


def _ground(values: np.ndarray, known: np.ndarray, low: float, high: float) -> float | None:
    """The value of the background, where most of the border or much of the picture has the map's lowest or highest
    value; None elsewhere."""
    border = np.zeros(values.shape, dtype=bool)
    border[[0, -1]] = border[:, [0, -1]] = True
    reach = _JPEG * (high - low)
    for value in (low, high):
        at = known & (np.abs(values - value) <= reach)
        if at[border].mean() > 0.4 or at.mean() > 0.5:
            return value
    return None


def _tolerance(values: np.ndarray, known: np.ndarray, ground: float, extent: float) -> float:
    """Tolerance around the background's value: 0, unless the background has noise."""
    near = known & (np.abs(values - ground) <= _JPEG * extent)
    exact = known & (values == ground)
    return 0.0 if exact.sum() > 0.8 * near.sum() else 2 * _JPEG * extent


def _border_farther(values: np.ndarray, low: float, high: float) -> float:
    """A map without background: as the middle is nearer than what is above and at the sides, which of both is
    darker."""
    height, width = values.shape
    ring = np.ones(values.shape, dtype=bool)
    ring[height // 8 :, width // 8 : -(width // 8)] = False
    middle = values[height // 4 : -(height // 4), width // 4 : -(width // 4)]
    return float(np.median(values[ring]) - np.median(middle)) / (high - low) - 0.05


def _light_inside(values: np.ndarray, seen: np.ndarray) -> float:
    """How much lighter, of the range, what is seen is inside its outline than along it: shapes bulge towards the
    eye."""
    inside = ndimage.distance_transform_edt(np.pad(seen, 1))[1:-1, 1:-1] > 0.02 * max(seen.shape) + 0.5
    rim = seen & ~inside
    extent = float(np.ptp(values[seen]))
    return (
        float(values[seen & inside].mean() - values[rim].mean()) / extent
        if extent and (seen & inside).any() and rim.any()
        else 0.0
    )


def _dark_on_black(values: np.ndarray, seen: np.ndarray, metric: bool, whole: bool) -> float:
    """Whether near is dark before a black background, which then is where no distance was measured: distances
    (``metric``, or ``whole`` numbers of more than eight bits) do not begin at black, and are larger along the
    outline."""
    least, most = np.quantile(values[seen], [0.01, 0.99])
    if least < 0.3 * most:
        return -1.0
    threshold = 0.1 if metric else 0.05 if whole and least > 0.4 * most else -0.1
    return threshold - _light_inside(values, seen)


def _turned(one: _Map) -> np.ndarray:
    near, far = float(one.values[one.seen].min()), float(one.values[one.seen].max())
    share = (far - one.values) / (far - near) if far > near else np.ones_like(one.values)
    return np.where(one.seen, FAINTEST + (255 - FAINTEST) * share, 0).astype(np.float32)


def _stretched(one: _Map) -> np.ndarray:
    high = float(one.values[one.seen].max())
    return np.where(one.seen, 255 * (one.values - one.black) / (high - one.black), 0).astype(np.float32)
