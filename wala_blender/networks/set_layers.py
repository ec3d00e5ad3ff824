"""Layers of networks on sets of vectors: attention and gated feed-forward block, both with pre-norm, and point
embedding.

Sets are unordered: nothing here depends on the order of a set's rows. Attribute names spell published keys.
Letters: B batch, N and M vectors of two sets, E and W widths.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import HEAD_WIDTH

FREQUENCIES = 8
EMBEDDED = 3 * (2 * FREQUENCIES + 1)
LATENT_EPSILON = 1e-6


def standardized(latents: Tensor) -> Tensor:
    """Every vector (…, C) with mean 0 and variance 1 over its channels."""
    return F.layer_norm(latents, latents.shape[-1:], eps=LATENT_EPSILON)


def frequency_basis() -> Tensor:
    """(3, 24) float32: axis by axis the frequencies 2^k·π, k = 0 … 7, of that axis alone."""
    return torch.kron(torch.eye(3), math.pi * 2.0 ** torch.arange(FREQUENCIES))


class CrossAttention(nn.Module):
    """Multi-head attention of tokens (B, N, E) to a context (B, M, context_width)."""

    def __init__(self, width: int, context_width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        parts = (self.to_q(x), self.to_k(context), self.to_v(context))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        return self.to_out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class GatedLinear(nn.Module):
    """Linear to twice the width; the first half is weighted by the GELU (exact) of the second."""

    def __init__(self, width: int, out_width: int):
        super().__init__()
        self.proj = nn.Linear(width, 2 * out_width)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class GatedFeedForward(nn.Module):
    """Gated linear layer to four times the width, and back."""

    def __init__(self, width: int):
        super().__init__()
        self.net = nn.Sequential(GatedLinear(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class PointEmbedding(nn.Module):
    """Points (B, N, 3) in −1 … 1 → (B, N, W): sines and cosines of the coordinates at eight frequencies, the
    coordinates, a linear layer."""

    def __init__(self, width: int):
        super().__init__()
        self.mlp = nn.Linear(EMBEDDED, width)

    def forward(self, points: Tensor) -> Tensor:
        frequencies = math.pi * 2.0 ** torch.arange(FREQUENCIES, device=points.device, dtype=points.dtype)
        angles = (points[..., None] * frequencies).flatten(-2)
        return self.mlp(torch.cat([angles.sin(), angles.cos(), points], dim=-1))


class NormedAttention(nn.Module):
    """LayerNorm, then attention of a set to itself, or with ``cross`` to another set that has a LayerNorm of its
    own."""

    def __init__(self, width: int, cross: bool = False):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.norm_context = nn.LayerNorm(width) if cross else None
        self.fn = CrossAttention(width, width, width // HEAD_WIDTH)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """x (B, N, W) and, with ``cross``, context (B, M, W) → (B, N, W), without the residual."""
        x = self.norm(x)
        return self.fn(x, x if self.norm_context is None else self.norm_context(context))


class NormedFeedForward(nn.Module):
    """LayerNorm, then a gated feed-forward block of four times the width."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = GatedFeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(self.norm(x))


class AttentionLayer(nn.ModuleList):
    """Attention, then a feed-forward block, each added to its input; the attention is to another set with ``cross``."""

    def __init__(self, width: int, cross: bool = False):
        super().__init__([NormedAttention(width, cross), NormedFeedForward(width)])

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """x (B, N, W) and, with ``cross``, context (B, M, W) → (B, N, W)."""
        attention, feed_forward = self
        x = x + attention(x, context)
        return x + feed_forward(x)
