"""Nearest training shapes by what an input shows: baselines of conditions that are seen from one side."""

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..conditions.sketch import FILL
from ..geometry.renderer import shaded
from .data.build import PICTURE

ViewPicture = Callable[[Tensor, Tensor], Tensor]  # depth (B, S, S) and normals (B, 3, S, S) → pictures (B, C, S, S)


class TrainingShapes(Protocol):
    """Interface of training shapes for look-ups, see evaluation/training_set.py."""

    @property
    def mean_field(self) -> Tensor:
        """Best constant prediction (R, R, R)."""
        ...

    def field(self, index: int) -> Tensor: ...

    def nearest_by_picture(self, view_picture: ViewPicture, picture: Tensor) -> int: ...


def lit_picture(depth: Tensor, normal: Tensor) -> Tensor:
    """Silhouette and lit picture (B, 2, S, S), 0 … 1, of depth (B, S, S) (inf = nothing) and normals (B, 3, S, S)."""
    hit = torch.isfinite(depth).float()
    return torch.stack([hit, hit * shaded(normal)], 1)


def nearness_picture(depth: Tensor, normal: Tensor | None = None) -> Tensor:
    """Silhouette and nearness (B, 2, S, S) of depth (B, S, S) (inf = nothing): 1 the nearest, 0 the farthest and
    nothing."""
    hit, depth = torch.isfinite(depth), depth.float()
    near = torch.where(hit, depth, torch.inf).amin((1, 2), keepdim=True)
    far = torch.where(hit, depth, -torch.inf).amax((1, 2), keepdim=True)
    return torch.stack([hit.float(), torch.where(hit, (far - depth) / (far - near).clamp(min=1e-3), 0.0)], 1)


def framed_as_stored(picture: Tensor) -> Tensor:
    """Picture (C, H, W), its first channel the silhouette, as views are framed in a store: (C, 128, 128), the
    silhouette's box in the middle, its longest side FILL of the picture's."""
    rows, columns = (torch.nonzero(picture[0].amax(axis) > 0.5)[:, 0] for axis in (1, 0))
    box = picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * FILL * PICTURE / max(box.shape[1:]))) for side in box.shape[1:])
    left, top = (PICTURE - width) // 2, (PICTURE - height) // 2
    small = F.interpolate(box[None], (height, width), mode="bilinear", antialias=True, align_corners=False)[0]
    return F.pad(small, (left, PICTURE - width - left, top, PICTURE - height - top))


def looked_up(
    name: str, view_picture: ViewPicture, picture: Callable[[], Tensor], train: TrainingShapes | None
) -> dict[str, Tensor]:
    """The mean shape, and the training shape with the view, drawn by ``view_picture``, most similar to a picture;
    fields (R, R, R) by name, none without training shapes."""
    if train is None:
        return {}
    found = train.field(train.nearest_by_picture(view_picture, picture()))
    return {"mean_shape": train.mean_field, f"retrieved_by_{name}": found}
