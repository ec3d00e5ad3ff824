"""Sets of surface points: even subsets by farthest-point sampling, and the unit sphere's frame."""

import numpy as np
import torch
from torch import Tensor

from .distance import Frame, frame_of


def farthest_points(points: Tensor, count: int, start: int | None = None) -> Tensor:
    """Indices (B, count) of points (B, N, 3), count ≤ N, chosen greedily: each as far as any from those before it, the
    lowest index on ties.

    ``start``: index of the first; None takes the point farthest from the mean, so that the result is the same set for
    any order of points.
    """
    first = ((points - points.mean(dim=1, keepdim=True)) ** 2).sum(-1).argmax(dim=1)
    chosen = [first if start is None else torch.full_like(first, start)]
    nearest = torch.full_like(points[..., 0], torch.inf)
    rows = torch.arange(len(points), device=points.device)
    for _ in range(count - 1):
        nearest = torch.minimum(nearest, ((points - points[rows, chosen[-1]][:, None]) ** 2).sum(-1))
        chosen.append(nearest.argmax(dim=1))
    return torch.stack(chosen, dim=1)


def unit_sphere_frame(vertices: np.ndarray) -> Frame:
    """Frame that centres the bounding box of vertices (n, 3) and brings the farthest of them to distance 1. Raises
    InputError as frame_of."""
    center = frame_of(vertices).center
    return Frame(center, 1 / float(np.linalg.norm(np.asarray(vertices, dtype=np.float64) - center, axis=1).max()))
