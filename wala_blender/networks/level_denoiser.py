"""Transformer denoiser of a level's latent vectors, after the coarser levels' (LaGeM, section 3.3) and a category.

Its time embedding and blocks are those of the one-level predecessor (3DShape2VecSet), whose published keys
CHECKPOINT_LAYOUT renames; how the coarser levels are gathered was not published, and has the form of the autoencoder's
own upsampling. No output depends on the order of a set's rows.

Letters: B batch, M vectors of the level, C its channels, W width, T tokens of a condition.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .configs import HEAD_WIDTH, LevelDenoiserConfig
from .key_mapping import Rename
from .layers import sinusoids
from .set_layers import AttentionLayer, CrossAttention, GatedFeedForward

TIME_WIDTH = 256
CHECKPOINT_LAYOUT = (Rename(r"category_emb\.weight", ("categories.weight",)), Rename(r"model\.(.*)", (r"\1",)))


class TimedNorm(nn.Module):
    """LayerNorm scaled and shifted by the time embedding."""

    def __init__(self, width: int):
        super().__init__()
        self.linear = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.linear(time)[:, None].chunk(2, dim=-1)
        return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift


class DenoiserBlock(nn.Module):
    """Self-attention, attention to the condition (to itself again where there is none), and a feed-forward block, each
    after a timed norm."""

    def __init__(self, width: int):
        super().__init__()
        self.attn1 = CrossAttention(width, width, width // HEAD_WIDTH)
        self.attn2 = CrossAttention(width, width, width // HEAD_WIDTH)
        self.ff = GatedFeedForward(width)
        self.norm1, self.norm2, self.norm3 = TimedNorm(width), TimedNorm(width), TimedNorm(width)

    def forward(self, x: Tensor, time: Tensor, tokens: Tensor | None) -> Tensor:
        h = self.norm1(x, time)
        x = x + self.attn1(h, h)
        h = self.norm2(x, time)
        x = x + self.attn2(h, h if tokens is None else tokens)
        return x + self.ff(self.norm3(x, time))


class LevelDenoiser(nn.Module):
    """F of EDM's preconditioning (diffusion/edm.py) for one level; its output is zero before it is trained."""

    published_layout = CHECKPOINT_LAYOUT

    def __init__(self, config: LevelDenoiserConfig):
        super().__init__()
        self.config = config
        width = config.width
        self.proj_in = nn.Linear(config.channels, width, bias=False)
        self.coarser_in = nn.ModuleList(nn.Linear(channels, width) for channels in config.coarser)
        self.gather = nn.ModuleList(AttentionLayer(width, cross=True) for _ in config.coarser)
        self.map_layer0, self.map_layer1 = nn.Linear(TIME_WIDTH, width), nn.Linear(width, width)
        self.transformer_blocks = nn.ModuleList(DenoiserBlock(width) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(width)
        self.proj_out = nn.Linear(width, config.channels, bias=False)
        nn.init.zeros_(self.proj_out.weight)
        self.categories = nn.Embedding(config.categories, width) if config.categories else None

    def forward(
        self, x: Tensor, noise: Tensor, coarser: Sequence[Tensor] = (), category: Tensor | None = None
    ) -> Tensor:
        """x (B, M, C) of unit variance, noise (B,) = ln sigma / 4, the coarser levels' latents (B, M, C), category (B,)
        → like x."""
        h = self.proj_in(x)
        for project, gather, latent in zip(self.coarser_in, self.gather, coarser, strict=True):
            h = gather(h, project(latent))
        time = F.silu(self.map_layer1(F.silu(self.map_layer0(sinusoids(noise, TIME_WIDTH).to(h.dtype)))))
        tokens = None if self.categories is None else self.categories(category)[:, None]
        for block in self.transformer_blocks:
            h = block(h, time, tokens)
        return self.proj_out(self.norm(h))
