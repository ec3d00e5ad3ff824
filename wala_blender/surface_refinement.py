"""Surface refinement: moves a wavelet tree until its zero level set passes through measured surface points, with flat
faces and sharp edges between them.

A variational reconstruction in the wavelet domain. Its regulariser is the norm of the field's Hessian near the surface,
not squared (total variation of the normals, as in second-order TGV, Bredies et al. 2010): it flattens waves and keeps
creases. Wavelet coefficients as variables act as a multigrid preconditioner: coarse ones move faces as a whole.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .conditions.shape_constraints import Observation, of_points
from .latent_optimization import INSIDE, adam_step, half_field, where_gradients_are
from .wavelet import Coefficients, coefficients_to_half_field, pack, unpack
from .wavelet.tree import CHILDREN, COARSE, PARENTS, channel_scales

LEARNING_RATE = 0.08  # in units of channel_scales; falls to a fifth
_CELL = 2 / 128  # of the half field, in model units
_BAND, _ANCHOR_BAND = 1.6 * _CELL, 2 * _CELL  # |φ| of the cells near a surface
_FLATNESS, _ANCHOR, _DISTANCE = 1.0, 0.3, 0.1  # weights beside the points' term
_FLAT = 0.02  # curvature, 1 / cells, below which a face counts as flat
_FREE = 1.0  # cells that the field may move without the points


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
    coefficients, scales = unpack(tree.float()), channel_scales()
    levels = (coefficients.coarse, *coefficients.details[1:])
    sizes = [float(scales[part].flatten()[0]) for part in (COARSE, CHILDREN, PARENTS)]
    moved = [torch.zeros_like(level) for level in levels]
    averages = [(torch.zeros_like(level), torch.zeros_like(level)) for level in levels]
    first = where_gradients_are(half_field(tree))
    band = near_surface(first, _ANCHOR_BAND)
    at_points = of_points(points)
    for step in range(steps):
        on_step(step, steps)
        with torch.enable_grad():
            for part in moved:
                part.requires_grad_(True)
            field = coefficients_to_half_field(_moved(levels, moved, sizes))[0, INSIDE, INSIDE, INSIDE]
            field = where_gradients_are(field)
            loss = at_points(field) + _regularizer(field) + _anchor(field, first, band)
            if observation is not None:
                loss = loss + observation(field)
            gradients = torch.autograd.grad(loss, moved)
        rate = LEARNING_RATE * (1 - 0.8 * step / steps)
        moved = [
            part.detach() - adam_step(gradient, *average, step + 1, rate)
            for part, gradient, average in zip(moved, gradients, averages, strict=True)
        ]
    return pack(_moved(levels, moved, sizes))


def _moved(levels: Sequence[Tensor], moved: Sequence[Tensor], sizes: Sequence[float]) -> Coefficients:
    coarse, *details = (level + size * part for level, part, size in zip(levels, moved, sizes, strict=True))
    return Coefficients(coarse, (None, *details))


def near_surface(field: Tensor, distance: float) -> Tensor:
    """Flat indices of the cells of a field (n, n, n) within ``distance`` of its zero level, without the border's."""
    near = field.detach().abs() < distance
    for axis in range(3):
        near.select(axis, 0).zero_()
        near.select(axis, -1).zero_()
    return near.flatten().nonzero()[:, 0]


def _regularizer(field: Tensor) -> Tensor:
    """Mean curvature's size near the surface, and how far the field is from a distance there."""
    flat, band = field.flatten(), near_surface(field, _BAND)
    strides = (field.shape[1] * field.shape[2], field.shape[2], 1)
    at = flat[band]
    ahead, behind = zip(*((flat[band + s], flat[band - s]) for s in strides), strict=True)
    squares = sum((one + other - 2 * at).square() for one, other in zip(ahead, behind, strict=True))
    for s, t in ((strides[0], strides[1]), (strides[0], strides[2]), (strides[1], strides[2])):
        mixed = flat[band + s + t] + flat[band - s - t] - flat[band + s - t] - flat[band - s + t]
        squares = squares + mixed.square() / 8  # 2 (mixed / 4)²
    curvature = _mean((squares / _CELL**2 + _FLAT**2).sqrt())
    slope = torch.stack([(one - other) / (2 * _CELL) for one, other in zip(ahead, behind, strict=True)]).norm(dim=0)
    return _FLATNESS * curvature + _DISTANCE * _mean((slope - 1).square())


def _anchor(field: Tensor, first: Tensor, band: Tensor) -> Tensor:
    moved = (field.flatten()[band] - first.flatten()[band]).abs() / _CELL
    return _ANCHOR * _mean(F.relu(moved - _FREE).square())


def _mean(values: Tensor) -> Tensor:
    """0 of none: a field without a surface."""
    return values.sum() / max(len(values), 1)
