"""Variants of a shape: mirrored, stretched, turned about the up axis and normalised into the model's box."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ...geometry.distance import EXTENT

STRETCH = (0.75, 1.25)  # of each axis


@dataclass(frozen=True)
class Variant:
    """x → linear · x + offset. linear (3, 3) leaves the up axis by itself: heights go to heights."""

    linear: np.ndarray
    offset: np.ndarray

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 3) → the variant's."""
        return points @ self.linear.T + self.offset

    def smallest_scale(self) -> float:
        """By what the shape's distances shrink at most."""
        return float(np.linalg.svd(self.linear, compute_uv=False)[-1])

    def field(self, field: torch.Tensor) -> torch.Tensor:
        """Distance field (R, R, R) of the shape → the variant's on the same grid.

        The sign is exact up to interpolation. A stretched distance is none: it is divided by the length of its
        gradient, which makes it one to first order, near the surface. Values reach only as far as the truncation of
        ``field`` times smallest_scale().
        """
        R = field.shape[0]
        axis = torch.arange(R, dtype=field.dtype) * (2 / R) - 1
        inverse = np.linalg.inv(self.linear)
        x, z = torch.meshgrid(axis - float(self.offset[0]), axis - float(self.offset[2]), indexing="ij")
        source_x, source_z = (float(inverse[i, 0]) * x + float(inverse[i, 2]) * z for i in (0, 2))
        # Heights move alike everywhere, so that a two-dimensional resampling with the heights as channels does.
        to_grid = R / (R - 1)
        grid = torch.stack([(source_z + 1) * to_grid - 1, (source_x + 1) * to_grid - 1], -1)[None]
        source = (((axis - float(self.offset[1])) * float(inverse[1, 1]) + 1) * (R / 2)).clamp(0, R - 1)
        below = source.floor().long().clamp(max=R - 2)
        share = (source - below)[:, None, None]
        heights = field.permute(1, 0, 2)  # y, x, z
        heights = heights[below] * (1 - share) + heights[below + 1] * share
        moved = (
            functional.grid_sample(heights[None], grid, padding_mode="border", align_corners=True)[0]
            .permute(1, 0, 2)
            .contiguous()
        )
        slope = sum(
            part.square_() for part in torch.gradient(moved, spacing=2 / R)
        ).sqrt_()  # norm(dim=0) takes 16 times as long
        # A true distance's gradient is 1 before the stretch; on creases and where the field is cut off it is less.
        scales = np.linalg.svd(self.linear, compute_uv=False)
        return moved / slope.clamp(1 / scales[0], 1 / scales[-1])


def fitted(vertices: np.ndarray, degrees: float, mirror: bool, stretch: tuple[float, float, float]) -> Variant:
    """The variant of a mesh that is stretched along its axes, mirrored in x (if asked), turned about +Y by ``degrees``,
    and then centred and scaled so that its longest side spans [-EXTENT, EXTENT]. vertices (n, 3): all used ones."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    linear = turn @ np.diag([-stretch[0] if mirror else stretch[0], stretch[1], stretch[2]])
    moved = vertices @ linear.T
    low, high = moved.min(axis=0), moved.max(axis=0)
    scale = 2 * EXTENT / (high - low).max()
    return Variant(linear * scale, -(low + high) / 2 * scale)
