"""Surface refinement: moves a wavelet tree until its zero level set passes through measured surface points, with flat
faces and sharp edges between them.

A variational reconstruction in the wavelet domain. Its regulariser is the norm of the field's Hessian near the surface,
not squared (total variation of the normals, as in second-order TGV, Bredies et al. 2010): it flattens waves and keeps
creases. Wavelet coefficients as variables act as a multigrid preconditioner: coarse ones move faces as a whole.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .conditions.shape_constraints import Observation, of_points
from .geometry.region_signs import corrected_signs
from .latent_optimization import adam_step, half_field, where_gradients_are
from .wavelet import Coefficients, half_field_to_tree, pack, unpack
from .wavelet.box import HALF_MARGIN, Box, BoxTransform, kept
from .wavelet.tree import CHILDREN, COARSE, PARENTS, channel_scales

LEARNING_RATE = 0.2  # in units of channel_scales; falls to a fifth
_CELL = 2 / 128  # of the half field, in model units
_BAND, _ANCHOR_BAND = 1.6 * _CELL, 2 * _CELL  # |φ| of the cells near a surface
_FLATNESS, _ANCHOR, _DISTANCE = 1.0, 0.3, 0.1  # weights beside the points' term
_FLAT = 0.02  # curvature, 1 / cells, below which a face counts as flat
_TINY = 1e-12
_FREE = 1.0  # cells that the field may move without the points
_MARGIN = 4  # cells between a surface and the end of the box that is refined


def refine_surface(
    tree: Tensor,
    points: Tensor,
    steps: int,
    observation: Observation | None = None,
    on_step: Callable[[int, int], object] = lambda step, steps: None,
) -> Tensor:
    """Wavelet tree (1, 64, 46, 46, 46) refined by ``steps`` steps of Adam, float32.

    points (N, 3): of the surface, model space. observation: what else is known, for example the space that depth maps
    see empty. on_step(step, steps) is called before each step and may raise to stop.
    """
    coefficients = unpack(tree.float().clone())  # the refined tree in the end
    first = where_gradients_are(half_field(tree))
    band = near_surface(first, _ANCHOR_BAND)
    box = box_around(band, points, len(first))
    transform = BoxTransform(box, coefficients)
    levels = kept(transform.crop(coefficients))
    sizes = [float(size) for size in channel_scales()[[COARSE.start, CHILDREN.start, PARENTS.start]].flatten()]
    moved = [torch.zeros_like(level) for level in levels]
    averages = [(torch.zeros_like(level), torch.zeros_like(level)) for level in levels]
    at_points = of_points(points)
    for step in range(steps):
        on_step(step, steps)
        with torch.enable_grad():
            for part in moved:
                part.requires_grad_(True)
            coarse, middle, parents = (size * part for size, part in zip(sizes, moved, strict=True))
            change = transform.half_field(Coefficients(coarse, (None, middle, parents)))[0]
            field = first.clone()
            field[box] += where_gradients_are(change)
            loss = at_points(field) + _regularizer(field) + _anchor(field, first, band)
            if observation is not None:
                loss = loss + observation(field)
            gradients = torch.autograd.grad(loss, moved)
        rate = LEARNING_RATE * (1 - 0.8 * step / steps)
        moved = [
            part.detach() - adam_step(gradient, *average, step + 1, rate)
            for part, gradient, average in zip(moved, gradients, averages, strict=True)
        ]
    for level, size, part in zip(levels, sizes, moved, strict=True):
        level += size * part
    return pack(coefficients)


def correct_regions(tree: Tensor, points: Tensor) -> Tensor:
    """Wavelet tree (1, 64, 46, 46, 46) with those regions of its field turned from solid to empty, or back, whose sign
    contradicts points (N, 3) of the surface; unchanged where the field would not come nearer to the points."""
    before = half_field(tree).detach().cpu()
    after = torch.from_numpy(corrected_signs(before.numpy(), points.cpu().numpy()))
    at_points = of_points(points.cpu())
    if not at_points(after) < at_points(before):
        return tree
    return tree + half_field_to_tree(F.pad(after - before, (HALF_MARGIN,) * 6)[None]).to(tree.device)


def box_around(band: Tensor, points: Tensor, side: int) -> Box:
    """The box of a grid (side, side, side) over [-1, 1]³ that has all cells of flat indices and all points (N, 3) in
    it, and _MARGIN cells around."""
    cells = torch.stack(torch.unravel_index(band, (side,) * 3), 1)
    cells = torch.cat([cells, ((points.to(band.device) + 1) * (side / 2)).long().clamp(0, side - 1)])
    lower, upper = (cells.amin(0) - _MARGIN).clamp(min=0), (cells.amax(0) + 1 + _MARGIN).clamp(max=side)
    return tuple(slice(start, stop) for start, stop in zip(lower.tolist(), upper.tolist(), strict=True))


def near_surface(field: Tensor, distance: float) -> Tensor:
    """Flat indices of the cells of a field (n, n, n) within ``distance`` of its zero level, without the border's."""
    near = field.detach().abs() < distance
    for axis in range(3):
        near.select(axis, 0).zero_()
        near.select(axis, -1).zero_()
    return near.flatten().nonzero()[:, 0]


def _regularizer(field: Tensor) -> Tensor:
    """Mean curvature's size near the surface, and how far the field is from a distance there."""
    band = near_surface(field, _BAND)
    x, y, z = field.shape[1] * field.shape[2], field.shape[2], 1
    steps = [0]
    for stride in (x, y, z):
        steps += [stride, -stride]
    for one, other in ((x, y), (x, z), (y, z)):
        steps += [one + other, -one - other, one - other, other - one]
    # One look-up of all neighbours: of each alone, the gradient would be another whole field.
    cells = (torch.tensor(steps, device=band.device, dtype=torch.int32)[:, None] + band.int()).flatten()
    at, around, corners = field.flatten().index_select(0, cells).view(len(steps), -1).split([1, 6, 12])
    ahead, behind = around.view(3, 2, -1).unbind(1)
    mixed = (corners.view(3, 2, 2, -1).sum(2) * torch.tensor([1.0, -1.0], device=at.device)[:, None]).sum(1)
    squares = (ahead + behind - 2 * at).square().sum(0) + mixed.square().sum(0) / 8  # 2 (mixed / 4)²
    curvature = _mean((squares / _CELL**2 + _FLAT**2).sqrt())
    slope = ((ahead - behind).square().sum(0) + _TINY).sqrt() / (2 * _CELL)  # of a norm, torch is ten times slower
    return _FLATNESS * curvature + _DISTANCE * _mean((slope - 1).square())


def _anchor(field: Tensor, first: Tensor, band: Tensor) -> Tensor:
    moved = (field.flatten()[band] - first.flatten()[band]).abs() / _CELL
    return _ANCHOR * _mean(F.relu(moved - _FREE).square())


def _mean(values: Tensor) -> Tensor:
    """0 of none: a field without a surface."""
    return values.sum() / max(len(values), 1)
