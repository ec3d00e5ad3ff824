"""Condition "sketch" in training and evaluation."""

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...conditions.sketch import picture_of_image, with_enclosed
from ...geometry.renderer import framed, trace
from ..condition_training import ConditionTraining, Evaluation, Fields, Reference
from ..data.line_drawings import drawn, line_picture
from ..input_pictures import flattened
from ..look_up import TrainingShapes, looked_up
from ..sample_grids import PREVIEW_SIZE

if TYPE_CHECKING:
    from ..condition_batches import Batches

PICTURE = 256  # pixels of what is drawn or rendered of a reference
ELEVATIONS = (0.0, 40.0)  # degrees, as in training


def batch(batches: "Batches", picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Lines of one of each shape's views, drawn as by hand, what they enclose, and elevations."""

    def draw(function, *shape: int) -> Tensor:
        return function(*shape, generator=generator, device=generator.device)

    latents = batches.latents
    views = (draw(torch.rand, len(picks)) * latents.depth.shape[1]).long()
    picks = picks.to(views.device)
    step, crease = (draw(torch.rand, 2).cpu() * torch.tensor([0.06, 35.0]) + torch.tensor([0.03, 25.0])).tolist()
    lines = line_picture(latents.depth[picks, views], latents.normal[picks, views], step, crease)
    pictures = with_enclosed(drawn(lines, generator))
    # Artists guess the elevation no better than to some degrees.
    return pictures, latents.elevation[picks, views] + draw(torch.randn, len(picks)) * 3


def preview(lines: Tensor, elevation: Tensor) -> Tensor:
    """The lines, dark on white."""
    return F.interpolate(1 - lines[None].float().cpu(), (PREVIEW_SIZE, PREVIEW_SIZE))[0, 0]


def drawn_elevation(rng: np.random.Generator) -> float:
    """Degrees above the horizon."""
    return float(rng.uniform(*ELEVATIONS))


def seen_from(shape: Reference, elevation: float) -> tuple[Tensor, Tensor]:
    """Depth (256, 256) and normals (3, 256, 256) of the reference from azimuth 0, as ``trace`` gives them."""
    return trace(shape.field, framed(shape.surface[0], elevation), PICTURE)


def sketch_input(shape: Reference, rng: np.random.Generator) -> dict:
    """Dark lines on white, (256, 256) uint8, three pixels wide, of the reference seen from a random elevation."""
    elevation = drawn_elevation(rng)
    depth, normal = seen_from(shape, elevation)
    lines = F.max_pool2d(line_picture(depth[None], normal[None]), 3, 1, 1)[0, 0]
    return {"image": (255 * (1 - lines)).round().to(torch.uint8).numpy(), "elevation": elevation}


def baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    """Look-ups by the drawing."""
    return looked_up("drawing", line_picture, lambda: torch.from_numpy(picture_of_image(inputs["image"]))[None], train)


TRAINING = ConditionTraining(
    name="sketch",
    batch=batch,
    preview=preview,
    evaluations={"sketch": Evaluation(sketch_input, lambda inputs: flattened(inputs["image"]), baselines)},
    notes={
        "sketch": "depth and normal discontinuities of the reference, seen from azimuth 0 and an elevation of 0…40° "
        "that the model is told",
        "mean_shape": "one shape for every input: the training shapes' mean distance field at its best level",
        "retrieved_by_drawing": "the training shape one of whose drawings is most like the sketch",
    },
)
