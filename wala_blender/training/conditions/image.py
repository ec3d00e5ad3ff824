"""Condition "image" in evaluation. It has no training: the starter reads a picture as a sketch."""

import numpy as np
import torch
from torch import Tensor

from ...geometry.renderer import shaded
from ..condition_training import ConditionTraining, Evaluation, Fields, Reference
from ..input_pictures import flattened
from ..look_up import TrainingShapes, framed_as_stored, lit_picture, looked_up
from .sketch import drawn_elevation, seen_from


def image_input(shape: Reference, rng: np.random.Generator) -> dict:
    """A grey picture, lit and cut out, (256, 256, 4) uint8, of the reference seen from a random elevation."""
    elevation = drawn_elevation(rng)
    depth, normal = seen_from(shape, elevation)
    picture = torch.stack([shaded(normal)] * 3 + [torch.isfinite(depth).float()], -1)
    return {"image": (255 * picture).round().to(torch.uint8).numpy(), "elevation": elevation}


def baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    """Look-ups by the lit picture."""
    grey, alpha = torch.from_numpy(inputs["image"][..., [0, 3]]).permute(2, 0, 1) / 255
    return looked_up("picture", lit_picture, lambda: framed_as_stored(torch.stack([alpha, grey * alpha])), train)


TRAINING = ConditionTraining(
    name="image",
    evaluations={"image": Evaluation(image_input, lambda inputs: flattened(inputs["image"]), baselines)},
    notes={
        "image": "the reference, grey, lit from above left and cut out, seen as for the sketch",
        "retrieved_by_picture": "the training shape one of whose views, lit in the same way, is most like the picture",
    },
)
