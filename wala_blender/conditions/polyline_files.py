"""Polylines of a sketch in the job folder's format: .npz of points and offsets."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..array_files import checked_numbers, read_npz
from ..errors import InputError


def _polylines(path: Path) -> dict:
    points, offsets = read_npz(path, "points", "offsets")
    if not points.size:
        raise InputError("the sketch is empty", "Draw some strokes first")
    points = checked_numbers(path, points, "points", 2).astype(np.float32)
    fits = offsets.ndim == 1 and offsets.dtype.kind in "iu" and len(offsets) > 1
    if not fits or offsets[0] != 0 or offsets[-1] != len(points) or (np.diff(offsets.astype(np.int64)) < 0).any():
        raise InputError(
            f"{path.name}: the offsets do not divide the {len(points)} points into strokes",
            "The file is damaged or incomplete: write it again",
        )
    return {"polylines": [points[a:b] for a, b in itertools.pairwise(offsets)]}


READERS: dict[str, Callable[[Path], dict]] = {".npz": _polylines}
