"""Sphere tracing of a distance field: depth and normals from a view-aligned camera.

The camera of view-aligned conditions stands at azimuth 0: on +Z, raised by its elevation, looking at a target; image
right is +X. At azimuth 90 it stands on +X.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

_STEPS = 64
_MISS = float("inf")
_LIGHT = (-0.42, 0.7, 0.58)  # direction towards it: right, up, towards the eye
_AMBIENT = 0.25


@dataclass(frozen=True)
class Camera:
    """View-aligned camera. elevation and azimuth in degrees; center (2,) and half_size in the image plane's model
    units; distance of the eye, inf = orthographic."""

    elevation: float
    center: tuple[float, float] = (0.0, 0.0)
    half_size: float = 1.3
    distance: float = float("inf")
    azimuth: float = 0.0

    def axes(self) -> np.ndarray:
        """Rows right, up, towards the eye, (3, 3)."""
        e, a = np.radians(self.elevation), np.radians(self.azimuth)
        raised = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
        return raised @ np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])

    def project(self, points: np.ndarray) -> np.ndarray:
        """Image-plane coordinates (n, 2), right and up, of model points (n, 3), before center and half_size."""
        seen = points @ self.axes().T
        shrink = 1.0 if np.isinf(self.distance) else self.distance / (self.distance - seen[:, 2:])
        return seen[:, :2] * shrink


def framed(
    points: np.ndarray, elevation: float, distance: float = float("inf"), fill: float = 0.9, azimuth: float = 0.0
) -> Camera:
    """Camera whose picture the points' bounding box fills: its longest side takes ``fill`` of the picture's."""
    flat = Camera(elevation, distance=distance, azimuth=azimuth).project(points)
    low, high = flat.min(axis=0), flat.max(axis=0)
    center = (low + high) / 2
    return Camera(
        elevation, (float(center[0]), float(center[1])), float((high - low).max()) / 2 / fill, distance, azimuth
    )


def sample_field(field: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Trilinear values (…,) of field (R, R, R) at model points (…, 3); outside the grid the border's value."""
    R = field.shape[-1]
    # grid_sample wants z, y, x in [-1, 1] from the first to the last grid point.
    at = (points + 1) * (R / (R - 1)) - 1
    grid = at.flip(-1).reshape(1, 1, 1, -1, 3)
    return functional.grid_sample(field[None, None], grid, padding_mode="border", align_corners=True).reshape(
        points.shape[:-1]
    )


def trace(field: torch.Tensor, camera: Camera, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth (size, size), model units along the viewing direction from the plane through the origin (larger = farther,
    inf = miss), and normals (3, size, size) in camera axes (right, up, towards the eye; 0 where missed). Row 0 is the
    top.
    """
    axes = torch.as_tensor(camera.axes(), dtype=field.dtype, device=field.device)
    steps = (torch.arange(size, device=field.device, dtype=field.dtype) + 0.5) / size * 2 - 1
    u = camera.center[0] + steps[None, :] * camera.half_size
    v = camera.center[1] - steps[:, None] * camera.half_size
    plane = torch.stack(
        [u.expand(size, size), v.expand(size, size), torch.zeros(size, size, dtype=field.dtype, device=field.device)],
        -1,
    )
    if np.isinf(camera.distance):
        direction = torch.tensor([0.0, 0.0, -1.0], dtype=field.dtype, device=field.device).expand_as(plane)
    else:
        eye = torch.tensor([0.0, 0.0, camera.distance], dtype=field.dtype, device=field.device)
        direction = functional.normalize(plane - eye, dim=-1)
    start = plane - direction * (1.8 / -direction[..., 2:])  # the plane 1.8 in front of the origin is before any shape
    origin, direction = start @ axes, direction @ axes
    travelled = torch.zeros(size, size, dtype=field.dtype, device=field.device)
    for _ in range(_STEPS):
        distance = sample_field(field, origin + direction * travelled[..., None])
        travelled = travelled + torch.where(distance > 1e-3, distance * 0.95, torch.zeros_like(distance))
    position = origin + direction * travelled[..., None]
    hit = (distance <= 4e-3) & (position.abs().amax(-1) < 1)
    depth = torch.where(hit, -(position @ axes[2]), torch.full_like(travelled, _MISS))
    offsets = torch.eye(3, dtype=field.dtype, device=field.device) * (1.5 / field.shape[-1] * 2)
    gradient = torch.stack([sample_field(field, position + o) - sample_field(field, position - o) for o in offsets], -1)
    normal = functional.normalize(gradient @ axes.T, dim=-1) * hit[..., None]
    return depth, normal.permute(2, 0, 1)


def shaded(normal: torch.Tensor) -> torch.Tensor:
    """Lambert shading (…, H, W) float32 by a light over the left shoulder, _AMBIENT … 1, of unit normals (…, 3, H, W)
    in camera axes."""
    light = functional.normalize(torch.tensor(_LIGHT, device=normal.device), dim=0)
    return _AMBIENT + (1 - _AMBIENT) * (normal.float() * light[:, None, None]).sum(-3).clamp(0, 1)
