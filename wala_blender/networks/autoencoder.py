"""VQ autoencoder: wavelet tree ↔ latent grid.

The grids are 46³ (tree), 23³ and 12³ (latent), after the two poolings and upsamplings. The default configuration is the
published model's; the starter is a narrower one of the same class.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .configs import AutoencoderConfig
from .layers import (
    GridTransformerBlock,
    ResidualBlock,
    convolution,
    grid_to_tokens,
    normal_parameter,
    output_head,
    tokens_to_grid,
)
from .quantizer import Quantized, VectorQuantizer


@dataclass(frozen=True)
class Reconstruction:
    """``tree`` (B, 64, 46, 46, 46), ``latent`` (B, 4, 12, 12, 12) before quantisation, and what the quantiser made of
    it."""

    tree: Tensor
    latent: Tensor
    quantized: Quantized


class _Transformer(nn.Module):
    """Adds the optional position embedding and transformer blocks at 12³ to Encoder and Decoder, under the keys of
    their owner."""

    def _add_transformer(self, width: int, grid: int, blocks: int) -> None:
        if blocks:
            self.pos_emb = normal_parameter((1, grid**3, width))
        self.t_blocks = nn.ModuleList(GridTransformerBlock(width) for _ in range(blocks))

    def _transform(self, h: Tensor) -> Tensor:
        if not len(self.t_blocks):
            return h
        tokens = grid_to_tokens(h) + self.pos_emb
        for block in self.t_blocks:
            tokens = block(tokens)
        return tokens_to_grid(tokens, h.shape[-1])


def _pool(x: Tensor) -> Tensor:
    return F.avg_pool3d(x, 3, stride=2, padding=1)  # the padding counts


def _upsample(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)


class Encoder(_Transformer):
    """Tree (B, 64, 46, 46, 46) → latent (B, 4, 12, 12, 12), before quantisation."""

    def __init__(self, config: AutoencoderConfig):
        super().__init__()
        fine, middle, coarse = config.widths
        self.in_conv = convolution(config.tree_channels, fine)
        self.res_1 = ResidualBlock(fine, fine, config.norm_groups)
        self.res_1_1 = ResidualBlock(fine, fine, config.norm_groups)
        self.res_2 = ResidualBlock(fine, middle, config.norm_groups, skip_kernel=1)
        self.res_2_1 = ResidualBlock(middle, middle, config.norm_groups)
        self.res_3 = ResidualBlock(middle, coarse, config.norm_groups, skip_kernel=1)
        self.res_3_1 = ResidualBlock(coarse, coarse, config.norm_groups)
        self._add_transformer(coarse, config.grid, config.encoder_blocks)
        self.res_out = ResidualBlock(coarse, coarse, config.norm_groups)
        self.out_conv = output_head(coarse, config.latent_channels, config.norm_groups)

    def forward(self, tree: Tensor) -> Tensor:
        h = self.res_1_1(self.res_1(self.in_conv(tree)))
        h = self.res_2_1(self.res_2(_pool(h)))  # 46 → 23
        h = self.res_3_1(self.res_3(_pool(h)))  # 23 → 12
        return self.out_conv(self.res_out(self._transform(h)))


class Decoder(_Transformer):
    """Quantised latent (B, 4, 12, 12, 12) → tree (B, 64, 46, 46, 46)."""

    def __init__(self, config: AutoencoderConfig):
        super().__init__()
        fine, middle, coarse = config.widths
        self.in_conv = convolution(config.latent_channels, coarse)
        self.res_in = ResidualBlock(coarse, coarse, config.norm_groups)
        self._add_transformer(coarse, config.grid, config.decoder_blocks)
        self.res_1 = ResidualBlock(coarse, coarse, config.norm_groups)
        self.res_1_1 = ResidualBlock(coarse, coarse, config.norm_groups)
        self.res_2 = ResidualBlock(coarse, middle, config.norm_groups, skip_kernel=1)
        self.res_2_1 = ResidualBlock(middle, middle, config.norm_groups)
        self.res_3 = ResidualBlock(middle, fine, config.norm_groups, skip_kernel=1)
        self.res_3_1 = ResidualBlock(fine, fine, config.norm_groups)
        self.out_conv = output_head(fine, config.tree_channels, config.norm_groups)

    def forward(self, quantized: Tensor) -> Tensor:
        h = self._transform(self.res_in(self.in_conv(quantized)))
        h = _upsample(self.res_1_1(self.res_1(h)))[:, :, :-1, :-1, :-1]  # 12 → 24 → 23
        h = _upsample(self.res_2_1(self.res_2(h)))  # 23 → 46
        return self.out_conv(self.res_3_1(self.res_3(h)))


class Autoencoder(nn.Module):
    """Encoder, quantiser and decoder. The generator works on what ``encode`` gives: latents before quantisation."""

    def __init__(self, config: AutoencoderConfig = AutoencoderConfig()):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quantize = VectorQuantizer(config.codebook_size, config.latent_channels, config.beta, config.l2_norm)

    def encode(self, tree: Tensor) -> Tensor:
        """Tree (B, 64, 46, 46, 46) → latent (B, 4, 12, 12, 12), before quantisation."""
        return self.encoder(tree)

    def decode(self, latent: Tensor) -> Tensor:
        """Latent before quantisation (B, 4, 12, 12, 12) → tree (B, 64, 46, 46, 46)."""
        return self.decoder(self.quantize(latent).latent if self.config.quantized else latent)

    def decode_quantized(self, quantized: Tensor) -> Tensor:
        """Any latent (B, 4, 12, 12, 12), taken as it is → tree (B, 64, 46, 46, 46)."""
        return self.decoder(quantized)

    def forward(self, tree: Tensor) -> Reconstruction:
        """Tree (B, 64, 46, 46, 46) → its reconstruction, with what a training loss needs."""
        latent = self.encode(tree)
        quantized = self.quantize(latent)
        return Reconstruction(self.decoder(quantized.latent if self.config.quantized else latent), latent, quantized)
