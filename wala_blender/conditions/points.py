"""Point cloud → tokens: the two published PointNets."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..geometry.distance import frame_of
from ..geometry.strays import far_points_note, near_points
from ..networks.layers import Attention, FeedForward, TransformerBlock, convolution, normal_parameter
from .evidence import Evidence
from .grid_features import fold, splat
from .shape_constraints import of_points
from .specs.points import PlacedPointsConfig, PointNetConfig
from .types import Prepared

POINTS = 2048  # what the starter reads
FEWEST = 16
OBSERVED = 16_384  # points at most that the shape is refined by and fitted to


class AttentionPooling(nn.Module):
    """Learned queries attend to the points; no residual to the queries. In the large net an MLP follows."""

    def __init__(self, config: PointNetConfig):
        super().__init__()
        self.I = normal_parameter((1, config.tokens, config.width))
        self.mab0 = Attention(config.width, config.heads, cross=True, bias=config.large)
        self.norm = nn.LayerNorm(config.width, eps=1e-6, elementwise_affine=False)
        self.mlp = FeedForward(config.width, config.out_width) if config.large else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) → (B, tokens, width, or out_width in the large net)."""
        pooled = self.mab0(self.I.expand(len(x), -1, -1), x)
        return pooled if self.mlp is None else self.mlp(self.norm(pooled))


class PointNet(nn.Module):
    """Four layers per point (3 → 64 → 256 → 1024 → width), attention pooling, then ``large`` or simple layers per
    token."""

    def __init__(self, config: PointNetConfig):
        super().__init__()
        self.config = config
        widths = (3, 64, 256, 1024, config.width)
        for i in range(1, 5):
            self.add_module(f"linear{i}", nn.Linear(widths[i - 1], widths[i]))
            self.add_module(f"ln{i}", nn.LayerNorm(widths[i]))
        self.pooling = AttentionPooling(config)
        w = config.out_width
        if config.large:
            self.t_blocks = nn.ModuleList(
                TransformerBlock(w, config.heads, modulated=False, bias=False) for _ in range(4)
            )
        else:
            self.linear_f1, self.ln_f1 = nn.Linear(config.width, w), nn.LayerNorm(w)
            self.linear_f2, self.ln_f2 = nn.Linear(w, w), nn.LayerNorm(w)
            self.linear_f3 = nn.Linear(w, w)

    def forward(self, points: Tensor) -> Tensor:
        """Points (B, N, 3) float32 in −0.9 … 0.9, any order → tokens (B, tokens, out_width)."""
        activation = F.silu if self.config.large else F.relu
        h = points
        for i in range(1, 5):
            h = activation(getattr(self, f"ln{i}")(getattr(self, f"linear{i}")(h)))
        h = self.pooling(h)
        if self.config.large:
            for block in self.t_blocks:
                h = block(h)
            return h
        h = F.relu(self.ln_f1(self.linear_f1(h)))
        h = F.relu(self.ln_f2(self.linear_f2(h)))
        return self.linear_f3(h)


def prepare(inputs: dict, count: int = POINTS) -> Prepared:
    """{"points": (N, 3)}, any scale, +Y up → points (1, count, 3) float32 in model space, in random order.

    A larger cloud is thinned out at random (always the same way), a smaller one repeats points; a few points far
    from all others are left out. Raises InputError below FEWEST points.
    """
    points = np.asarray(inputs["points"], dtype=np.float64)
    frame_of(points)  # raises for those that cannot be used
    if len(points) < FEWEST:
        raise InputError(
            f"there are {len(points)} points, expected at least {FEWEST}", "Give more points on the shape's surface."
        )
    near = near_points(points)
    note = "" if near.all() else far_points_note(int((~near).sum()), len(points))
    points = points[near]
    frame = frame_of(points)
    chosen = np.random.default_rng(0).permutation(len(points))
    cloud = torch.from_numpy(frame.to_model(points[chosen]).astype(np.float32))
    observed = cloud[:OBSERVED]
    return Prepared(
        (cloud[np.resize(np.arange(len(cloud)), count)][None],),
        frame,
        of_points(observed),
        note=note,
        evidence=lambda field: Evidence(points=observed),
        has_surface=True,
    )


class PlacedPoints(nn.Module):
    """Points (B, N, 3) in random order → tokens (B, 24, out_width), grid features (B, grid_channels, 12, 12, 12)."""

    def __init__(self, config: PlacedPointsConfig = PlacedPointsConfig()):
        super().__init__()
        self.config = config
        self.net = PointNet(config.net)
        self.local = nn.Sequential(convolution(4, config.width), nn.SiLU(), convolution(config.width, config.width))
        self.placed = nn.Conv3d(8 * config.width, config.grid_channels, 1)

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(points[:, : self.config.token_points]), self.placed(fold(self.local(splat(points.float()))))
