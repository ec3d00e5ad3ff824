"""Fusion of depth maps from known cameras into one truncated signed distance field (Curless and Levoy 1996)."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .distance import RESOLUTION

TRUNCATION = 0.03  # model units: two pixels' width or so of the published cameras' maps
_SLAB = 32  # planes of the grid at a time, for the memory's sake


def fuse(
    maps: np.ndarray, cameras: Sequence[np.ndarray], field_of_view: float, resolution: int = RESOLUTION
) -> torch.Tensor:
    """Field (R, R, R) float32 over [-1, 1]³, positive outside: how far each grid point lies before the surface that a
    camera sees, cut off at TRUNCATION, averaged over those cameras from which it does not lie further than that behind.
    What no camera sees is inside.

    maps (V, S, S): depth along the viewing direction, inf where nothing is, as ``depth_maps`` gives it, of cameras that
    see the whole shape; cameras: camera-to-world matrices (4, 4); field_of_view in degrees across a map.
    """
    axis = torch.arange(resolution, dtype=torch.float32) * (2 / resolution) - 1
    far = torch.from_numpy(np.where(np.isfinite(maps), maps, 1e6).astype(np.float32))
    return torch.cat([_fused(x, axis, far, cameras, np.tan(np.radians(field_of_view) / 2)) for x in axis.split(_SLAB)])


def _fused(
    x: torch.Tensor, axis: torch.Tensor, maps: torch.Tensor, cameras: Sequence[np.ndarray], reach: float
) -> torch.Tensor:
    """The planes at x (n,) of the field, (n, R, R). reach: a picture's half side one unit before the eye."""
    total = torch.zeros(len(x), len(axis), len(axis))
    count = torch.zeros_like(total)
    for depth, camera in zip(maps, cameras):
        right, up, back = (_along(direction, camera[:3, 3], x, axis) for direction in camera[:3, :3].T)
        at = torch.stack([right, -up], -1) / (-reach * back)[..., None]
        # The nearest pixel: between two of them there may be a surface's edge. Beyond the border there is nothing, as
        # on it.
        measured = F.grid_sample(depth[None, None], at.flatten(0, 1)[None], "nearest", "border", align_corners=False)[
            0, 0
        ].view_as(back)
        ahead = measured + back
        known = ahead > -TRUNCATION
        total += torch.where(known, ahead.clamp(max=TRUNCATION), 0.0)
        count += known
    return torch.where(count > 0, total / count.clamp(min=1), -TRUNCATION)


def _along(direction: np.ndarray, eye: np.ndarray, x: torch.Tensor, axis: torch.Tensor) -> torch.Tensor:
    """Coordinates (n, R, R) of the grid points along a direction, from the eye."""
    a, b, c = direction.tolist()
    return (a * x)[:, None, None] + (b * axis)[:, None] + (c * axis - float(direction @ eye))
