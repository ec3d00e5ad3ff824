"""Features of the detail stage: a condition's evidence, sampled on the grid of the wavelet tree.

Cell k of the tree's 46 is centred at model coordinate 2·(8k − 55.5)/256 − 1. The features cover the middle 34 cells,
−1.06 … 1.00, where shapes are. Each kind of condition has channels of its own, zero without it, and one channel that
marks its presence.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy
import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry.distance import TRUNCATION
from ..geometry.renderer import Camera, sample_field
from ..networks.configs import DETAIL_CHANNELS, DETAIL_FEATURES, MIDDLE
from .evidence import DepthMap, Evidence
from .shape_constraints import view_coordinates

CELLS = 34
CELL = 2 / 32  # model units
_NEAR = 4.0  # cells: how far away the nearest point is looked for
_DEPTH_TRUNCATION = 4 * CELL  # of a depth map's signed distances

_POINTS = DETAIL_FEATURES["points"]


@lru_cache(maxsize=2)
def _axis(per_cell: int) -> Tensor:
    """Model coordinates (34 · per_cell,) of samples along an axis, evenly spread in their cells."""
    centers = 2 * (8 * torch.arange(MIDDLE.start, MIDDLE.stop, dtype=torch.float32) - 55.5) / 256 - 1
    offsets = (torch.arange(per_cell) + 0.5) / per_cell - 0.5
    return (centers[:, None] + offsets * CELL).flatten()


@lru_cache(maxsize=2)
def _samples(per_cell: int) -> Tensor:
    """Model coordinates (n, n, n, 3), axis order x, y, z."""
    axis = _axis(per_cell)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)


def _fold(fine: Tensor) -> Tensor:
    """(68, 68, 68) → (8, 34, 34, 34): a cell's samples become its channels."""
    n = CELLS
    return fine.reshape(n, 2, n, 2, n, 2).permute(1, 3, 5, 0, 2, 4).reshape(8, n, n, n)


def detail_features(evidence: Evidence) -> Tensor:
    """Features (DETAIL_CHANNELS, 34, 34, 34) float32 of what is known."""
    sources = {
        "points": (_points, evidence.points),
        "voxels": (_voxels, evidence.voxels),
        "blockout": (_blockout, evidence.blockout),
        "depths": (_depths, evidence.depths or None),
        "sketch": (_sketch, evidence.sketch),
    }
    features = torch.zeros(DETAIL_CHANNELS, CELLS, CELLS, CELLS)
    start = len(DETAIL_FEATURES)
    for number, (name, count) in enumerate(DETAIL_FEATURES.items()):
        make, value = sources[name]
        if value is not None:
            features[number] = evidence.hold if name == "blockout" else 1.0
            features[start : start + count] = make(value, evidence.camera) if name == "sketch" else make(value)
        start += count
    return features


def _points(points: Tensor) -> Tensor:
    """Of each cell: how many points there are (a saturating count), their mean offset from its centre and their
    covariance, in cells, and the offset and distance of the nearest point to its centre."""
    n, start = CELLS, float(_axis(1)[0])
    position = (points.float() - start) / CELL
    index = position.round().long()
    kept = ((index >= 0) & (index < n)).all(1)
    position, index = position[kept], index[kept]
    offset = position - index
    flat = (index[:, 0] * n + index[:, 1]) * n + index[:, 2]
    squares = torch.stack([offset[:, i] * offset[:, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))], 1)
    sums = torch.zeros(n**3, 10).index_add_(0, flat, torch.cat([torch.ones(len(flat), 1), offset, squares], 1))
    count = sums[:, :1]
    mean, second = (sums[:, 1:] / count.clamp(min=1)).split((3, 6), 1)
    covariance = second - torch.stack(
        [mean[:, i] * mean[:, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))], 1
    )
    centers = _samples(1).reshape(-1, 3)
    distance, nearest = scipy.spatial.cKDTree(points.numpy()).query(centers.numpy(), distance_upper_bound=_NEAR * CELL)
    found = torch.from_numpy(np.isfinite(distance))
    towards = torch.zeros(n**3, 3)
    towards[found] = (points.float()[torch.from_numpy(nearest)[found]] - centers[found]) / CELL
    away = torch.from_numpy(np.minimum(distance / CELL, _NEAR)).float()
    columns = torch.cat(
        [torch.tanh(count * (512 / max(len(points), 1))), mean, 4 * covariance, towards / 2, away[:, None] / 2], 1
    )
    return columns.T.reshape(_POINTS, n, n, n)


def _voxels(voxels: Tensor) -> Tensor:
    """Of each cell's centre: whether its voxel is filled, the trilinear mean of the voxels about it, and its place
    within the voxel."""
    filled = voxels.float()[None, None]
    at = _samples(1).flip(-1)[None]
    nearest, linear = (F.grid_sample(filled, at, mode, align_corners=False)[0, 0] for mode in ("nearest", "bilinear"))
    place = (_samples(1) + 1) * (len(voxels) / 2) % 1 - 0.5
    return torch.cat([nearest[None], linear[None], place.permute(3, 0, 1, 2)])


def _blockout(distance: Tensor) -> Tensor:
    """The field at each cell's eight samples, in units of its truncation."""
    return _fold(sample_field(distance.float(), _samples(2)).clamp(-TRUNCATION, TRUNCATION) / TRUNCATION)


def _depths(maps: Sequence[DepthMap]) -> Tensor:
    """How far each cell's eight samples lie before the surfaces seen, the largest over the maps, in units of its
    truncation: above 0 is outside, below 0 is inside or out of sight; and the share of the maps that see the cell
    before or at a surface."""
    ahead, seen = torch.full((2 * CELLS,) * 3, -1.0), torch.zeros((2 * CELLS,) * 3)
    for one in maps:
        at, depth = view_coordinates(one.direction, _axis(2))
        nearness = F.grid_sample(
            torch.from_numpy(1 / one.depth).float()[None, None], at.reshape(1, 1, -1, 2), "nearest", align_corners=False
        )
        before = ((1 / nearness.view_as(depth) - depth) / _DEPTH_TRUNCATION).clamp(-1, 1)
        ahead = torch.maximum(ahead, before)
        seen += before > -0.2
    return torch.cat([_fold(ahead), F.avg_pool3d(seen[None, None], 2)[0] / len(maps)])


def _sketch(picture: Tensor, camera: Camera) -> Tensor:
    """The picture's lines and what they enclose where each cell is seen, and how near to the eye it is."""
    n = CELLS
    right, up, near = (_samples(1) @ torch.from_numpy(camera.axes().T).float()).unbind(-1)
    at = torch.stack([right - camera.center[0], camera.center[1] - up], -1) / camera.half_size
    shrunk = F.avg_pool2d(picture.float()[None], 2)
    seen = F.grid_sample(shrunk, at.reshape(1, n, n * n, 2), align_corners=False)[0].reshape(2, n, n, n)
    return torch.cat([seen, near[None]])
