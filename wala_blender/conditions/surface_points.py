"""Surface points of a condition's evidence, in model space: the targets of surface refinement."""

import math

import numpy as np
import torch
from torch import Tensor

from ..geometry.cameras import PUBLISHED, looking_at_origin
from .evidence import DepthMap, Evidence

MOST = 16_384  # points that are kept, evenly drawn
_EDGE = 0.03  # model units between neighbouring pixels: the surface breaks off there


def surface_points(evidence: Evidence) -> Tensor | None:
    """(N, 3) float32, N ≤ MOST; None where the evidence has no surface."""
    if evidence.points is not None:
        points = evidence.points.float()
    elif evidence.depths:
        points = torch.from_numpy(np.concatenate([unproject(one) for one in evidence.depths])).float()
    else:
        return None
    if not len(points):
        return None
    kept = np.random.default_rng(0).permutation(len(points))[:MOST]
    return points[torch.from_numpy(kept)]


def unproject(one: DepthMap) -> np.ndarray:
    """Points (N, 3) float64 that a depth map shows, without those beside an edge."""
    depth = np.asarray(one.depth, np.float64)
    seen = np.isfinite(depth)
    filled = np.where(seen, depth, 1e3)
    for axis in (0, 1):
        breaks = np.abs(np.diff(filled, axis=axis)) > _EDGE
        low, high = (slice(None, -1), slice(1, None)) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        seen[low] &= ~breaks
        seen[high] &= ~breaks
    steps = ((np.arange(len(depth)) + 0.5) / len(depth) * 2 - 1) * math.tan(math.radians(PUBLISHED.field_of_view) / 2)
    row, column = np.nonzero(seen)
    away = depth[row, column]
    camera = looking_at_origin(*one.direction, PUBLISHED.distance)
    return camera[:3, 3] + np.stack([steps[column] * away, -steps[row] * away, -away], 1) @ camera[:3, :3].T
