"""Encoder of depth maps from known cameras: depth maps → tokens and grid features.

One small network encodes what each map shows at every sample of the latent's grid. Their mean and maximum over the maps
are the features, so that any number of maps is accepted.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..geometry.cameras import PUBLISHED
from ..networks.layers import convolution, grid_to_tokens
from .grid_features import fold, sample_perspectives
from .image_preprocessing import DepthRenders, one_depth, several_depths
from .specs.depths import PlacedDepthsConfig
from .types import Prepared

DEPTH_MAP_SIZE = 64  # pixels
DEFAULT_VIEWS = PUBLISHED.sets[6]


def prepare_one(inputs: dict) -> Prepared:
    """One depth map or a mesh, as ``one_depth`` takes it → maps (1, 1, DEPTH_MAP_SIZE, DEPTH_MAP_SIZE) 0 … 1,
    directions (1, 1, 2) degrees."""
    return _prepared(one_depth(inputs))


def prepare(inputs: dict) -> Prepared:
    """Several depth maps or a mesh, as in ``several_depths``, a mesh from six cameras unless "views" lists others →
    maps (1, V, DEPTH_MAP_SIZE, DEPTH_MAP_SIZE) 0 … 1, directions (1, V, 2) degrees."""
    return _prepared(several_depths({"views": list(DEFAULT_VIEWS)} | inputs if "vertices" in inputs else inputs))


def _prepared(renders: DepthRenders) -> Prepared:
    # Nearest pixels rather than their mean: a depth between near and far would be wrong.
    maps = [
        F.interpolate(
            torch.from_numpy(np.asarray(one, np.float32))[None, None],
            (DEPTH_MAP_SIZE, DEPTH_MAP_SIZE),
            mode="nearest-exact",
        )
        for one in renders.maps
    ]
    return Prepared(
        (torch.cat(maps, dim=1) / 255, torch.tensor([renders.directions], dtype=torch.float32)),
        renders.frame,
        renders.observation,
        note=renders.note,
        evidence=renders.evidence,
        has_surface=True,
    )


class PlacedDepths(nn.Module):
    """Depth maps (B, V, DEPTH_MAP_SIZE, DEPTH_MAP_SIZE), 1 the nearest and 0 nothing, with their directions (B, V, 2),
    azimuth and elevation in degrees → tokens (B, 64, out_width), grid features (B, grid_channels, 12, 12, 12)."""

    def __init__(self, config: PlacedDepthsConfig = PlacedDepthsConfig()):
        super().__init__()
        w = config.width
        self.each = nn.Sequential(convolution(5, w, 1), nn.SiLU(), convolution(w, w, 1), nn.SiLU())
        self.placed = nn.Sequential(
            convolution(16 * w, config.grid_channels, 1),
            nn.SiLU(),
            convolution(config.grid_channels, config.grid_channels),
        )
        self.out = nn.Linear(config.grid_channels, config.out_width)

    def forward(self, maps: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        B, V = maps.shape[:2]
        shown = torch.stack([maps, (maps > 0).to(maps.dtype)], dim=2).flatten(0, 1)
        renders = sample_perspectives(shown, directions.flatten(0, 1), PUBLISHED.distance, PUBLISHED.field_of_view)
        features = self.each(renders).unflatten(0, (B, V))
        placed = self.placed(fold(torch.cat([features.mean(dim=1), features.amax(dim=1)], dim=1)))
        return self.out(grid_to_tokens(F.avg_pool3d(placed, 3))), placed
