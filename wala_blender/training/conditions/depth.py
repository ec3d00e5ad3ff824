"""Condition "depth" in training and evaluation."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..condition_training import ConditionTraining, Evaluation, Fields, Reference, surface_of
from ..look_up import TrainingShapes, framed_as_stored, looked_up, nearness_picture
from .depths import depth_of, maps_of, preview, show, some_views
from .sketch import drawn_elevation

if TYPE_CHECKING:
    from ..condition_batches import Batches


def batch(batches: "Batches", picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    """A map of one view."""
    return maps_of(batches, picks, some_views(batches, 1, generator))


def depth_input(shape: Reference, rng: np.random.Generator) -> dict:
    """The mesh, which the condition renders from one side."""
    return surface_of(shape) | {"azimuth": 0.0, "elevation": drawn_elevation(rng)}


def baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    """Look-ups by the depth map."""
    return looked_up(
        "depth",
        nearness_picture,
        lambda: framed_as_stored(nearness_picture(torch.from_numpy(depth_of(inputs)[0]))[0]),
        train,
    )


TRAINING = ConditionTraining(
    name="depth",
    batch=batch,
    preview=preview,
    evaluations={"depth": Evaluation(depth_input, show, baselines)},
    notes={
        "depth": "the reference's depth from azimuth 0 and an elevation of 0…40° that the model is told, through the "
        "published lens",
        "retrieved_by_depth": "the training shape one of whose views' depth, stretched from near to far, is most like "
        "the depth map",
    },
)
