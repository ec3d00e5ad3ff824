"""Meshes of colour volumes: depth where half of the light is gone, from all sides, fused into a distance field; and the
colours at its surface.

Not the density's own iso-surface: nothing teaches a volume its inside, so that no one level fits thin and bulky parts.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..geometry.colour_spaces import as_bytes
from ..geometry.colour_volume import FIELD_OF_VIEW, rays_of, render, sample_volume, spread_cameras
from ..geometry.fusion import fuse
from ..geometry.surface import field_to_mesh

CAMERAS, PIXELS, RESOLUTION = 26, 128, 128
SAMPLES = 64  # a ray
_AT_ONCE = 16_384  # rays
_EMPTY = -4.0  # logit: 20 · softplus of it is 0.37, and a ray would lose half of its light in 1.9


def rendered_depth(volume: Tensor, camera: np.ndarray, pixels: int, samples: int = SAMPLES) -> np.ndarray:
    """Depth (pixels, pixels) float32 of a volume (1, 4, S, S, S) along the viewing direction, inf where less than half
    of the light is gone."""
    eyes, directions = (torch.from_numpy(rays).to(volume.device) for rays in rays_of([camera], pixels))
    found = torch.full(directions.shape[1:2], torch.inf)
    chosen = _that_may_hit(volume, eyes, directions)
    for part in chosen.split(_AT_ONCE):
        found[part.cpu()] = render(volume, eyes[:, part], directions[:, part], samples).distance[0].cpu()
    along = directions[0].cpu() @ torch.from_numpy(-camera[:3, 2].astype(np.float32))
    return (found * along).view(pixels, pixels).numpy()


def _that_may_hit(volume: Tensor, eyes: Tensor, directions: Tensor) -> Tensor:
    """Numbers of the rays through the box of all cells that are not nearly empty."""
    solid = (volume[0, 0] > _EMPTY).nonzero()
    if not len(solid):
        return torch.zeros(0, dtype=torch.long)
    size = volume.shape[-1]
    low, high = ((ends + side) * (2 / size) - 1 for ends, side in ((solid.amin(0), -1), (solid.amax(0), 2)))
    crossings = torch.stack([low, high])[:, None] - eyes[0]
    crossings = crossings / torch.where(directions[0].abs() < 1e-9, 1e-9, directions[0])
    enter, leave = crossings.amin(0).amax(-1), crossings.amax(0).amin(-1)
    return (enter < leave).nonzero()[:, 0]


def depths_to_field(maps: np.ndarray, cameras: Sequence[np.ndarray], resolution: int) -> Tensor:
    """Distance field (R, R, R) of depth maps (V, P, P) from cameras as spread_cameras gives them."""
    return fuse(maps, cameras, FIELD_OF_VIEW, resolution)


@torch.no_grad()
def volume_to_mesh(
    volume: Tensor,
    pixels: int = PIXELS,
    resolution: int = RESOLUTION,
    cameras: int = CAMERAS,
    on_step: Callable[[int, int], object] = lambda step, steps: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float32 and faces (F, 3) int32 of a volume (1, 4, S, S, S), in its coordinates. on_step(camera,
    cameras) may raise to stop. Raises InputError for an empty volume."""
    around = spread_cameras(cameras)
    maps = []
    for number, camera in enumerate(around):
        on_step(number, cameras)
        maps.append(rendered_depth(volume, camera, pixels))
    if not np.isfinite(maps).any():
        raise InputError("the sample is an empty volume", "Try another seed, or other words.")
    return field_to_mesh(depths_to_field(np.stack(maps), around, resolution), remove_dust=False)


@torch.no_grad()
def colours_at(volume: Tensor, points: np.ndarray) -> np.ndarray:
    """sRGB bytes (N, 3) of a volume (1, 4, S, S, S) at points (N, 3)."""
    where = torch.from_numpy(np.asarray(points, dtype=np.float32))[None].to(volume.device)
    return as_bytes(sample_volume(volume, where)[0, :, 1:].cpu().numpy())


def face_colours(volume: Tensor, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """sRGB bytes (F, 3) at the faces' middles."""
    return colours_at(volume, vertices[faces].mean(axis=1))
