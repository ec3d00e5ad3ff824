"""Shape constraints: differentiable disagreement of a distance field with points, voxels, a field or depth maps.

An Observation takes the field's every second grid point, (H, H, H) float32 over [-1, 1]³ with index i at 2·i/H − 1,
positive outside, and returns a scalar with a gradient, lowest where the field agrees.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry.cameras import PUBLISHED, looking_at_origin
from ..geometry.distance import EXTENT, RESOLUTION
from ..geometry.renderer import sample_field

GRID_SIZE = RESOLUTION // 2
Observation = Callable[[Tensor], Tensor]

_CELL = 2 / GRID_SIZE  # model units
_BEHIND = 3 * _CELL  # depth behind a visible surface that is assumed solid
_MARGIN = 0.15  # margin in cells, see of_points
_TOLERANCE = 0.75 * _CELL  # of a depth
_UNKNOWN_DEPTH = 1e-3  # a depth nearer than everything: covered, with unknown depth
_INTRUDING, _MISSING = 8.0, 0.3  # a lower weight for missing volume, which otherwise becomes spikes


def of_points(points: Tensor) -> Observation:
    """Mean absolute value of SDF + margin at points (N, 3) in model space, in cells of the half grid. The margin (0.15
    cell) keeps thin walls from tearing."""

    def disagreement(field: Tensor) -> Tensor:
        return (sample_field(field, points.to(field.device)) / _CELL + _MARGIN).abs().mean()

    return disagreement


def of_voxels(occupancy: Tensor) -> Observation:
    """No grid point of an empty cell of occupancy (C, C, C) bool is inside, and at least one of every filled cell is
    (rule "any")."""
    C = len(occupancy)

    def disagreement(field: Tensor) -> Tensor:
        filled, k = occupancy.to(field.device), len(field) // C
        cells = field.reshape(C, k, C, k, C, k).permute(0, 2, 4, 1, 3, 5).flatten(3)
        intruding = F.relu(_CELL / 2 - cells[~filled]).sum() / (k**3 * filled.sum())
        missing = F.relu(cells[filled].amin(-1)).mean()
        return (_INTRUDING * intruding + _MISSING * missing) / _CELL

    return disagreement


def of_field(target: Tensor) -> Observation:
    """One minus the soft intersection over union of the field's solid with that of ``target`` (H, H, H), a half
    field."""
    wanted = (target < 0).float()

    def disagreement(field: Tensor) -> Tensor:
        return _missing_overlap(field, wanted.to(field.device), None)

    return disagreement


def of_depths(depths: Sequence[np.ndarray], directions: Sequence[tuple[float, float]]) -> Observation:
    """Space in front of a surface seen by the published cameras, and where they see nothing, is outside; space just
    behind it is inside.

    depths: (S, S) along the viewing direction, model units from the eye, inf where nothing is, as ``depth_maps`` gives
    them, seen from ``directions``, azimuth and elevation in degrees.
    """
    return _visible_from(directions, lambda field: depths)


def of_depth_pictures(maps: Sequence[np.ndarray], directions: Sequence[tuple[float, float]]) -> Observation:
    """As ``of_depths``, for maps (S, S) 0 … 255 in the published convention, black where nothing is, without absolute
    depth: their depth is fitted to the first field that is evaluated."""
    return _visible_from(
        directions, lambda field: [fitting_depth(one, direction, field) for one, direction in zip(maps, directions)]
    )


def _visible_from(
    directions: Sequence[tuple[float, float]], depths_for: Callable[[Tensor], Sequence[np.ndarray]]
) -> Observation:
    known: list[tuple[Tensor, Tensor]] = []

    def disagreement(field: Tensor) -> Tensor:
        if not known:
            outside, inside = _carved(depths_for(field.detach().cpu()), directions)
            known.append((inside.float().to(field.device), (inside | outside).float().to(field.device)))
        return _missing_overlap(field, *known[0])

    return disagreement


def _missing_overlap(field: Tensor, wanted: Tensor, where: Tensor | None) -> Tensor:
    """One minus the soft intersection over union of the field's solid with ``wanted`` (H, H, H), 0 or 1, of the points
    ``where`` 1 alone."""
    inside = torch.sigmoid(-field / (_CELL / 2))
    if where is not None:
        inside = inside * where
    common = (inside * wanted).sum()
    return 1 - common / (inside.sum() + wanted.sum() - common).clamp(min=1)


def view_coordinates(direction: tuple[float, float], axis: Tensor) -> tuple[Tensor, Tensor]:
    """Picture coordinates (n, n, n, 2) in [-1, 1], right and down, of the grid with coordinates ``axis`` (n,) along
    each side, for a published camera that looks from a direction, azimuth and elevation in degrees; and their depths
    (n, n, n), model units from the eye."""
    camera = torch.from_numpy(looking_at_origin(*direction, PUBLISHED.distance)).float()
    right, up, back = (
        (column[0] * axis)[:, None, None] + (column[1] * axis)[:, None] + column[2] * axis - column @ camera[:3, 3]
        for column in camera[:3, :3].T
    )
    reach = -back * math.tan(math.radians(PUBLISHED.field_of_view) / 2)
    return torch.stack([right / reach, -up / reach], -1), -back


def _visible(direction: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """``view_coordinates`` of the field's every second grid point."""
    return view_coordinates(direction, torch.arange(GRID_SIZE, dtype=torch.float32) * _CELL - 1)


def _sampled(picture: np.ndarray, at: Tensor) -> Tensor:
    """Nearest pixels of a picture (S, S) at coordinates (…, 2), 0 beyond its border."""
    pixels = torch.from_numpy(np.array(picture, dtype=np.float32))[None, None]
    return F.grid_sample(pixels, at.reshape(1, 1, -1, 2), "nearest", align_corners=False).view(at.shape[:-1])


def _carved(depths: Sequence[np.ndarray], directions: Sequence[tuple[float, float]]) -> tuple[Tensor, Tensor]:
    """The grid's points that are outside for some camera, and those that are inside for some and outside for none, (H,
    H, H) bool each."""
    outside, inside = (
        torch.zeros(GRID_SIZE, GRID_SIZE, GRID_SIZE, dtype=torch.bool),
        torch.zeros(GRID_SIZE, GRID_SIZE, GRID_SIZE, dtype=torch.bool),
    )
    for picture, direction in zip(depths, directions):
        at, depth = _visible(direction)
        # Inverse depth, which is 0 where nothing is, in the picture as beyond its border.
        nearness = _sampled(1 / picture, at)
        ahead = 1 / nearness - depth
        outside |= (nearness == 0) | (ahead > _TOLERANCE)
        inside |= (ahead < -_TOLERANCE) & (ahead > -_BEHIND)
    return outside, inside & ~outside


def fitting_depth(picture: np.ndarray, direction: tuple[float, float], field: Tensor, rounds: int = 4) -> np.ndarray:
    """Depth (S, S) of a depth map in the published convention, inf where it is black, with the range that fits the
    field's surface best: a linear fit over the pixels that both cover, without the worst third. SOMEWHERE if that fit
    makes white far: the map does not match the field."""
    S = 64
    at, depth = _visible(direction)
    solid = field < 0
    index = ((at[solid] + 1) * (S / 2)).long().clamp(0, S - 1)
    shown = torch.full((S * S,), torch.inf).scatter_reduce_(0, index[:, 1] * S + index[:, 0], depth[solid], "amin")
    steps = (torch.arange(S) + 0.5) / S * 2 - 1
    value = _sampled(picture, torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)).flatten()
    both = torch.isfinite(shown) & (value > 0)
    value, shown = value[both] / 255, shown[both]
    keep = torch.ones_like(value, dtype=torch.bool)
    near, far = PUBLISHED.distance - EXTENT, PUBLISHED.distance + EXTENT
    for _ in range(rounds if len(value) > 20 else 0):
        rows = torch.stack([1 - value[keep], value[keep]], 1)
        far, near = torch.linalg.lstsq(rows, shown[keep, None]).solution[:, 0].tolist()
        error = (far - (far - near) * value - shown).abs()
        keep = error <= error.quantile(0.67)
    return np.where(picture > 0, far - (far - near) * (picture / 255) if near < far else _UNKNOWN_DEPTH, np.inf)
