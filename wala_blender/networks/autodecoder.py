"""Autodecoder of colour volumes (Ntavelis et al. 2023, 3DVADER): a learned vector of each object → features on a coarse
grid, its latent → a volume of density and colour.

Norms are GroupNorm, where the paper's BatchNorm makes a result depend on those beside it, and SiLU is its ReLU.
"""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import AutodecoderConfig
from .layers import Attention, convolution, grid_to_tokens, silu, tokens_to_grid

_GROUPS = 8
# of a 3³ kernel's weights along an axis, those that a coarse cell meets at the four places that it reaches
_GATHERED = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))
_FIRST_DENSITY = -1.0  # logit: a little everywhere, so that gradients reach empty space


class GridSelfAttention(nn.Module):
    """GroupNorm and self-attention over all cells of a grid, added to it."""

    def __init__(self, channels: int, heads: int = 1, groups: int = _GROUPS):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.attention = Attention(channels, heads)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S, S, S) → the same shape."""
        return x + tokens_to_grid(self.attention(grid_to_tokens(self.norm(x))), x.shape[-1])


class DoublingConvolution(nn.Module):
    """Every cell eight times (nearest), then a 3³ convolution, computed as one transposed convolution: a third of the
    time."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        like = nn.Conv3d(in_channels, out_channels, 3)
        self.weight, self.bias = like.weight, like.bias

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, S, S, S) → (B, out_channels, 2S, 2S, 2S)."""
        with torch.autocast(x.device.type, enabled=False):
            g = torch.tensor(_GATHERED, device=x.device)
            kernel = torch.einsum("oixyz,ax,by,cz->ioabc", self.weight.float(), g, g, g)
        return F.conv_transpose3d(x, kernel.to(self.weight.dtype), self.bias, stride=2, padding=1)


class Doubling(nn.Module):
    """A stage: twice as many cells a side, in a residual block. Norm, SiLU and the skip's 1³ convolution are the same
    before and after the doubling, and cost an eighth before."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(_GROUPS, in_channels)
        self.conv1 = DoublingConvolution(in_channels, out_channels)
        self.norm2 = nn.GroupNorm(_GROUPS, out_channels)
        self.conv2 = convolution(out_channels, out_channels)
        self.skip = convolution(in_channels, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, S, S, S) → (B, out_channels, 2S, 2S, 2S)."""
        h = self.conv1(silu(self.norm1(x)))
        return self.conv2(silu(self.norm2(h))) + F.interpolate(self.skip(x), scale_factor=2, mode="nearest")


class VolumeDecoder(nn.Module):
    """The autodecoder's second part (G2). ``widths``: channels of the latent and of each grid after it."""

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        self.stages = nn.Sequential(*(Doubling(a, b) for a, b in itertools.pairwise(widths)))
        self.head = nn.Sequential(nn.GroupNorm(_GROUPS, widths[-1]), nn.SiLU(), convolution(widths[-1], 4, kernel=1))
        nn.init.constant_(self.head[2].bias[:1], _FIRST_DENSITY)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents (B, C, L, L, L) → volumes (B, 4, S, S, S) float32, logits as of geometry.colour_volume."""
        return self.head(self.stages(latent)).float()


class Autodecoder(nn.Module):
    """``embeddings``: a row for each object, N(0, 1) at the start."""

    def __init__(self, config: AutodecoderConfig):
        super().__init__()
        self.config = config
        first, second = config.widths[:2]
        self.embeddings = nn.Embedding(config.objects, config.embedding)
        self.spread = nn.Linear(config.embedding, first * config.base**3)
        self.first = nn.Sequential(Doubling(first, second), GridSelfAttention(second))
        self.decoder = VolumeDecoder(config.widths[1:])

    def to_latent(self, vectors: Tensor) -> Tensor:
        """The first part (G1): vectors (B, embedding) → latents (B, widths[1], 2·base, 2·base, 2·base)."""
        side = self.config.base
        return self.first(self.spread(vectors).view(len(vectors), -1, side, side, side))

    def forward(self, objects: Tensor) -> Tensor:
        """Numbers of objects (B,) → their volumes (B, 4, S, S, S)."""
        return self.decoder(self.to_latent(self.embeddings(objects)))
