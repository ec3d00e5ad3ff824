"""Point queries of an occupancy network → a field on a grid, coarse to fine."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import binary_dilation

COARSEST = 64  # cells a side of the grid that is evaluated in full
UNSURE = 2.0  # a cell with a smaller |logit| at a corner is refined
AT_ONCE = 16_384  # points in one call

Logits = Callable[[np.ndarray], np.ndarray]  # points (Q, 3) float32 in −1 … 1 → (Q,), positive inside
OnPoints = Callable[[int], None]


def occupancy_field(
    logits: Logits, cells: int, on_points: OnPoints | None = None, coarsest: int = COARSEST, unsure: float = UNSURE
) -> np.ndarray:
    """Logits (cells + 1,)*3 float32 at the corners of ``cells``³ cells over [−1, 1]³, axis order x, y, z, both ends
    included.

    All of the grid of ``coarsest`` cells is asked; then, halving, only cells where the sign changes or a logit is
    smaller than ``unsure``, and their 26 neighbours. The rest is interpolated. ``cells``: coarsest times a power of
    two, or fewer than coarsest. ``on_points(count)`` is called before every call of ``logits`` with the number of its
    points; it may raise to stop.
    """

    def asked(points: np.ndarray, size: int) -> np.ndarray:
        """Logits at grid points (n, 3), whole numbers 0 … size."""
        values = np.empty(len(points), dtype=np.float32)
        for start in range(0, len(points), AT_ONCE):
            part = points[start : start + AT_ONCE]
            if on_points is not None:
                on_points(len(part))
            values[start : start + len(part)] = logits((part * (2 / size) - 1).astype(np.float32))
        return values

    size = min(coarsest, cells)
    everything = np.stack(np.meshgrid(*[np.arange(size + 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
    field = asked(everything, size).reshape(size + 1, size + 1, size + 1)
    while size < cells:
        wanted = _corners(binary_dilation(_undecided(field, unsure), np.ones((3, 3, 3))))
        field, size = _halved(field), 2 * size
        wanted[::2, ::2, ::2] = False  # known from the coarser grid
        points = np.argwhere(wanted)
        field[wanted] = asked(points, size)
    return field


def _undecided(field: np.ndarray, unsure: float) -> np.ndarray:
    """The cells (n,)*3 bool of corners (n + 1,)*3 that a surface may pass."""
    n = len(field) - 1
    corners = np.stack([field[i : i + n, j : j + n, k : k + n] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    return ((corners > 0).any(axis=0) & (corners <= 0).any(axis=0)) | (np.abs(corners) < unsure).any(axis=0)


def _corners(cells: np.ndarray) -> np.ndarray:
    """The points (2n + 1,)*3 of the grid twice as fine that lie in or on ``cells`` (n,)*3."""
    n = len(cells)
    points = np.zeros((2 * n + 1,) * 3, dtype=bool)
    for i, j, k in np.ndindex(3, 3, 3):
        points[i : i + 2 * n : 2, j : j + 2 * n : 2, k : k + 2 * n : 2] |= cells
    return points


def _halved(field: np.ndarray) -> np.ndarray:
    """Linear interpolation to a grid twice as fine, both ends kept."""
    size = 2 * len(field) - 1
    return F.interpolate(torch.from_numpy(field)[None, None], size=(size,) * 3, mode="trilinear", align_corners=True)[
        0, 0
    ].numpy()
