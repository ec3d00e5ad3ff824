"""Building blocks of all networks, each defined once.

Attribute names are part of the checkpoint format: they are the published keys (`in_norm`, `out_layers.3`, `attn.qkv`,
…).

Letters: B batch, C channels, D/H/W grid (x, y, z), N tokens, E token width, T heads. Normalisations compute their
statistics in float32 whatever the input's type (as torch does on CPU and GPU, also under autocast).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KeysAndValues = tuple[Tensor, Tensor]


def repeated_rows(rows: Tensor, count: int) -> Tensor:
    """Rows (R, …), R a divisor of ``count``, as (count, …): each stands for count / R in a row. One row is not
    copied."""
    R = len(rows)
    return (
        rows
        if count == R
        else rows.expand(count, *rows.shape[1:])
        if R == 1
        else rows.repeat_interleave(count // R, dim=0)
    )


def silu(x: Tensor) -> Tensor:
    """x · sigmoid(x); overwrites x where no gradient can need it, so the caller must own x."""
    return F.silu(x, inplace=not torch.is_grad_enabled())


def normal_parameter(shape: tuple[int, ...]) -> nn.Parameter:
    """Learned parameter, such as position embeddings, with normal initialisation of standard deviation 0.02."""
    return nn.Parameter(nn.init.normal_(torch.empty(shape), std=0.02))


# One row of a grid less, and torch computes 3-D convolutions of one sample without oneDNN (use_mkldnn in its
# Convolution.cpp): two to five times as slowly at 12³.
_ROWS_FOR_ONEDNN = 20_480
_HAS_ONEDNN = torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability().startswith("AVX")


class GridConvolution(nn.Conv3d):
    """A 3-D convolution that also uses oneDNN for one small grid in float32 on the CPU. Keys as nn.Conv3d's, and but
    for rounding results too."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, D, H, W) → (B, out_channels, D, H, W)."""
        if (
            self.weight.dtype == torch.bfloat16
            and x.dtype == torch.float32
            and not torch.is_autocast_enabled(x.device.type)
        ):
            return super().forward(x.bfloat16()).float()
        if not self._is_overlooked(x):
            return super().forward(x)
        return torch.ops.aten.mkldnn_convolution(
            x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
        )

    def _is_overlooked(self, x: Tensor) -> bool:
        """Whether torch would not use oneDNN although it is there, and faster. Never for a subclass such as a fake
        tensor, which has no numbers."""
        return (
            _HAS_ONEDNN
            and type(x) is Tensor
            and x.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and self.kernel_size[0] > 1
            and len(x) == 1
            and x.numel() <= _ROWS_FOR_ONEDNN * x.shape[-1]
            and not torch.is_autocast_enabled("cpu")
        )


def convolution(in_channels: int, out_channels: int, kernel: int = 3) -> nn.Conv3d:
    """A 3-D convolution that keeps the grid's size; ``kernel`` is odd."""
    return GridConvolution(in_channels, out_channels, kernel, padding=kernel // 2)


def output_head(in_channels: int, out_channels: int, norm_groups: int) -> nn.Sequential:
    """GroupNorm, SiLU, 3³ convolution: the last layers of every grid network."""
    return nn.Sequential(nn.GroupNorm(norm_groups, in_channels), nn.SiLU(), convolution(in_channels, out_channels))


def grid_to_tokens(grid: Tensor) -> Tensor:
    """(B, C, D, H, W) → (B, D·H·W, C), x-major."""
    return grid.flatten(2).transpose(1, 2)


def tokens_to_grid(tokens: Tensor, size: int) -> Tensor:
    """(B, size³, C), x-major → (B, C, size, size, size)."""
    B, _, C = tokens.shape
    return tokens.transpose(1, 2).reshape(B, C, size, size, size)


class ResidualBlock(nn.Module):
    """Norm, SiLU, convolution, twice, plus the identity (or ``skip_connection`` where the width changes).

    ``time_width``: the second norm is modulated by a time embedding (B, time_width). ``skip``: takes a kept grid of the
    same shape; it joins after ``in_norm``, before SiLU and ``in_conv``. ``learnable_skip`` r gates it per channel
    through a bottleneck of width in_channels / r instead of averaging. ``context_width``: (B, context_width) scales the
    second norm's output per channel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm_groups: int = 32,
        skip_kernel: int = 3,
        time_width: int | None = None,
        skip: bool = False,
        learnable_skip: int | None = None,
        context_width: int | None = None,
    ):
        super().__init__()
        self.in_norm = nn.GroupNorm(norm_groups, in_channels)
        self.in_conv = convolution(in_channels, out_channels)
        # indices 0 and 3 are the published ones; 2 is where the published block keeps its dropout
        self.out_layers = nn.Sequential(
            nn.GroupNorm(norm_groups, out_channels), nn.SiLU(), nn.Identity(), convolution(out_channels, out_channels)
        )
        self.skip_connection = (
            convolution(in_channels, out_channels, skip_kernel) if in_channels != out_channels else None
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time_width, 2 * out_channels)) if time_width else None
        self.linear_res_emb = nn.Linear(context_width, out_channels) if context_width else None
        self.skip_norm = nn.GroupNorm(norm_groups, in_channels) if skip else None
        self.skip_learn_f = None
        if skip and learnable_skip:
            bottleneck = in_channels // learnable_skip
            self.skip_learn_f = nn.Sequential(
                nn.Linear(in_channels, bottleneck), nn.ReLU(), nn.Linear(bottleneck, in_channels), nn.Sigmoid()
            )

    def _join(self, h: Tensor, skip: Tensor) -> Tensor:
        s = self.skip_norm(skip)
        if self.skip_learn_f is None:
            return (h + s) * math.sqrt(0.5)
        gate = self.skip_learn_f(s.mean(dim=(2, 3, 4)))
        return h + gate[:, :, None, None, None] * s

    def _modulate(self, h: Tensor, time: Tensor | None, context: Tensor | None) -> Tensor:
        if self.emb_layers is not None:
            scale, shift = self.emb_layers(time)[:, :, None, None, None].chunk(2, dim=1)
            h = torch.addcmul(shift, h, 1 + scale)
        if self.linear_res_emb is not None:
            h = h * self.linear_res_emb(context)[:, :, None, None, None]
        return h

    def forward(
        self, x: Tensor, time: Tensor | None = None, skip: Tensor | None = None, context: Tensor | None = None
    ) -> Tensor:
        """(B, in_channels, D, H, W) → (B, out_channels, D, H, W)."""
        norm, _, _, out_conv = self.out_layers
        h = self.in_norm(x)
        if self.skip_norm is not None:
            h = self._join(h, skip)
        h = self.in_conv(silu(h))
        h = out_conv(silu(self._modulate(norm(h), time, context)))
        return h + (x if self.skip_connection is None else self.skip_connection(x))


def set_branch_precision(network: nn.Module, precision: torch.dtype) -> None:
    """The convolutions of the network's residual branches compute in a precision. What the branches are added to stays
    in float32: in bfloat16, it would lose a digit at every sum."""
    for block in network.modules():
        if isinstance(block, ResidualBlock):
            for layer in (block.in_conv, block.out_layers[3]):
                layer.to(precision)


class Upsample(nn.Module):
    """Pictures (B, C, H, W) of twice the size: every pixel four times, then a 3 × 3 convolution."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class GridAttention(nn.Module):
    """The autoencoder's self-attention: SiLU before every linear layer, q and k normalised over the whole inner
    width."""

    def __init__(self, width: int, heads: int = 4, head_width: int = 64):
        super().__init__()
        inner = heads * head_width
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.to_q = nn.Sequential(nn.SiLU(), nn.Linear(width, inner))
        self.to_k = nn.Sequential(nn.SiLU(), nn.Linear(width, inner))
        self.to_v = nn.Sequential(nn.SiLU(), nn.Linear(width, inner))
        self.norm_q = nn.LayerNorm(inner)
        self.norm_k = nn.LayerNorm(inner)
        self.to_out = nn.Sequential(nn.SiLU(), nn.Linear(inner, width))

    def forward(self, x: Tensor) -> Tensor:
        B, N, _ = x.shape
        x = self.norm(x)
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.norm_q(self.to_q(x)), self.norm_k(self.to_k(x)), self.to_v(x))
        )
        inner = self.norm_q.normalized_shape[0]
        h = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, scale=inner**-0.5)
        return self.to_out(h.transpose(1, 2).reshape(B, N, inner))


class GridFeedForward(nn.Module):
    """LayerNorm, ×4, SiLU, back."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dense1 = nn.Linear(width, 4 * width)
        self.out = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(silu(self.dense1(self.norm(x))))


class GridTransformerBlock(nn.Module):
    """The autoencoder's transformer block: feed-forward first, then attention."""

    def __init__(self, width: int):
        super().__init__()
        self.mlp = GridFeedForward(width)
        self.att = GridAttention(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) → the same shape."""
        x = x + self.mlp(x)
        return x + self.att(x)


class Attention(nn.Module):
    """Multi-head attention with a LayerNorm of q and k per head.

    Self-attention (`qkv`) or, with ``cross``, attention to a context (`q`, `kv`).
    """

    def __init__(self, width: int, heads: int, cross: bool = False, bias: bool = True):
        super().__init__()
        self.heads = heads
        if cross:
            self.q = nn.Linear(width, width, bias=bias)
            self.kv = nn.Linear(width, 2 * width, bias=bias)
        else:
            self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.cross = cross
        self.q_norm = nn.LayerNorm(width // heads)
        self.k_norm = nn.LayerNorm(width // heads)
        self.proj = nn.Linear(width, width)

    def keys_and_values(self, context: Tensor) -> KeysAndValues:
        """What cross-attention makes of a context (R, M, E): the normalised keys and the values, (R, heads, M, E /
        heads) each."""
        k, v = (self._per_head(part) for part in self.kv(context).chunk(2, dim=-1))
        return self.k_norm(k).to(v.dtype), v

    def forward(self, x: Tensor, context: Tensor | KeysAndValues | None = None) -> Tensor:
        """x (B, N, E) and, for cross-attention, context (R, M, E) or what ``keys_and_values`` made of one, R a divisor
        of B → (B, N, E)."""
        if self.cross:
            k, v = context if isinstance(context, tuple) else self.keys_and_values(context)
            q = self._per_head(self.q(x))
            k, v = repeated_rows(k, len(x)), repeated_rows(v, len(x))
        else:
            q, k, v = (self._per_head(part) for part in self.qkv(x).chunk(3, dim=-1))
            k = self.k_norm(k).to(v.dtype)
        h = F.scaled_dot_product_attention(self.q_norm(q).to(v.dtype), k, v)
        return self.proj(h.transpose(1, 2).flatten(2))

    def _per_head(self, tokens: Tensor) -> Tensor:
        """(B, N, E) → (B, heads, N, E / heads)."""
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Linear, GELU (tanh form), Linear; hidden width 4 × ``width``."""

    def __init__(self, width: int, out_width: int | None = None):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, out_width or width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class TransformerBlock(nn.Module):
    """Pre-norm transformer block on tokens. ``modulated``: adaLN-Zero by a time embedding. ``cross``: attends to a
    context in between."""

    def __init__(self, width: int, heads: int, modulated: bool = True, cross: bool = False, bias: bool = True):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.attn = Attention(width, heads, bias=bias)
        self.mlp = FeedForward(width)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width)) if modulated else None
        self.cross_attn = Attention(width, heads, cross=True) if cross else None

    def forward(self, x: Tensor, time: Tensor | None = None, context: Tensor | KeysAndValues | None = None) -> Tensor:
        """x (B, N, E), time (B, E) where modulated, context where cross (see Attention) → (B, N, E)."""
        if self.adaLN_modulation is None:
            x = x + self.attn(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(time)[:, None].chunk(6, dim=-1)
        x = x + gate1 * self.attn(torch.addcmul(shift1, self.norm1(x), 1 + scale1))
        if self.cross_attn is not None:
            x = x + self.cross_attn(x, context)
        return x + gate2 * self.mlp(torch.addcmul(shift2, self.norm2(x), 1 + scale2))


class TokenSummary(nn.Module):
    """Tokens → one vector: Linear, LayerNorm, SiLU twice per token, mean over tokens, then Linear, SiLU, Linear."""

    def __init__(self, token_width: int, hidden: int, out_width: int):
        super().__init__()
        self.proj_layer = nn.Sequential(
            nn.Linear(token_width, hidden),
            nn.LayerNorm(hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.LayerNorm(hidden),
            nn.SiLU(),
        )
        self.mlp = nn.Sequential(nn.Linear(hidden, out_width), nn.SiLU(), nn.Linear(out_width, out_width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, token_width) → (B, out_width)."""
        return self.mlp(self.proj_layer(tokens).mean(dim=1))


def sinusoids(t: Tensor, width: int) -> Tensor:
    """t (B,), 0 … 999 → (B, width) float32: width/2 cosines, then as many sines, of frequencies
    10000^(−i/(width/2))."""
    half = width // 2
    frequencies = torch.exp(torch.arange(half, dtype=torch.float32, device=t.device) * (-math.log(10000) / half))
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimeEmbedder(nn.Module):
    """Timesteps → 256 sinusoids → Linear, SiLU, Linear."""

    def __init__(self, width: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t: Tensor) -> Tensor:
        """t (B,), 0 … 999 → (B, width)."""
        return self.mlp(sinusoids(t, 256).to(self.mlp[0].weight.dtype))
