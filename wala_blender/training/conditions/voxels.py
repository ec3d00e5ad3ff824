"""Condition "voxels" in training and evaluation: occupied cells, and the meshes of blockouts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...conditions.voxels import CELLS, occupancy_of, upsampled
from ...geometry.distance import mesh_to_distance
from ...geometry.reconstruction import remeshed_and_smoothed
from ..condition_training import ConditionTraining, Evaluation, Fields, Reference
from ..data.blockouts import KINDS, blockout
from ..data.input_augmentation import dropped_voxels
from ..input_pictures import InputPicture, rendered
from ..look_up import TrainingShapes
from ..sample_grids import render

if TYPE_CHECKING:
    from ..condition_batches import Batches


def batch(batches: "Batches", picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Solid cells, some of which may be missing."""
    occupancy = batches.latents.occupancy[picks]
    return (dropped_voxels(occupancy, generator) if batches.is_partial(generator) else occupancy,)


def preview(occupancy: Tensor) -> Tensor:
    """The cells, smoothed."""
    # A field of fillings is no distance; this makes it short enough to step along.
    return render(0.06 * upsampled(occupancy[0].cpu().numpy(), "trilinear"))


def half_filled(field: Tensor) -> np.ndarray:
    """Solid voxels (16, 16, 16) bool: a cell is filled when at least half of its grid points are inside."""
    return (F.avg_pool3d((field < 0).float()[None], field.shape[0] // CELLS)[0] >= 0.5).numpy()


def voxel_input(shape: Reference, rng: np.random.Generator) -> dict:
    """The reference's own cells."""
    return {"occupancy": occupancy_of(shape.field, CELLS)}


def baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    """Interpolated cells."""
    R, occupancy = field.shape[0], inputs["occupancy"]
    return {
        "nearest": upsampled(occupancy, "nearest", R),
        "trilinear": upsampled(occupancy, "trilinear", R),
        "trilinear_half_filled": upsampled(half_filled(field), "trilinear", R),
    }


def show(inputs: dict) -> InputPicture:
    """The cells."""
    occupancy = inputs["occupancy"]
    return rendered(upsampled(occupancy, "nearest") * (2 / occupancy.shape[0]))


def blockout_input(shape: Reference, rng: np.random.Generator, kind: str) -> dict:
    """The mesh of a blockout of the reference, of one of the kinds in blockouts.KINDS."""
    vertices, faces = blockout(shape.field, kind, rng)
    return {"vertices": vertices, "faces": faces}


def blockout_variants(views: Sequence[int]) -> dict[str, dict]:
    """Every kind of blockout."""
    return {f"_{kind}": {"kind": kind} for kind in KINDS}


def blockout_baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    """The blocks as they are, and as Blender's modifiers smooth them."""
    mesh = inputs["vertices"], inputs["faces"]
    return {
        "blocks": torch.from_numpy(mesh_to_distance(*mesh, field.shape[0])),
        "remesh_and_smooth": remeshed_and_smoothed(*mesh, field.shape[0]),
    }


def show_blockout(inputs: dict) -> InputPicture:
    """The blocks."""
    return rendered(torch.from_numpy(mesh_to_distance(inputs["vertices"], inputs["faces"])))


TRAINING = ConditionTraining(
    name="voxels",
    batch=batch,
    preview=preview,
    evaluations={
        "voxels": Evaluation(voxel_input, show, baselines),
        "blockout": Evaluation(blockout_input, show_blockout, blockout_baselines, blockout_variants),
    },
    notes={
        "voxels": "solid 16³; a cell is filled when any grid point of it is inside (rule 'any')",
        "nearest": "the model's own input voxels, each cell as it is",
        "trilinear": "the model's own input voxels, interpolated, solid above 1/2",
        "trilinear_half_filled": "other voxels than the model's: a cell is filled when at least half of it is inside; "
        "then as trilinear",
        "blockout": "a blockout's mesh in the place of voxels: 12 boxes or convex hulls fitted greedily, or cells at "
        "least half filled, 8 … 24 a side",
        "blocks": "the blockout itself",
        "remesh_and_smooth": "voxel remesh of the blockout at 1/32 unit, and five times Smooth at its factor 1/2, as "
        "Blender's modifiers do",
    },
)
