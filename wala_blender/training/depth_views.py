"""Depth maps of a training shape, in the published look. Knows wavelet trees and cameras; not stores, nor what is learned."""

import math

import numpy as np
import torch
from torch import Tensor

from ..conditions.depths import SIDE, USUAL_VIEWS
from ..geometry.cameras import PUBLISHED
from ..geometry.depth import depth_picture
from ..geometry.views import Camera, trace
from ..wavelet import tree_to_half_field

ANYWHERE = 2  # further maps, from any side
_ELEVATIONS = (-10.0, 60.0)  # degrees, of these


def depth_views(tree: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A tree's depth maps (V, SIDE, SIDE) uint8 and their directions (V, 2), azimuth and elevation in degrees: of USUAL_VIEWS, then ANYWHERE."""
    inside = slice(4, -4)
    field = tree_to_half_field(tree[None].float())[0, inside, inside, inside]
    anywhere = [(rng.uniform(0, 360), rng.uniform(*_ELEVATIONS)) for _ in range(ANYWHERE)]
    directions = [PUBLISHED.direction(view) for view in USUAL_VIEWS] + anywhere
    half_size = PUBLISHED.distance * math.tan(math.radians(PUBLISHED.field_of_view) / 2)
    maps = []
    for azimuth, elevation in directions:
        depth, _ = trace(field, Camera(elevation, half_size=half_size, distance=PUBLISHED.distance, azimuth=azimuth), SIDE)
        maps.append(torch.from_numpy(depth_picture(depth.cpu().numpy())))
    return torch.stack(maps), torch.tensor(directions, dtype=torch.float32)
