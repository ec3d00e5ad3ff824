"""Condition "points" in training and evaluation."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...geometry.reconstruction import estimated_normals, poisson_of, screened_poisson
from ...geometry.renderer import framed
from ..condition_training import ConditionTraining, Evaluation, Fields, Reference
from ..data.build import POINTS
from ..data.input_augmentation import noisy_points, seen_points
from ..data.shape_filter import surface_points
from ..input_pictures import AZIMUTH, ELEVATION, PICTURE_SIZE
from ..look_up import TrainingShapes
from ..sample_grids import scatter

if TYPE_CHECKING:
    from ..condition_batches import Batches


def batch(batches: "Batches", picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Some of the surface's points with noise, which may be those alone that are seen from one side."""
    cloud, device = batches.latents.points[picks].float(), generator.device
    count = batches.counts[int(torch.randint(len(batches.counts), (1,), generator=generator, device=device))]
    chosen = torch.randperm(cloud.shape[1], generator=generator, device=device)[:count]
    cloud = cloud[:, chosen]
    return (noisy_points(seen_points(cloud, generator) if batches.is_partial(generator) else cloud, generator),)


def point_input(shape: Reference, rng: np.random.Generator) -> dict:
    """Points of the visible surface."""
    return {"points": surface_points(*shape.mesh, shape.field.numpy(), POINTS, rng)}


def baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    """Poisson surfaces with the reference's normals and with estimated ones."""
    points = np.asarray(inputs["points"], dtype=np.float64)
    return {
        "screened_poisson": screened_poisson(points, field),
        "screened_poisson_without_normals": poisson_of(points, estimated_normals(points), field.shape[0]),
    }


def show(inputs: dict) -> Image.Image:
    """Dots, the nearer the darker."""
    points = inputs["points"]
    camera = framed(points, ELEVATION, azimuth=AZIMUTH)
    at = (camera.project(points) - camera.center) / camera.half_size * (1, -1)
    pixels = np.clip(np.floor((at + 1) * PICTURE_SIZE / 2).astype(int), 0, PICTURE_SIZE - 1)
    depth = points @ camera.axes()[2]
    picture = np.full((PICTURE_SIZE, PICTURE_SIZE), 255, np.uint8)
    order = np.argsort(depth)
    picture[pixels[order, 1], pixels[order, 0]] = np.linspace(200, 20, len(points)).astype(np.uint8)
    return Image.fromarray(picture)


TRAINING = ConditionTraining(
    name="points",
    batch=batch,
    preview=scatter,
    evaluations={"points": Evaluation(point_input, show, baselines)},
    notes={
        "points": f"{POINTS} points of the mesh's visible surface, without normals",
        "screened_poisson": "screened Poisson surface of the same points with the reference's normals, which the model "
        "is not told",
        "screened_poisson_without_normals": "the same of normals that are estimated from the points (Hoppe et al. "
        "1992), which is all the model has",
    },
)
