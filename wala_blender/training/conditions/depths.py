"""Condition "depths" in training and evaluation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...conditions.image_preprocessing import mesh_pictures
from ...geometry.cameras import PUBLISHED, looking_at_origin
from ...geometry.depth import depth_maps
from ...geometry.fusion import fuse
from ..condition_training import ConditionTraining, Evaluation, Fields, Reference, surface_of
from ..input_pictures import GROUND, PICTURE_SIZE
from ..look_up import TrainingShapes
from ..sample_grids import PREVIEW_SIZE

if TYPE_CHECKING:
    from ..condition_batches import Batches


def batch(batches: "Batches", picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Maps of the published four or six cameras, or of some."""
    device = generator.device
    published = torch.arange(int(torch.randint(2, (1,), generator=generator, device=device)) * 2 + 4)
    several = int(torch.randint(2, 6, (1,), generator=generator, device=device))
    return maps_of(
        batches, picks, some_views(batches, several, generator) if batches.happens(0.25, generator) else published
    )


def some_views(batches: "Batches", count: int, generator: torch.Generator) -> Tensor:
    """Indices (count,) of the views that there are maps of."""
    return torch.randperm(batches.latents.maps.shape[1], generator=generator, device=generator.device)[:count].cpu()


def maps_of(batches: "Batches", picks: Tensor, views: Tensor) -> tuple[Tensor, ...]:
    """Maps (B, V, S, S) 0 … 1 and their directions (B, V, 2) in degrees."""
    return batches.latents.maps[picks][:, views].float() / 255, batches.latents.directions[picks][:, views]


def preview(maps: Tensor, directions: Tensor) -> Tensor:
    """The first of depth maps (V, S, S)."""
    return F.interpolate(maps[None, :1].float().cpu(), (PREVIEW_SIZE, PREVIEW_SIZE))[0, 0]


def depths_input(shape: Reference, rng: np.random.Generator, views: Sequence[int]) -> dict:
    """The mesh, which the condition renders from the published cameras ``views``."""
    return surface_of(shape) | {"views": list(views)}


def variants(views: Sequence[int]) -> dict[str, dict]:
    """The cameras of the model; where it takes any, each published set."""
    return {f"_{len(one)}": {"views": one} for one in ([views] if views else PUBLISHED.sets.values())}


def directions_of(inputs: dict) -> list[tuple[float, float]]:
    """Where a condition looks at its mesh from: azimuth and elevation in degrees."""
    if "views" in inputs:
        return [PUBLISHED.direction(view) for view in inputs["views"]]
    return [(inputs["azimuth"], inputs["elevation"])]


def depth_of(inputs: dict) -> tuple[np.ndarray, list[np.ndarray]]:
    """Depth maps (V, 256, 256) of a condition's mesh in model units, inf where nothing is, and their cameras."""
    cameras = [looking_at_origin(*direction, PUBLISHED.distance) for direction in directions_of(inputs)]
    return depth_maps(inputs["vertices"], inputs["faces"], cameras, PUBLISHED.field_of_view), cameras


def baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    """Fusion of the maps' true depths."""
    maps, cameras = depth_of(inputs)
    return {"tsdf_fusion": fuse(maps, cameras, PUBLISHED.field_of_view, field.shape[0])}


def show(inputs: dict) -> Image.Image:
    """The depth maps of the mesh that the condition looks at, side by side in a square."""
    maps, *_ = mesh_pictures(inputs["vertices"], inputs["faces"], directions_of(inputs))
    across = int(np.ceil(np.sqrt(len(maps))))
    side = PICTURE_SIZE // across
    square = Image.new("L", (PICTURE_SIZE, PICTURE_SIZE), GROUND)
    for number, one in enumerate(maps):
        place = number % across * side, number // across * side
        square.paste(Image.fromarray(one).resize((side, side), Image.Resampling.LANCZOS), place)
    return square


TRAINING = ConditionTraining(
    name="depths",
    batch=batch,
    preview=preview,
    evaluations={"depths": Evaluation(depths_input, show, baselines, variants)},
    notes={
        "depths": "the reference's depth from the published cameras: those of the model, or, where it takes any, once "
        "the four and once the six",
        "tsdf_fusion": "truncated signed distances fused from the same cameras' depth in model units, which the model "
        "is not told (each of its maps is stretched from near to far); what no camera sees counts as solid",
    },
)
