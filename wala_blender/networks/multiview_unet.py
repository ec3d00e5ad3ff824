"""MVDream's UNet: Stable Diffusion 2.1's, with a camera embedding added to the time embedding, and self-attention
across the views of an object.

Attribute names are the published keys.

Letters: B images (object by object, an object's V views in a row), C channels, H, W rows and columns, N tokens, E token
width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .layers import Upsample, sinusoids
from .set_layers import CrossAttention, GatedFeedForward

CAMERA = 16  # numbers of a camera's matrix


@dataclass(frozen=True)
class MultiViewUNetConfig:
    """``channels``: of the finest level, ``multipliers`` times that on each coarser one. ``attention``: the factors, of
    1, 2, 4, …, by which a level that has attention is smaller than the input. Raises ValueError unless 32 and
    ``head_width`` divide ``channels``."""

    channels: int = 320
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    res_blocks: int = 2
    attention: tuple[int, ...] = (4, 2, 1)
    head_width: int = 64
    context_width: int = 1024
    latent_channels: int = 4

    def __post_init__(self):
        if self.head_width < 1 or self.channels % 32 or self.channels % self.head_width:
            raise ValueError(
                f"{self.channels} channels are not a multiple of 32 and of the head width {self.head_width}"
            )


@dataclass(frozen=True)
class BlockInputs:
    """What every block sees beside the features: ``time`` (B, 4·channels), ``context`` (B, N, context_width), ``views``
    of an object."""

    time: Tensor
    context: Tensor
    views: int


class ResBlock(nn.Module):
    """Norm, SiLU, convolution, twice, the time added in between, plus the input (through ``skip_connection`` where the
    width changes)."""

    def __init__(self, in_channels: int, out_channels: int, time_width: int):
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(32, in_channels), nn.SiLU(), nn.Conv2d(in_channels, out_channels, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time_width, out_channels))
        # index 2 is where the published block keeps its dropout
        self.out_layers = nn.Sequential(
            nn.GroupNorm(32, out_channels),
            nn.SiLU(),
            nn.Identity(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )
        self.skip_connection = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor, block_inputs: BlockInputs) -> Tensor:
        h = self.in_layers(x) + self.emb_layers(block_inputs.time)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class TransformerBlock(nn.Module):
    """Pre-norm: attention over all views of an object at once, attention to the context, feed-forward."""

    def __init__(self, width: int, context_width: int, heads: int):
        super().__init__()
        self.attn1 = CrossAttention(width, width, heads)
        self.ff = GatedFeedForward(width)
        self.attn2 = CrossAttention(width, context_width, heads)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor, block_inputs: BlockInputs) -> Tensor:
        B, N, E = x.shape
        together = self.norm1(x).reshape(B // block_inputs.views, block_inputs.views * N, E)
        x = x + self.attn1(together, together).reshape(B, N, E)
        x = x + self.attn2(self.norm2(x), block_inputs.context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer block on an image's pixels as tokens, row by row, plus the image."""

    def __init__(self, channels: int, context_width: int, heads: int):
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, context_width, heads)])
        self.proj_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, block_inputs: BlockInputs) -> Tensor:
        tokens = self.proj_in(self.norm(x).flatten(2).transpose(1, 2))
        for block in self.transformer_blocks:
            tokens = block(tokens, block_inputs)
        return x + self.proj_out(tokens).transpose(1, 2).reshape(x.shape)


class Downsample(nn.Module):
    """Half the size."""

    def __init__(self, channels: int):
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Stage(nn.ModuleList):
    """Layers in sequence, each with the inputs that its type takes."""

    def forward(self, x: Tensor, block_inputs: BlockInputs) -> Tensor:
        for layer in self:
            x = layer(x, block_inputs) if isinstance(layer, (ResBlock, SpatialTransformer)) else layer(x)
        return x


class MultiViewUNet(nn.Module):
    """Predicts the noise in the latents of an object's views."""

    def __init__(self, config: MultiViewUNetConfig):
        super().__init__()
        self.config = config
        c, time_width = config.channels, 4 * config.channels
        self.time_embed = nn.Sequential(nn.Linear(c, time_width), nn.SiLU(), nn.Linear(time_width, time_width))
        self.camera_embed = nn.Sequential(nn.Linear(CAMERA, time_width), nn.SiLU(), nn.Linear(time_width, time_width))
        self.input_blocks = nn.ModuleList([Stage([nn.Conv2d(config.latent_channels, c, 3, padding=1)])])
        kept, width = [c], c
        last = len(config.multipliers) - 1
        for level, multiplier in enumerate(config.multipliers):
            for _ in range(config.res_blocks):
                self.input_blocks.append(self._stage(level, width, multiplier * c))
                width = multiplier * c
                kept.append(width)
            if level < last:
                self.input_blocks.append(Stage([Downsample(width)]))
                kept.append(width)
        self.middle_block = Stage(
            [ResBlock(width, width, time_width), self._transformer(width), ResBlock(width, width, time_width)]
        )
        self.output_blocks = nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(config.multipliers))):
            for i in range(config.res_blocks + 1):
                self.output_blocks.append(self._stage(level, width + kept.pop(), multiplier * c))
                width = multiplier * c
                if level > 0 and i == config.res_blocks:
                    self.output_blocks[-1].append(Upsample(width))
        self.out = nn.Sequential(nn.GroupNorm(32, c), nn.SiLU(), nn.Conv2d(c, config.latent_channels, 3, padding=1))

    def _stage(self, level: int, in_channels: int, out_channels: int) -> Stage:
        layers: list[nn.Module] = [ResBlock(in_channels, out_channels, 4 * self.config.channels)]
        if 2**level in self.config.attention:
            layers.append(self._transformer(out_channels))
        return Stage(layers)

    def _transformer(self, channels: int) -> SpatialTransformer:
        return SpatialTransformer(channels, self.config.context_width, channels // self.config.head_width)

    def forward(self, x: Tensor, t: Tensor, context: Tensor, cameras: Tensor) -> Tensor:
        """x (B, latent_channels, H, W), t (B,) 0 … 999, context (B, N, context_width), cameras (V, 16) row-major
        matrices → noise like x.

        B is a multiple of V: the views of one object after the other.
        """
        V = len(cameras)
        if len(x) % V:
            raise ValueError(f"there are {len(x)} images, expected a multiple of {V} views")
        dtype = self.time_embed[0].weight.dtype
        time = self.time_embed(sinusoids(t, self.config.channels).to(dtype))
        time = time + self.camera_embed(cameras.to(dtype)).repeat(len(x) // V, 1)
        block_inputs = BlockInputs(time, context.to(dtype), V)
        h, kept = x.to(dtype), []
        for stage in self.input_blocks:
            h = stage(h, block_inputs)
            kept.append(h)
        h = self.middle_block(h, block_inputs)
        for stage in self.output_blocks:
            h = stage(torch.cat([h, kept.pop()], dim=1), block_inputs)
        return self.out(h).to(x.dtype)
