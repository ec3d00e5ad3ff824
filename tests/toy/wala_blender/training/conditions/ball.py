"""Condition "ball" in training and evaluation: the radius of a ball of as much volume."""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..condition_training import ConditionTraining, Evaluation, Fields, Reference
from ..look_up import TrainingShapes
from ..sample_grids import words

if TYPE_CHECKING:
    from ..condition_batches import Batches


def _radius(share: Tensor) -> Tensor:
    """Of a share of [-1, 1]³."""
    return (8 * share * 3 / (4 * math.pi)) ** (1 / 3)


def batch(batches: "Batches", picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Radii."""
    return (_radius(batches.latents.occupancy[picks].mean(dim=(1, 2, 3, 4))),)


def ball_input(shape: Reference, rng: np.random.Generator) -> dict:
    """The reference's radius."""
    return {"radius": float(_radius((shape.field < 0).float().mean()))}


def baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    """A ball."""
    axis = torch.linspace(-1, 1, field.shape[0])
    distance = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).norm(dim=0)
    return {"round": distance - inputs["radius"]}


TRAINING = ConditionTraining(
    name="ball",
    batch=batch,
    preview=lambda radius: words(f"{float(radius):.2f}"),
    evaluations={"ball": Evaluation(ball_input, lambda inputs: f"radius {inputs['radius']:.2f}", baselines)},
    notes={"ball": "the radius of a ball of the reference's volume", "round": "that ball"},
)
