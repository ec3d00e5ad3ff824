"""Network of surface colours: points of a surface with their normals → a choice among fixed colours at each.

A grid of the surface goes through a small 3-D U-Net; its features at a point and the point's own place and normal give
the logits. Words, an asked colour and colours that are already known modulate both.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import ColourConfig
from .layers import ResidualBlock, convolution

CELLS = 32  # of the surface's grid along an axis
HALF_WIDTH = 0.55  # of the grid, round a shape whose longest side is 1
NAMED = 11  # basic colour words
_CELL_CHANNELS = 8  # whether there is a surface, its mean normal, whether its colour is known, that colour
_FREQUENCIES = (2.0, 4.0, 8.0)  # half periods along the shape
_POINT_NUMBERS = 3 + 3 + 1 + 6 * len(_FREQUENCIES)


def surface_grid(points: Tensor, normals: Tensor, known: Tensor, colours: Tensor) -> Tensor:
    """Points (B, N, 3) of a shape of longest side 1 around 0, unit normals, whether each one's colour is known (B, N),
    and colours as CIELAB / 100 (B, N, 3), read where known → the grid (B, 64, 16, 16, 16): the 2³ cells of each block
    of a grid of 32³ as channels."""
    B = len(points)
    cell = ((points / HALF_WIDTH + 1) * (CELLS / 2)).long().clamp(0, CELLS - 1)
    index = (cell[..., 0] * CELLS + cell[..., 1]) * CELLS + cell[..., 2]
    index = index + CELLS**3 * torch.arange(B, device=points.device)[:, None]
    known = known.to(points.dtype)[..., None]
    values = torch.cat([torch.ones_like(known), normals, known, colours * known], dim=-1).flatten(0, 1)
    sums = values.new_zeros(B * CELLS**3, _CELL_CHANNELS).index_add_(0, index.flatten(), values)
    count, number_known = sums[:, :1], sums[:, 4:5]
    cells = torch.cat(
        [
            (count > 0).to(sums.dtype),
            sums[:, 1:4] / count.clamp(min=1),
            number_known / count.clamp(min=1),
            sums[:, 5:] / number_known.clamp(min=1),
        ],
        dim=1,
    )
    half = CELLS // 2
    blocks = cells.view(B, half, 2, half, 2, half, 2, _CELL_CHANNELS).permute(0, 2, 4, 6, 7, 1, 3, 5)
    return blocks.reshape(B, 8 * _CELL_CHANNELS, half, half, half)


class ColourNetwork(nn.Module):
    """``encode`` a surface's grid, ``condition`` on words and colours, then ask for ``logits`` at points."""

    palette: Tensor

    def __init__(self, config: ColourConfig = ColourConfig()):
        super().__init__()
        self.config = config
        (fine, middle, coarse), groups, hidden = config.widths, config.norm_groups, config.hidden
        self.register_buffer("palette", torch.zeros(config.classes, 3))  # CIELAB
        self.in_conv = convolution(8 * _CELL_CHANNELS, fine)
        self.fine_in = ResidualBlock(fine, fine, groups)
        self.middle_in = ResidualBlock(fine, middle, groups, skip_kernel=1)
        self.coarse_in = ResidualBlock(middle, coarse, groups, skip_kernel=1)
        known = 2 * config.words + 1 + NAMED + 1 + 3
        self.words = nn.Sequential(nn.Linear(known + coarse, 192), nn.SiLU(), nn.Linear(192, hidden))
        self.hints = nn.Linear(config.classes + 1, hidden)
        self.coarse_out = ResidualBlock(coarse, coarse, groups, time_width=hidden)
        self.to_middle = convolution(coarse, middle, 1)
        self.middle_out = ResidualBlock(middle, middle, groups, time_width=hidden)
        self.to_fine = convolution(middle, fine, 1)
        self.fine_out = ResidualBlock(fine, fine, groups, time_width=hidden)
        self.at_points = nn.Linear(fine + middle + coarse + _POINT_NUMBERS, hidden)
        self.between = nn.Linear(hidden, hidden)
        self.modulation = nn.Linear(hidden, 4 * hidden)
        self.out = nn.Linear(hidden, config.classes)
        self.everywhere = nn.Linear(hidden, config.classes)
        self.hint_weights = nn.Parameter(torch.tensor([1.5, 3.0]))  # of a colour that is there; of one that is not

    def encode(self, grid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Grid (B, 64, 16, 16, 16) → features at 16³, 8³ and 4³, which do not depend on words."""
        fine = self.fine_in(self.in_conv(grid))
        middle = self.middle_in(F.avg_pool3d(fine, 2))
        return fine, middle, self.coarse_in(F.avg_pool3d(middle, 2))

    def condition(
        self, features: tuple[Tensor, Tensor, Tensor], words: Tensor, asked: Tensor, extents: Tensor, hints: Tensor
    ) -> tuple[Tensor, ...]:
        """Features of ``encode``, words (B, 2 · W + 1: sum, last noun, whether there are any), the asked colour's word
        (B, 11 + 1: one of them, or none), the shape's extents (B, 3) and the colours that it has (B, classes + 1, each
        0 or 1; the last: these are all) → what ``logits`` reads."""
        fine, middle, coarse = features
        pooled = coarse.mean(dim=(2, 3, 4))
        style = self.words(torch.cat([pooled, words, asked, extents], dim=1)) + self.hints(hints)
        coarse = self.coarse_out(coarse, style)
        middle = self.middle_out(middle + _doubled(self.to_middle(coarse)), style)
        fine = self.fine_out(fine + _doubled(self.to_fine(middle)), style)
        there, is_all = hints[:, :-1], hints[:, -1:]
        bias = (
            self.everywhere(F.silu(style)) + self.hint_weights[0] * there - self.hint_weights[1] * is_all * (1 - there)
        )
        return fine, middle, coarse, self.modulation(F.silu(style)), bias

    def logits(self, condition: tuple[Tensor, ...], points: Tensor, normals: Tensor) -> Tensor:
        """Points (B, N, 3) and their normals → logits (B, N, classes)."""
        *grids, modulation, bias = condition
        # grid_sample wants the last axis first
        places = (points / HALF_WIDTH).flip(-1)[:, :, None, None]
        sampled = [
            F.grid_sample(grid.float(), places, align_corners=False, padding_mode="border")[..., 0, 0].transpose(1, 2)
            for grid in grids
        ]
        waves = torch.cat([points * (frequency * torch.pi) for frequency in _FREQUENCIES], dim=-1)
        height = points[..., 1:2] - points[..., 1:2].amin(dim=1, keepdim=True)
        own = torch.cat([points, normals, height, waves.sin(), waves.cos()], dim=-1)
        scale, shift, scale2, shift2 = modulation[:, None].chunk(4, dim=-1)
        h = F.silu(self.at_points(torch.cat([*sampled, own], dim=-1)) * (1 + scale) + shift)
        h = h + F.silu(self.between(h) * (1 + scale2) + shift2)
        return self.out(h) + bias[:, None]


def _doubled(grid: Tensor) -> Tensor:
    return F.interpolate(grid, scale_factor=2, mode="trilinear", align_corners=False)
