"""Denoising network (U-ViT) on latent grids.

Residual blocks at the latent's resolution around a transformer on patches. Published checkpoints are configurations of
UViTConfig with ``grid_channels`` 0; the starter adds grid features as a second input.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .configs import UViTConfig
from .layers import (
    KeysAndValues,
    ResidualBlock,
    TimeEmbedder,
    TokenSummary,
    TransformerBlock,
    convolution,
    normal_parameter,
    output_head,
    repeated_rows,
)

if TYPE_CHECKING:
    from .condition import Condition


def patchify(grid: Tensor, patch: int) -> Tensor:
    """(B, C, G, G, G) → (B, (G/patch)³, patch³·C): tokens x-major, inside a token (x, y, z, channel)."""
    B, C, D, H, W = grid.shape
    p = patch
    split = grid.reshape(B, C, D // p, p, H // p, p, W // p, p)
    return split.permute(0, 2, 4, 6, 3, 5, 7, 1).reshape(B, (D // p) * (H // p) * (W // p), p**3 * C)


def unpatchify(tokens: Tensor, patch: int, size: int) -> Tensor:
    """The inverse of patchify, for a grid of ``size``³."""
    B, p, s = len(tokens), patch, size // patch
    split = tokens.reshape(B, s, s, s, p, p, p, -1)
    return split.permute(0, 7, 1, 4, 2, 5, 3, 6).reshape(B, -1, size, size, size)


@dataclass(frozen=True)
class ProjectedCondition:
    """The network's projections of a condition of R rows, the same at every denoising step: ``time`` (R, width), added
    to the transformer's time embedding, ``residual`` (R, res_context) for the residual blocks, ``keys_and_values`` of
    every block's cross-attention, ``grid`` (R, channels, 12, 12, 12), added in place; None where the configuration has
    none."""

    time: Tensor | None
    residual: Tensor | None
    keys_and_values: tuple[KeysAndValues, ...] | None
    grid: Tensor | None


class UViT(nn.Module):
    """Predicts x₀ or the noise (as the schedule defines) from a noisy latent, its timestep and a condition."""

    def __init__(self, config: UViTConfig):
        super().__init__()
        self.config = config
        c, w = config.channels, config.width
        patch_width = c * config.patch**3
        residual = dict(norm_groups=config.norm_groups, time_width=w, context_width=config.res_context)

        self.t_embedder = TimeEmbedder(w)
        if config.context_width is not None:
            self.context_mlp = nn.Sequential(nn.Linear(config.context_width, w), nn.SiLU(), nn.Linear(w, w))
        self.global_proj = TokenSummary(config.context_width, w, w) if config.context_to_time else None
        self.res_cond_proj_layer = (
            TokenSummary(config.context_width, w, config.res_context) if config.res_context else None
        )

        self.conv_in = convolution(config.latent_channels, c)
        self.grid_in = convolution(config.grid_channels, c, 1) if config.grid_channels else None
        self.input_blocks = nn.ModuleList(ResidualBlock(c, c, **residual) for _ in range(config.res_blocks))
        # index 0 is the published rearrangement of the grid
        self.to_patch_att_embedding_input = nn.Sequential(
            nn.Identity(), nn.LayerNorm(patch_width), nn.Linear(patch_width, w)
        )
        self.pos_emb = normal_parameter((1, (config.grid // config.patch) ** 3, w))
        self.register_emb = normal_parameter((1, config.registers, w)) if config.registers else None
        self.blocks = nn.ModuleList(
            TransformerBlock(w, config.heads, cross=config.context_width is not None) for _ in range(config.blocks)
        )
        self.to_patch_att_embedding_output = nn.Sequential(nn.LayerNorm(w), nn.Linear(w, patch_width))
        self.output_blocks = nn.ModuleList(
            ResidualBlock(c, c, skip=True, learnable_skip=config.learnable_skip, **residual)
            for _ in range(config.res_blocks)
        )
        self.out = output_head(c, config.latent_channels, config.norm_groups)
        self._start_neutral()

    def _start_neutral(self) -> None:
        """Initialisation: zero modulation, zero grid input, zero prediction, the best start for training."""
        layers = [block.adaLN_modulation[1] for block in self.blocks] + [self.out[2]]
        if self.grid_in is not None:
            layers.append(self.grid_in)
        scales = [
            block.linear_res_emb
            for block in (*self.input_blocks, *self.output_blocks)
            if block.linear_res_emb is not None
        ]
        for layer in layers + scales:
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, 1.0 if layer in scales else 0.0)

    def _transform(self, h: Tensor, time: Tensor, contexts: tuple[KeysAndValues | None, ...]) -> Tensor:
        tokens = self.to_patch_att_embedding_input(patchify(h, self.config.patch)) + self.pos_emb
        N = tokens.shape[1]
        if self.register_emb is not None:
            tokens = torch.cat([tokens, self.register_emb.expand(len(tokens), -1, -1)], dim=1)
        for block, context in zip(self.blocks, contexts, strict=True):
            tokens = block(tokens, time, context)
        return unpatchify(self.to_patch_att_embedding_output(tokens[:, :N]), self.config.patch, self.config.grid)

    def projected(self, context: Tensor | None = None, grid: Tensor | None = None) -> ProjectedCondition:
        """What every denoising step makes of context (R, N, context_width) and grid (R, grid_channels, 12, 12, 12), so
        that a generation does it once. Raises ValueError where one is missing, or not of the configuration."""
        if (context is None) != (self.config.context_width is None):
            state = "missing" if context is None else "given"
            raise ValueError(f"context is {state}, the model's context width is {self.config.context_width}")
        if (grid is None) != (self.grid_in is None):
            raise ValueError(
                f"grid is {'missing' if grid is None else 'given'}, the model takes {self.config.grid_channels} grid channels"
            )
        time = residual = keys_and_values = None
        if context is not None:
            time = None if self.global_proj is None else self.global_proj(context)
            residual = None if self.res_cond_proj_layer is None else self.res_cond_proj_layer(context)
            context = self.context_mlp(context)
            keys_and_values = tuple(block.cross_attn.keys_and_values(context) for block in self.blocks)
        return ProjectedCondition(time, residual, keys_and_values, None if grid is None else self.grid_in(grid))

    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None, grid: Tensor | None = None) -> Tensor:
        """x (B, 4, 12, 12, 12), t (B,) 0 … 999, context (R, N, context_width), grid (R, grid_channels, 12, 12, 12), R a
        divisor of B → like x."""
        return self.denoise(x, t, self.projected(context, grid))

    def denoise(self, x: Tensor, t: Tensor, condition: "Condition | ProjectedCondition") -> Tensor:
        """forward with a Condition, or with what ``projected`` made of one: what samplers and guidance call."""
        if not isinstance(condition, ProjectedCondition):
            condition = self.projected(condition.tokens, condition.grid)
        residual_time = time = self.t_embedder(t)
        if condition.time is not None:
            time = time + repeated_rows(condition.time, len(x))
        residual = None if condition.residual is None else repeated_rows(condition.residual, len(x))
        h = self.conv_in(x)
        if condition.grid is not None:
            h = h + repeated_rows(condition.grid, len(x))
        kept = []
        for block in self.input_blocks:
            h = block(h, residual_time, context=residual)
            kept.append(h)
        h = self._transform(h, time, condition.keys_and_values or (None,) * len(self.blocks))
        for block in self.output_blocks:
            h = block(h, residual_time, kept.pop(), residual)
        return self.out(h)
