"""Line drawings of rendered shapes: depth and normal discontinuities with the irregularity of a hand."""

import torch
import torch.nn.functional as F
from torch import Tensor


def line_picture(depth: Tensor, normal: Tensor, depth_step: float = 0.06, crease: float = 40.0) -> Tensor:
    """Lines (B, 1, S, S) float32, 1 on 0, one pixel wide, of depth (B, S, S) (model units, inf = nothing) and normals
    (B, 3, S, S).

    A line is where depth jumps by more than depth_step beyond what the slope explains, where the normal turns by more
    than crease degrees, and along the silhouette.
    """
    hit = torch.isfinite(depth)
    filled = torch.where(hit, depth.float(), torch.full_like(depth, 10.0, dtype=torch.float32))
    normal = F.normalize(normal.float(), dim=1)
    turn = torch.cos(torch.deg2rad(torch.as_tensor(crease)))
    lines = torch.zeros_like(filled)
    for axis in (1, 2):
        size = depth.shape[axis] - 1
        a, b = filled.narrow(axis, 0, size), filled.narrow(axis, 1, size)
        n_a, n_b = normal.narrow(axis + 1, 0, size), normal.narrow(axis + 1, 1, size)
        both = hit.narrow(axis, 0, size) & hit.narrow(axis, 1, size)
        # A surface seen at a grazing angle changes depth fast without an edge.
        facing = torch.minimum(n_a[:, 2].abs(), n_b[:, 2].abs()).clamp(min=0.15)
        jump = ((a - b).abs() * facing > depth_step * 0.5) & ((a - b).abs() > depth_step)
        bend = both & ((n_a * n_b).sum(1) < turn)
        edge = (jump | bend | (hit.narrow(axis, 0, size) ^ hit.narrow(axis, 1, size))).float()
        lines.narrow(axis, 0, size).copy_(torch.maximum(lines.narrow(axis, 0, size), edge))
    return lines[:, None]


def cage_warp(generator: torch.Generator, batch: int, size: int, strength: float = 0.05) -> Tensor:
    """Displacements (batch, size, size, 2), in halves of the picture: a cage of nine squares lies over it, and each of
    its sixteen corners is pulled by up to ``strength`` along either axis; within a square the pull is interpolated."""
    pull = (torch.rand(batch, 2, 4, 4, generator=generator, device=generator.device) * 2 - 1) * strength
    return F.interpolate(pull, (size, size), mode="bilinear", align_corners=True).permute(0, 2, 3, 1)


def drawn(lines: Tensor, generator: torch.Generator) -> Tensor:
    """The lines (B, 1, S, S) as a hand would draw them: out of proportion, wavering, of some width, with gaps, a little
    turned, moved and scaled."""
    B, _, S, _ = lines.shape

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=generator.device) * 2 - 1

    # Some width: a fine pen's, a pencil's with soft edges, or a marker's.
    soft = (F.avg_pool2d(lines, 3, 1, 1) * 2.2).clamp(0, 1)
    broad = F.max_pool2d(lines, 2, 1, 1)[..., :S, :S]
    pen = torch.rand(B, 1, 1, 1, generator=generator, device=generator.device)
    lines = torch.where(pen < 0.35, lines, torch.where(pen < 0.75, torch.maximum(lines, soft), broad))
    waver = F.interpolate(uniform(B, 2, 9, 9), (S, S), mode="bicubic", align_corners=True) * (
        uniform(B, 1, 1, 1).abs() * 0.03
    )
    angle, scale = uniform(B) * 0.05, 1 + uniform(B) * 0.04
    turn = torch.stack(
        [
            torch.stack([angle.cos() * scale, -angle.sin() * scale, uniform(B) * 0.03], -1),
            torch.stack([angle.sin() * scale, angle.cos() * scale, uniform(B) * 0.03], -1),
        ],
        1,
    )
    grid = (
        F.affine_grid(turn, [B, 1, S, S], align_corners=False) + waver.permute(0, 2, 3, 1) + cage_warp(generator, B, S)
    )
    moved = F.grid_sample(lines, grid, align_corners=False)
    share = uniform(B, 1, 1, 1) * 0.3  # of the picture that is left out: of half the drawings nothing
    gaps = F.interpolate(uniform(B, 1, 16, 16) / 2 + 0.5, (S, S), mode="bilinear") > share
    return moved * gaps
