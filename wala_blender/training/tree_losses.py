"""How far a tree is from the one it should be: the losses of stage 1, by name. Knows coefficients; not networks, nor how they are trained.

Trees here are scaled (``channel_scales``), so that every channel varies by about one where it is not zero.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..autoencoder import Autoencoder
from ..wavelet import tree_to_half_field
from ..wavelet.tree import CHILDREN, COARSE, PARENTS

# Standard deviations of the coefficients where they are not zero, roughly: the network works in these units.
_SCALES = ((COARSE, 0.6), (CHILDREN, 0.004), (PARENTS, 0.02))
LARGE = 1 / 32  # of a level's largest coefficient
SOFTNESS = 1 / 128  # of the edge of a solid, a distance: half a cell of the field at half resolution
OVERLAP_WEIGHT = 1.0

TreeLoss = Callable[[Tensor, Tensor, float, torch.Generator], tuple[Tensor, dict[str, Tensor]]]


def channel_scales() -> Tensor:
    """(64, 1, 1, 1): what each channel of a tree is divided by inside the network while it trains."""
    scales = torch.empty(64, 1, 1, 1)
    for channels, scale in _SCALES:
        scales[channels] = scale
    return scales


@torch.no_grad()
def fold_scales(model: Autoencoder, back: bool = False) -> Autoencoder:
    """Moves the division by the scales into the first and the multiplication into the last convolution, or ``back`` out of them: exact,
    since both are linear."""
    scales = channel_scales()
    if back:
        scales = 1 / scales
    model.encoder.in_conv.weight /= scales.view(1, 64, 1, 1, 1)
    last = model.decoder.out_conv[2]
    last.weight *= scales.view(64, 1, 1, 1, 1)
    last.bias *= scales.view(64)
    return model


def huber_loss(predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """Huber losses of trees (B, 64, D, H, W); coarse cells near the surface count most, since there the sign changes.

    Details count in the cells that the surface passes (elsewhere they are zero), and in as many others drawn at random.
    """
    huber = torch.nn.functional.huber_loss
    target = tree[:, COARSE].float()
    near = torch.exp(-((target * _SCALES[0][1] / 0.8) ** 2))
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
    """(B, D, H, W) float32, 1 or 0: the cells of one detail level (B, C, D, H, W) with a coefficient above LARGE of the shape's largest, and
    about as many of the others, drawn at random."""
    sizes = level.float().abs().amax(1)
    large = sizes > LARGE * sizes.amax((1, 2, 3), keepdim=True)
    share = large.float().mean((1, 2, 3), keepdim=True)
    drawn = torch.rand(sizes.shape, generator=generator, device=generator.device) < share / (1 - share).clamp(min=1e-6)
    return (large | drawn).float()


def sampled_loss(predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """The paper's: squared errors of trees (B, 64, D, H, W), of the coarse channel everywhere, of each detail level in ``sampled_cells``.

    Each level's term is brought to the coarse one's size by a factor without gradient, and then weighted.
    """
    return _squared(predicted, tree, detail_weight, lambda level: sampled_cells(level, generator))


def everywhere_loss(predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """``sampled_loss`` without sampling: every cell of each detail level counts. What the paper's ablation compares with."""
    return _squared(predicted, tree, detail_weight, lambda level: torch.ones_like(level[:, 0], dtype=torch.float32))


def _squared(predicted: Tensor, tree: Tensor, detail_weight: float, cells_of: Callable[[Tensor], Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    errors = (predicted.float() - tree.float()).square()
    coarse = errors[:, COARSE].mean()
    loss, numbers = coarse, {"coarse": coarse.detach()}
    for name, channels in (("parents", PARENTS), ("children", CHILDREN)):
        cells = cells_of(tree[:, channels])
        term = (errors[:, channels].mean(1) * cells).sum() / cells.sum().clamp(min=1)
        loss = loss + detail_weight * term * (coarse / term.clamp(min=1e-12)).detach()
        numbers[name] = term.detach()
    return loss, numbers


def overlap_loss(predicted: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """``huber_loss``, and one minus the overlap (intersection over union) of the solids, the predicted one's with soft edges.

    A mean of several places where a thin wall may be has no wall at all; the overlap, unlike a distance, counts that as a whole shape lost.
    """
    loss, numbers = huber_loss(predicted, tree, detail_weight, generator)
    scales = channel_scales().to(tree.device)
    inside = torch.sigmoid(-tree_to_half_field(predicted.float() * scales) / SOFTNESS).flatten(1)
    with torch.no_grad():
        wanted = (tree_to_half_field(tree.float() * scales) < 0).float().flatten(1)
    common = (inside * wanted).sum(1)
    overlap = (common / (inside.sum(1) + wanted.sum(1) - common)).mean()
    return loss + OVERLAP_WEIGHT * (1 - overlap), numbers | {"overlap": overlap.detach()}


LOSSES: dict[str, TreeLoss] = {"huber": huber_loss, "sampled": sampled_loss, "everywhere": everywhere_loss, "overlap": overlap_loss}
