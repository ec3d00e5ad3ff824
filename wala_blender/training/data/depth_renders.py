"""Depth maps of a training shape, in the published convention."""

import math

import numpy as np
import torch
from torch import Tensor

from ...conditions.depth import DEFAULT_VIEWS, DEPTH_MAP_SIZE
from ...geometry.cameras import PUBLISHED
from ...geometry.depth import depth_picture
from ...geometry.renderer import Camera, trace
from ...wavelet import tree_to_half_field

ANYWHERE = 2  # further maps, from any side
_ELEVATIONS = (-10.0, 60.0)  # degrees, of these


def depth_views(tree: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A tree's depth maps (V, DEPTH_MAP_SIZE, DEPTH_MAP_SIZE) uint8 and their directions (V, 2), azimuth and elevation
    in degrees: of DEFAULT_VIEWS, then ANYWHERE."""
    inside = slice(4, -4)
    field = tree_to_half_field(tree[None].float())[0, inside, inside, inside]
    directions = [PUBLISHED.direction(view) for view in DEFAULT_VIEWS] + view_directions(ANYWHERE, rng)
    maps = [
        torch.from_numpy(depth_picture(trace(field, published_camera(*direction), DEPTH_MAP_SIZE)[0].cpu().numpy()))
        for direction in directions
    ]
    return torch.stack(maps), torch.tensor(directions, dtype=torch.float32)


def view_directions(count: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Azimuths and elevations in degrees, from any side above or a little below."""
    return [(rng.uniform(0, 360), rng.uniform(*_ELEVATIONS)) for _ in range(count)]


def published_camera(azimuth: float, elevation: float) -> Camera:
    """A camera with the published lens and distance that looks at the origin from a direction in degrees."""
    half_size = PUBLISHED.distance * math.tan(math.radians(PUBLISHED.field_of_view) / 2)
    return Camera(elevation, half_size=half_size, distance=PUBLISHED.distance, azimuth=azimuth)
