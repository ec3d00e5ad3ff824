"""LaGeM's hierarchical autoencoder (arXiv 2410.01295): surface points → three sets of latent vectors → occupancy logits
anywhere.

Attribute names spell the published keys; CHECKPOINT_LAYOUT has the differences. The latents, the levels' points and the
decoded sets are listed from the coarsest level to the finest; ``networks``, as published, from the finest.

Letters: B batch, N points of the cloud, M vectors of a level, C channels of a level's latent, W width, Q query points.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..geometry.point_sets import farthest_points
from .configs import LevelAutoencoderConfig
from .key_mapping import Rename
from .set_layers import AttentionLayer, NormedAttention, PointEmbedding, standardized

CHECKPOINT_LAYOUT = (
    Rename(r"(.*\.fn)\.to_kv\.weight", (r"\1.to_k.weight", r"\1.to_v.weight")),
    Rename(r"(.*\.fn\.to_out)\.(weight|bias)", (r"\1.0.\2",)),
    Rename(r"(.*\.fn\.net\.0)\.(weight|bias)", (r"\1.proj.\2",)),
    Rename(r"point_embed\.basis"),  # computed
)


class Level(nn.Module):
    """One level: from the next finer set to its own, into the latent and back, and the layers that then decode it."""

    def __init__(self, width: int, channels: int, layers: int):
        super().__init__()
        self.cross_attend_blocks = AttentionLayer(width, cross=True)
        self.pre_bottleneck_proj = nn.Linear(width, channels)
        self.gamma, self.beta = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.post_bottleneck_proj = nn.Linear(channels, width)
        self.layers = nn.Sequential(*[AttentionLayer(width) for _ in range(layers)])

    def to_latent(self, features: Tensor) -> Tensor:
        """(B, M, W) → (B, M, C), every vector standardised."""
        return standardized(self.pre_bottleneck_proj(features))

    def from_latent(self, latent: Tensor) -> Tensor:
        """(B, M, C) → (B, M, W)."""
        return self.post_bottleneck_proj(latent * self.gamma + self.beta)


class LevelAutoencoder(nn.Module):
    """``encode`` a cloud into latents, ``decode`` these into sets, ``query`` the sets at points."""

    published_layout = CHECKPOINT_LAYOUT

    def __init__(self, config: LevelAutoencoderConfig = LevelAutoencoderConfig()):
        super().__init__()
        self.config = config
        width = config.width
        self.point_embed = PointEmbedding(width)
        self.networks = nn.ModuleList(Level(width, channels, config.layers) for channels in reversed(config.channels))
        self.upsample_blocks = nn.ModuleList(AttentionLayer(width, cross=True) for _ in config.counts[1:])
        self.decoder_cross_attn = nn.ModuleList(NormedAttention(width, cross=True) for _ in config.counts)
        self.to_outputs = nn.Linear(len(config.counts) * width, 1)

    def subsample(self, points: Tensor) -> list[Tensor]:
        """The levels' points (B, M, 3), the coarsest first: farthest points, each level of the next finer one's."""
        levels: list[Tensor] = []
        for count in reversed(self.config.counts):
            chosen = farthest_points(points, count)
            points = points.gather(1, chosen[..., None].expand(-1, -1, 3))
            levels.insert(0, points)
        return levels

    def encode(self, points: Tensor, levels: Sequence[Tensor] | None = None) -> list[Tensor]:
        """Cloud (B, N, 3) in the unit sphere → latents (B, M, C), the coarsest first. ``levels``: their points, where
        not ``subsample``'s."""
        levels = self.subsample(points) if levels is None else levels
        context = self.point_embed(points)
        latents: list[Tensor] = []
        for network, own in zip(self.networks, reversed(levels)):
            context = network.cross_attend_blocks(self.point_embed(own), context)
            latents.insert(0, network.to_latent(context))
        return latents

    def decode(self, latents: Sequence[Tensor]) -> list[Tensor]:
        """Latents, the coarsest first → sets (B, M, W) that ``query`` reads, in the same order."""
        sets: list[Tensor] = []
        for i, (network, latent) in enumerate(zip(reversed(self.networks), latents)):
            x = network.from_latent(latent)
            if sets:
                x = x + self.upsample_blocks[i - 1](x, sets[-1])
            sets.append(network.layers(x))
        return sets

    def query(self, points: Tensor, sets: Sequence[Tensor]) -> Tensor:
        """Logits of occupancy (B, Q), positive inside, at points (B, Q, 3)."""
        embedded = self.point_embed(points)
        read = [attention(embedded, own) for attention, own in zip(self.decoder_cross_attn, sets)]
        return self.to_outputs(torch.cat(read, dim=-1))[..., 0]
