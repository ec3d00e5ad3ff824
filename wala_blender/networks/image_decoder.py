"""Decoder of Stable Diffusion's image autoencoder: latents → pictures.

Attribute names spell the published keys.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .key_mapping import Rename
from .layers import Upsample

LATENT_SCALE = 0.18215  # latents are multiplied by it before noise is added


@dataclass(frozen=True)
class ImageDecoderConfig:
    """``channels``: of the finest level, ``multipliers`` times that on each coarser one, each half the size of the one
    before."""

    channels: int = 128
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    res_blocks: int = 2
    latent_channels: int = 4

    @property
    def factor(self) -> int:
        """Pixels of a picture along a side of a latent's cell."""
        return 2 ** (len(self.multipliers) - 1)


def normalisation(channels: int) -> nn.GroupNorm:
    """Group normalisation of ``channels``, as published."""
    return nn.GroupNorm(32, channels, eps=1e-6)


class ResBlock(nn.Module):
    """Norm, SiLU, convolution, twice, plus the input (through ``nin_shortcut`` where the width changes)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.norm1 = normalisation(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = normalisation(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        return self.nin_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class PixelAttention(nn.Module):
    """Self-attention of one head over an image's pixels, plus the image."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = normalisation(channels)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        q, k, v = (layer(h).flatten(2).transpose(1, 2) for layer in (self.q, self.k, self.v))
        h = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(h.transpose(1, 2).reshape(x.shape))


class Middle(nn.Module):
    """What is between the latent and the levels."""

    def __init__(self, channels: int):
        super().__init__()
        self.block_1 = ResBlock(channels, channels)
        self.attn_1 = PixelAttention(channels)
        self.block_2 = ResBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Level(nn.Module):
    """The residual blocks of a size, then the step to the next finer one, unless this is the finest."""

    def __init__(self, in_channels: int, out_channels: int, res_blocks: int, finest: bool):
        super().__init__()
        self.block = nn.ModuleList(
            ResBlock(out_channels if i else in_channels, out_channels) for i in range(res_blocks)
        )
        self.upsample = nn.Identity() if finest else Upsample(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block:
            x = block(x)
        return self.upsample(x)


class Decoder(nn.Module):
    """Latent (B, latent_channels, H, W) → picture (B, 3, factor·H, factor·W)."""

    def __init__(self, config: ImageDecoderConfig):
        super().__init__()
        widths = [config.channels * multiplier for multiplier in config.multipliers]
        self.conv_in = nn.Conv2d(config.latent_channels, widths[-1], 3, padding=1)
        self.mid = Middle(widths[-1])
        # counted from the finest, and computed from the coarsest
        coarser = [*widths[1:], widths[-1]]
        self.up = nn.ModuleList(
            Level(coarser[i], width, config.res_blocks + 1, i == 0) for i, width in enumerate(widths)
        )
        self.norm_out = normalisation(widths[0])
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class ImageDecoder(nn.Module):
    """Latents as the denoiser gives them (B, latent_channels, H, W) → pictures (B, 3, factor·H, factor·W), about −1 …
    1."""

    # keys of the encoder
    published_layout = (Rename(r"(encoder|quant_conv)\..*"),)

    def __init__(self, config: ImageDecoderConfig):
        super().__init__()
        self.config = config
        self.post_quant_conv = nn.Conv2d(config.latent_channels, config.latent_channels, 1)
        self.decoder = Decoder(config)

    def forward(self, latents: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(latents / LATENT_SCALE))
