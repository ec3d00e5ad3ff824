"""Voxel occupancy → feature grid or tokens: the published convolutional encoder. Knows 16³ grids; not how a shape was voxelised."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import ResidualBlock, convolution, grid_to_tokens, output_head


@dataclass(frozen=True)
class VoxelEncoderConfig:
    """``out_width``: channels of the feature grid; ``stem`` and ``width``: of the layers before, multiples of ``norm_groups``."""

    out_width: int
    stem: int = 64
    width: int = 128
    norm_groups: int = 32


class VoxelEncoder(nn.Module):
    """Three residual blocks at the input's size, an average pooling to half of it, three more."""

    def __init__(self, config: VoxelEncoderConfig):
        super().__init__()
        self.config = config
        self.in_conv = convolution(1, config.stem)
        self.res_1 = ResidualBlock(config.stem, config.width, config.norm_groups)
        for i in range(2, 7):
            self.add_module(f"res_{i}", ResidualBlock(config.width, config.width, config.norm_groups))
        self.out_conv = output_head(config.width, config.out_width, config.norm_groups)

    def forward(self, occupancy: Tensor) -> Tensor:
        """Occupancy (B, 1, 16, 16, 16), 0 or 1, axes x, y, z → features (B, out_width, 8, 8, 8)."""
        h = self.res_3(self.res_2(self.res_1(self.in_conv(occupancy))))
        h = F.avg_pool3d(h, 3, stride=2, padding=1)
        return self.out_conv(self.res_6(self.res_5(self.res_4(h))))

    def tokens(self, occupancy: Tensor) -> Tensor:
        """Occupancy (B, 1, 16, 16, 16) → tokens (B, 512, out_width), x-major."""
        return grid_to_tokens(self(occupancy))
