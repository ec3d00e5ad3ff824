"""Wavelet tree: coarse and two levels of detail coefficients as the channels of one grid (Make-A-Shape, WaLa section
3.1).

Channel 0 holds the coarse coefficients; channel 1 + 28·x + 4·b + 2·y + z the band b of the child at offset (x, y, z);
channel 57 + b the coarsest details. The finest details are dropped.
"""

import torch
from torch.nn import functional

from .transform import Coefficients, forward, inverse

CHANNELS = 64
COARSE, CHILDREN, PARENTS = slice(0, 1), slice(1, 57), slice(57, 64)
COARSE_SCALE = 0.6  # standard deviations of the coefficients where they are not zero, roughly
_SCALES = ((COARSE, COARSE_SCALE), (CHILDREN, 0.004), (PARENTS, 0.02))


def channel_scales() -> torch.Tensor:
    """(64, 1, 1, 1): what the channels of a tree are divided by for a network, so that each varies by about one."""
    scales = torch.empty(CHANNELS, 1, 1, 1)
    for channels, scale in _SCALES:
        scales[channels] = scale
    return scales


def pack(coefficients: Coefficients) -> torch.Tensor:
    """Wavelet tree (B, 64, n, n, n) of three-level coefficients; the finest level is ignored."""
    coarse, (_, middle, parents) = coefficients.coarse, coefficients.details
    B, D = coarse.shape[0], coarse.shape[-1]
    margin = D - middle.shape[-1] // 2
    children = functional.pad(middle, (margin,) * 6).reshape(B, 7, D, 2, D, 2, D, 2)
    children = children.permute(0, 3, 1, 5, 7, 2, 4, 6).reshape(B, 56, D, D, D)  # x, band, y, z offsets, then the cells
    return torch.cat([coarse[:, None], children, parents], 1)


def unpack(tree: torch.Tensor) -> Coefficients:
    """Inverse of pack, with the finest details None. tree (B, 64, n, n, n), n even."""
    B, _, D = tree.shape[:3]
    # An n-point grid came from 2n − 16 points, centred in the 2n children.
    margin, length = 8, 2 * D - 16
    children = (
        tree[:, CHILDREN]
        .reshape(B, 2, 7, 2, 2, D, D, D)
        .permute(0, 2, 5, 1, 6, 3, 7, 4)
        .reshape(B, 7, 2 * D, 2 * D, 2 * D)
    )
    crop = slice(margin, margin + length)
    return Coefficients(tree[:, 0], (None, children[:, :, crop, crop, crop], tree[:, PARENTS]))


def field_to_tree(field: torch.Tensor, padding: str = "constant") -> torch.Tensor:
    """Wavelet tree (B, 64, 46, 46, 46) of a distance field (B, 256, 256, 256)."""
    return pack(forward(field, padding, keep_finest=False))


def tree_to_field(tree: torch.Tensor) -> torch.Tensor:
    """Distance field (B, 256, 256, 256) of a wavelet tree (B, 64, 46, 46, 46); the dropped finest details count as
    zeros."""
    return inverse(unpack(tree))


def tree_to_half_field(tree: torch.Tensor) -> torch.Tensor:
    """Every second grid point of the distance field of a wavelet tree (B, 64, n, n, n), or of a cube of cells cut out
    of one, with a few more at both ends: (B, m, m, m), m = 4 n − 48; of a whole tree 136, of which those from 4 to 132
    are the field's."""
    return coefficients_to_half_field(unpack(tree))


def half_field_to_tree(field: torch.Tensor) -> torch.Tensor:
    """Wavelet tree (B, 64, 46, 46, 46) of every second grid point of a field (B, 136, 136, 136), as
    ``tree_to_half_field`` gives them: its inverse."""
    halved = forward(field * 8**0.5, "zero", levels=2)
    return pack(Coefficients(halved.coarse, (None, *halved.details)))


def coefficients_to_half_field(coefficients: Coefficients) -> torch.Tensor:
    """As ``tree_to_half_field``, of a tree's coefficients."""
    parts = Coefficients(coefficients.coarse, coefficients.details[1:])
    return inverse(parts) / 8**0.5  # a step's low-pass filter multiplies by √2 along each axis
