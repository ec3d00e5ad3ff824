"""Grid features: condition features sampled at the cells of the latent grid.

The latent's cells are 32 grid points of the 256³ field apart. With padding the wavelet's and the poolings' grids reach
beyond the cube, so that cell i of 12 is centred at model coordinate 2·(32·i − 52.5)/256 − 1, i.e. −1.41 … 1.34. Each
cell is sampled at 2 × 2 × 2 points.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

CELLS = 12
FINE = 2 * CELLS  # samples along an axis
_SPACING = 0.25


@lru_cache(maxsize=8)
def fine_coordinates(device: str = "cpu") -> Tensor:
    """Model coordinates (24,) of the samples along an axis, two a latent cell."""
    centers = 2 * (32 * torch.arange(CELLS, dtype=torch.float32, device=device) - 52.5) / 256 - 1
    return torch.stack([centers - _SPACING / 4, centers + _SPACING / 4], 1).flatten()


@lru_cache(maxsize=8)
def fine_points(device: str = "cpu") -> Tensor:
    """Model coordinates (24, 24, 24, 3), axis order x, y, z."""
    axis = fine_coordinates(device)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)


def fold(fine: Tensor) -> Tensor:
    """(B, C, 24, 24, 24) → (B, 8·C, 12, 12, 12): a cell's samples become its channels."""
    B, C = fine.shape[:2]
    G = CELLS
    return fine.reshape(B, C, G, 2, G, 2, G, 2).permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(B, 8 * C, G, G, G)


def sample_volume(features: Tensor) -> Tensor:
    """Trilinear samples (B, C, 24, 24, 24) of features (B, C, R, R, R) whose cells fill [-1, 1]³; zero outside."""
    at = fine_points(str(features.device)).flip(-1).to(features.dtype)  # grid_sample wants z, y, x
    return F.grid_sample(features, at[None].expand(len(features), -1, -1, -1, -1), align_corners=False)


def sample_picture(features: Tensor, elevation: Tensor) -> Tensor:
    """What a picture shows at the latent's samples: features (B, C, S, S), row 0 the top, of a picture that spans [-1,
    1]² in the image plane of a camera at azimuth 0 and elevation (B,) degrees → (B, C + 3, 24, 24, 24); the last three:
    right, up, towards the eye.
    """
    B = len(features)
    x, y, z = fine_points(str(features.device)).unbind(-1)
    angle = torch.deg2rad(elevation.float()).view(B, 1, 1, 1)
    right = x.expand(B, FINE, FINE, FINE)
    up = y * angle.cos() - z * angle.sin()
    near = y * angle.sin() + z * angle.cos()
    at = torch.stack([right, -up], -1).reshape(B, FINE, FINE * FINE, 2).to(features.dtype)
    seen = F.grid_sample(features, at, align_corners=False).reshape(B, -1, FINE, FINE, FINE)
    return torch.cat([seen, torch.stack([right, up, near], 1).to(features.dtype)], 1)


def sample_perspectives(features: Tensor, directions: Tensor, distance: float, field_of_view: float) -> Tensor:
    """As ``sample_picture``, of square pictures (B, C, S, S) that upright perspective cameras took of the origin from
    ``directions`` (B, 2), azimuth and elevation in degrees, and from ``distance`` (model units); ``field_of_view`` in
    degrees → (B, C + 3, 24, 24, 24).
    """
    azimuth, elevation = torch.deg2rad(directions.float()).unbind(-1)
    level = torch.stack([azimuth.cos(), torch.zeros_like(azimuth), -azimuth.sin()], -1)
    back = torch.stack([elevation.cos() * azimuth.sin(), elevation.sin(), elevation.cos() * azimuth.cos()], -1)
    axes = torch.stack(
        [level, torch.linalg.cross(back, level), back], -1
    )  # (B, 3, 3): columns right, up, towards the eye
    right, up, near = (fine_points(str(features.device)).reshape(1, -1, 3) @ axes).unbind(-1)
    reach = (distance - near) * math.tan(math.radians(field_of_view) / 2)
    at = torch.stack([right / reach, -up / reach], -1)[:, :, None].to(features.dtype)
    seen = F.grid_sample(features, at, align_corners=False)[..., 0]
    return torch.cat([seen, torch.stack([right, up, near], 1).to(features.dtype)], 1).unflatten(-1, (FINE, FINE, FINE))


def splat(points: Tensor) -> Tensor:
    """Points (B, N, 3) in model space → (B, 4, 24, 24, 24): whether a sample's cell holds points (a saturating count),
    and their mean offset from its centre in cells."""
    B, N, _ = points.shape
    axis = fine_coordinates(str(points.device))
    size = _SPACING / 2
    position = (points - axis[0]) / size
    index = position.round().long().clamp(0, FINE - 1)
    offset = (position - index).clamp(-1, 1)
    flat = (index[..., 0] * FINE + index[..., 1]) * FINE + index[..., 2]
    values = torch.cat([torch.ones_like(offset[..., :1]), offset], -1)
    sums = torch.zeros(B, FINE**3, 4, dtype=points.dtype, device=points.device).scatter_add_(
        1, flat[..., None].expand(-1, -1, 4), values
    )
    count = sums[..., :1]
    grid = torch.cat([torch.tanh(count * (512 / N)), sums[..., 1:] / count.clamp(min=1)], -1)
    return grid.transpose(1, 2).reshape(B, 4, FINE, FINE, FINE)
