"""U-Net of the detail stage: refines a decoded wavelet tree with grid-aligned features of the condition.

It processes the middle of the grid, where shapes are, in training and inference alike; the cells around it keep their
decoded values.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..wavelet.tree import channel_scales
from .configs import MIDDLE, DetailConfig
from .layers import ResidualBlock, convolution, output_head


class DetailNetwork(nn.Module):
    """U-Net with two poolings; what it adds to the tree starts at zero."""

    def __init__(self, config: DetailConfig = DetailConfig()):
        super().__init__()
        self.config = config
        (fine, middle, coarse), groups = config.widths, config.norm_groups
        self.in_conv = convolution(config.tree_channels + config.features, fine)
        self.fine_in = ResidualBlock(fine, fine, groups)
        self.middle_in = nn.Sequential(
            ResidualBlock(fine, middle, groups, skip_kernel=1), ResidualBlock(middle, middle, groups)
        )
        self.coarse = nn.Sequential(
            ResidualBlock(middle, coarse, groups, skip_kernel=1),
            ResidualBlock(coarse, coarse, groups),
            ResidualBlock(coarse, coarse, groups),
        )
        self.to_middle = convolution(coarse, middle, 1)
        self.middle_out = ResidualBlock(middle, middle, groups)
        self.to_fine = convolution(middle, fine, 1)
        self.fine_out = ResidualBlock(fine, fine, groups)
        self.out = output_head(fine, config.tree_channels, groups)
        nn.init.zeros_(self.out[2].weight)
        nn.init.zeros_(self.out[2].bias)

    def forward(self, tree: Tensor, features: Tensor) -> Tensor:
        """Decoded tree (B, 64, n, n, n) divided by channel_scales, features (B, DETAIL_CHANNELS, n, n, n) → what to add
        to the tree, in the same units."""
        fine = self.fine_in(self.in_conv(torch.cat([tree, features], 1)))
        middle = self.middle_in(F.avg_pool3d(fine, 3, stride=2, padding=1))
        coarse = self.coarse(F.avg_pool3d(middle, 3, stride=2, padding=1))
        middle = self.middle_out(middle + _upsampled(self.to_middle(coarse), middle))
        return self.out(self.fine_out(fine + _upsampled(self.to_fine(middle), fine)))

    def refine(self, tree: Tensor, features: Tensor) -> Tensor:
        """Decoded tree (B, 64, 46, 46, 46), features of its middle (B, DETAIL_CHANNELS, 34, 34, 34) → the refined tree,
        float32."""
        refined, scales = tree.float().clone(), channel_scales().to(tree.device)
        middle = refined[..., MIDDLE, MIDDLE, MIDDLE]
        middle += self(middle / scales, features).float() * scales
        return refined


def _upsampled(coarse: Tensor, like: Tensor) -> Tensor:
    """Twice the size, cut to that of ``like``: of 9 cells 17."""
    n = like.shape[-1]
    return F.interpolate(coarse, scale_factor=2, mode="trilinear", align_corners=False)[..., :n, :n, :n]
