"""Augmentation of points and voxels: noise, partial views, holes."""

import torch
import torch.nn.functional as F
from torch import Tensor

_CELLS = 24  # of the picture in which nearer points hide those behind them
_BEHIND = 0.12  # model units: the depth of a cell that counts as one surface


def _drawn_from(generator: torch.Generator) -> dict:
    """What makes torch draw with the generator, where it lives."""
    return {"generator": generator, "device": generator.device}


def noisy_points(points: Tensor, generator: torch.Generator, most: float = 0.02, stray: float = 0.02) -> Tensor:
    """Points (B, N, 3) with normal noise whose deviation is drawn for each cloud from 0 … ``most`` (model units), and
    up to a share ``stray`` of them anywhere in the cloud's bounding box."""
    B, N, _ = points.shape
    at = _drawn_from(generator)
    noise = torch.randn(points.shape, **at) * (torch.rand(B, 1, 1, **at) * most)
    low, high = points.amin(dim=1, keepdim=True), points.amax(dim=1, keepdim=True)
    anywhere = low + torch.rand(points.shape, **at) * (high - low)
    strays = torch.rand(B, N, 1, **at) < torch.rand(B, 1, 1, **at) * stray
    return torch.where(strays, anywhere, points + noise)


def seen_points(points: Tensor, generator: torch.Generator) -> Tensor:
    """Points (B, N, 3) with those replaced by visible ones that others hide from a camera far away in a random
    direction above the ground: what a scan from one side gives."""
    B, N, _ = points.shape
    direction = torch.randn(B, 3, **_drawn_from(generator)).to(points)
    direction[:, 1] = direction[:, 1].abs()
    direction = F.normalize(direction, dim=1)
    right = F.normalize(
        torch.stack([direction[:, 2] + 1e-6, torch.zeros_like(direction[:, 0]), -direction[:, 0]], 1), dim=1
    )
    up = torch.linalg.cross(direction, right)
    across, along, nearness = (torch.einsum("bnk,bk->bn", points, axis) for axis in (right, up, direction))
    column, row = (((place + 1.75) / 3.5 * _CELLS).long().clamp(0, _CELLS - 1) for place in (across, along))
    cell = row * _CELLS + column
    nearest = nearness.new_full((B, _CELLS**2), -torch.inf).scatter_reduce(1, cell, nearness, "amax")
    visible = nearness > nearest.gather(1, cell) - _BEHIND
    chosen = torch.multinomial(visible.float(), N, replacement=True, generator=generator)
    chosen = torch.where(visible, torch.arange(N, device=points.device).expand(B, N), chosen)
    return points.gather(1, chosen[..., None].expand(-1, -1, 3))


def dropped_voxels(occupancy: Tensor, generator: torch.Generator, most: float = 0.15) -> Tensor:
    """Occupancy (B, 1, n, n, n) float with a share of the filled cells emptied, drawn for each grid from 0 … ``most``;
    never all of them."""
    B, at = len(occupancy), _drawn_from(generator)
    share = torch.rand(B, 1, 1, 1, 1, **at) * most
    kept = occupancy * (torch.rand(occupancy.shape, **at) >= share)
    return torch.where(kept.sum(dim=(1, 2, 3, 4), keepdim=True) > 0, kept, occupancy)
