"""Losses of stage 1 on wavelet trees, by name.

Trees here are scaled (``channel_scales``), so that every channel has a spread of about one where it is not zero.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..networks.autoencoder import Autoencoder
from ..wavelet import tree_to_half_field
from ..wavelet.tree import CHILDREN, COARSE, COARSE_SCALE, PARENTS, channel_scales

LARGE = 1 / 32  # of a level's largest coefficient
SOFTNESS = 1 / 128  # of the edge of a solid, a distance: half a cell of the field at half resolution
OVERLAP_WEIGHT, NORMALS_WEIGHT = 1.0, 0.5
MOST_NORMALS = 16_384  # that are compared in one step
BAND = 1.5 / 64  # model units: one and a half cells of the field at half resolution

TreeLoss = Callable[[Tensor, Tensor, float, torch.Generator], tuple[Tensor, dict[str, Tensor]]]


@torch.no_grad()
def fold_scales(model: Autoencoder, back: bool = False) -> Autoencoder:
    """Moves the division by the scales into the first and the multiplication into the last convolution, or ``back`` out
    of them: exact, as both are linear."""
    scales = channel_scales()
    if back:
        scales = 1 / scales
    model.encoder.in_conv.weight /= scales.view(1, 64, 1, 1, 1)
    last = model.decoder.out_conv[2]
    last.weight *= scales.view(64, 1, 1, 1, 1)
    last.bias *= scales.view(64)
    return model


def huber_loss(
    predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Huber losses of trees (B, 64, D, H, W); coarse cells near the surface count most, since there the sign changes.

    Details count in the cells that the surface passes (elsewhere they are zero), and in as many others drawn at random.
    """
    huber = torch.nn.functional.huber_loss
    target = tree[:, COARSE].float()
    near = torch.exp(-((target * COARSE_SCALE / 0.8) ** 2))
    weight = 0.15 + near * (near.numel() / near.sum())
    coarse = (huber(predicted[:, COARSE].float(), target, reduction="none", delta=0.25) * weight).mean()
    active = (tree[:, PARENTS].abs().amax(1) > 0.05).flatten().nonzero()[:, 0]
    others = torch.randint(near.numel(), (len(active),), generator=generator, device=generator.device)
    cells = torch.cat([active, others])
    rows = predicted.permute(0, 2, 3, 4, 1).reshape(-1, 64)[cells].float()
    wanted = tree.permute(0, 2, 3, 4, 1).reshape(-1, 64)[cells].float()
    parents = huber(rows[:, PARENTS], wanted[:, PARENTS], delta=0.5)
    children = huber(rows[:, CHILDREN], wanted[:, CHILDREN], delta=0.5)
    # In units of distance: a unit of the parents is 0.02 / 0.6 of the coarse one's, of the children a fifth of that.
    loss = coarse + detail_weight * (0.02 * parents + 0.008 * children)
    return loss, {"coarse": coarse.detach(), "parents": parents.detach(), "children": children.detach()}


def sampled_cells(level: Tensor, generator: torch.Generator) -> Tensor:
    """(B, D, H, W) float32, 1 or 0: the cells of one detail level (B, C, D, H, W) with a coefficient above LARGE of the
    shape's largest, and about as many of the others, drawn at random."""
    sizes = level.float().abs().amax(1)
    large = sizes > LARGE * sizes.amax((1, 2, 3), keepdim=True)
    share = large.float().mean((1, 2, 3), keepdim=True)
    drawn = torch.rand(sizes.shape, generator=generator, device=generator.device) < share / (1 - share).clamp(min=1e-6)
    return (large | drawn).float()


def sampled_loss(
    predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """The paper's: squared errors of trees (B, 64, D, H, W), of the coarse channel everywhere, of each detail level in
    ``sampled_cells``.

    Each level's term is brought to the coarse one's size by a factor without gradient, and then weighted.
    """
    return _squared(predicted, tree, detail_weight, lambda level: sampled_cells(level, generator))


def everywhere_loss(
    predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """``sampled_loss`` without sampling: every cell of each detail level counts. The baseline of the paper's
    ablation."""
    return _squared(predicted, tree, detail_weight, lambda level: torch.ones_like(level[:, 0], dtype=torch.float32))


def _squared(
    predicted: Tensor, tree: Tensor, detail_weight: float, cells_of: Callable[[Tensor], Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    errors = (predicted.float() - tree.float()).square()
    coarse = errors[:, COARSE].mean()
    loss, numbers = coarse, {"coarse": coarse.detach()}
    for name, channels in (("parents", PARENTS), ("children", CHILDREN)):
        cells = cells_of(tree[:, channels])
        term = (errors[:, channels].mean(1) * cells).sum() / cells.sum().clamp(min=1)
        loss = loss + detail_weight * term * (coarse / term.clamp(min=1e-12)).detach()
        numbers[name] = term.detach()
    return loss, numbers


def overlap_loss(
    predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """``huber_loss``, and one minus the soft intersection over union of the solids.

    The mean over several possible positions of a thin wall has no wall at all; the overlap, unlike a distance, counts
    that as a lost shape.
    """
    loss, numbers = huber_loss(predicted, tree, detail_weight, generator)
    overlap = _overlap(*_half_fields(predicted, tree))
    return loss + OVERLAP_WEIGHT * (1 - overlap), numbers | {"overlap": overlap.detach()}


def surface_loss(
    predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """``overlap_loss``, and one minus the cosine between the fields' gradients near the true surface: normals of an
    oversmoothed shape are wrong long before its volume is."""
    loss, numbers = huber_loss(predicted, tree, detail_weight, generator)
    fields = _half_fields(predicted, tree)
    overlap, normals = _overlap(*fields), _normal_error(*fields)
    return loss + OVERLAP_WEIGHT * (1 - overlap) + NORMALS_WEIGHT * normals, numbers | {
        "overlap": overlap.detach(),
        "normals": normals.detach(),
    }


def _half_fields(predicted: Tensor, tree: Tensor) -> tuple[Tensor, Tensor]:
    """Every second grid point of both trees' fields, (B, m, m, m)."""
    scales = channel_scales().to(tree.device)
    with torch.autocast(tree.device.type, enabled=False):  # bfloat16 is too coarse for the position of a surface
        with torch.no_grad():
            wanted = tree_to_half_field(tree.float() * scales)
        return tree_to_half_field(predicted.float() * scales), wanted


def _overlap(field: Tensor, wanted: Tensor) -> Tensor:
    """Mean soft intersection over union of the solids of fields (B, m, m, m)."""
    inside, solid = torch.sigmoid(-field / SOFTNESS).flatten(1), (wanted < 0).float().flatten(1)
    common = (inside * solid).sum(1)
    return (common / (inside.sum(1) + solid.sum(1) - common)).mean()


def _normal_error(field: Tensor, wanted: Tensor) -> Tensor:
    """Mean of one minus the cosine between the gradients of fields (B, m, m, m), central differences, where ``wanted``
    is within BAND of 0."""
    m = field.shape[-1]
    near = wanted.abs() < BAND
    near[:, [0, -1]] = near[:, :, [0, -1]] = near[..., [0, -1]] = (
        False  # at the border there are no central differences
    )
    places = near.flatten().nonzero()[:, 0]
    places = places[:: max(1, len(places) // MOST_NORMALS)]

    def gradients(values: Tensor) -> Tensor:
        flat = values.flatten()
        return torch.stack([flat[places + step] - flat[places - step] for step in (m * m, m, 1)], -1)

    cosines = torch.nn.functional.cosine_similarity(gradients(field), gradients(wanted), dim=-1, eps=1e-4)
    return (1 - cosines).sum() / max(len(cosines), 1)


LOSSES: dict[str, TreeLoss] = {
    "huber": huber_loss,
    "sampled": sampled_loss,
    "everywhere": everywhere_loss,
    "overlap": overlap_loss,
    "surface": surface_loss,
}
