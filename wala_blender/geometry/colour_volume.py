"""Volumes of density and colour over [-1, 1]³: trilinear sampling, rays of cameras, and volume rendering (Max 1995;
Mildenhall et al. 2020).

A volume (B, 4, S, S, S) has the axes x, y, z; cell i's middle lies at −1 + (2i + 1)/S. Channel 0 is the density's
logit, channels 1 to 3 those of the colour, in sRGB. What is rendered lies in the unit sphere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .cameras import looking_at_origin

DENSITY = 20.0  # of a unit length, where the logit's softplus is 1
FIELD_OF_VIEW = 40.0  # degrees across a picture
DISTANCE = 1 / float(np.sin(np.radians(FIELD_OF_VIEW / 2)))  # of the eye: the unit sphere is just inside the picture


@dataclass(frozen=True)
class Rendered:
    """Along rays (…,): colours (…, 3) 0 … 1 over black, opacity (…,) 0 … 1, and the distance (…,) from the eye at which
    half of the light is gone, inf where it never is."""

    colours: Tensor
    opacity: Tensor
    distance: Tensor


def spread_cameras(count: int) -> list[np.ndarray]:
    """Camera-to-world matrices (4, 4) of upright cameras spread evenly over the sphere (Fibonacci), for rays_of."""
    heights = 1 - (2 * np.arange(count) + 1) / count
    azimuths = np.degrees(np.pi * (1 + 5**0.5) * np.arange(count))
    return [
        looking_at_origin(float(azimuth), float(elevation), DISTANCE)
        for azimuth, elevation in zip(azimuths, np.degrees(np.arcsin(heights)))
    ]


def rays_of(cameras: Sequence[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Eyes (V, size², 3) and unit directions (V, size², 3), float32, through the pixels' middles, row by row from the
    top."""
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * np.tan(np.radians(FIELD_OF_VIEW) / 2)
    right, up = np.meshgrid(steps, -steps)
    rays = np.stack([right, up, np.full_like(right, -1.0)], axis=-1).reshape(-1, 3)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    matrices = np.stack(cameras)
    directions = rays @ matrices[:, :3, :3].transpose(0, 2, 1)
    eyes = np.broadcast_to(matrices[:, None, :3, 3], directions.shape)
    return eyes.astype(np.float32), directions.astype(np.float32)


def sample_volume(volume: Tensor, points: Tensor) -> Tensor:
    """Density per unit length and colours 0 … 1, (B, N, 4), at points (B, N, 3): of the logits between the cells'
    middles (trilinear), so that surfaces may be sharper than a cell. Beyond the outer cells' middles, the outer
    cells'."""
    grid = points.flip(-1)[:, :, None, None]  # grid_sample has the last axis first
    logits = F.grid_sample(volume, grid, padding_mode="border", align_corners=False)[..., 0, 0].transpose(1, 2)
    return torch.cat([DENSITY * F.softplus(logits[..., :1]), logits[..., 1:].sigmoid()], dim=-1)


def sphere_crossings(eyes: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Distances (…,) at which rays (…, 3) from eyes outside enter and leave the unit sphere; both alike where they miss
    it."""
    nearest = -(eyes * directions).sum(-1)
    half = (1 - (eyes**2).sum(-1) + nearest**2).clamp(min=0).sqrt()
    return nearest - half, nearest + half


def render(volume: Tensor, eyes: Tensor, directions: Tensor, samples: int, jitter: Tensor | None = None) -> Rendered:
    """Rays (B, R, 3) through volumes (B, 4, S, S, S) → the rays' Rendered, (B, R).

    ``samples``: of equal intervals of a ray within the unit sphere, each sampled in its middle or at jitter (B, R,
    samples), 0 … 1, of it.
    """
    near, far = sphere_crossings(eyes, directions)
    length = (far - near) / samples
    share = 0.5 if jitter is None else jitter
    at = near[..., None] + (torch.arange(samples, device=eyes.device) + share) * length[..., None]
    points = eyes[:, :, None] + at[..., None] * directions[:, :, None]
    values = sample_volume(volume, points.flatten(1, 2)).unflatten(1, at.shape[1:])
    depth = (values[..., 0] * length[..., None]).cumsum(-1)  # optical depth at the intervals' ends
    left = (-depth).exp()  # light that is left there
    before = torch.cat([torch.ones_like(left[..., :1]), left[..., :-1]], dim=-1)
    weights = before - left
    return Rendered(
        (weights[..., None] * values[..., 1:]).sum(-2), 1 - left[..., -1], _half_distance(depth, near, length)
    )


def _half_distance(depth: Tensor, near: Tensor, length: Tensor) -> Tensor:
    """Where the optical depth (…, K) reaches ln 2, straight between the intervals' ends."""
    goal = float(np.log(2))
    reached = depth.detach() >= goal
    first = reached.float().argmax(-1, keepdim=True)
    after = depth.detach().gather(-1, first)[..., 0]
    before = torch.where(first[..., 0] > 0, depth.detach().gather(-1, (first - 1).clamp(min=0))[..., 0], 0.0)
    share = (goal - before) / (after - before).clamp(min=1e-9)
    return torch.where(reached[..., -1], near + (first[..., 0] + share) * length, torch.inf)
