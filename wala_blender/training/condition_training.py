"""Specification of a condition in training and evaluation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from ..geometry.metrics import Mesh
from .data.mesh_datasets import Record
from .input_pictures import InputPicture
from .look_up import TrainingShapes

if TYPE_CHECKING:
    from .condition_batches import Batches


class Reference(Protocol):
    """Shape that inputs are derived from, see evaluation/shapes.py."""

    record: Record
    field: Tensor
    surface: Mesh
    mesh: Mesh


Batch = Callable[["Batches", Tensor, torch.Generator], tuple[Tensor, ...]]
Fields = dict[str, Tensor]  # by name, each (R, R, R)


def _no_baselines(field: Tensor, inputs: dict, train: TrainingShapes | None) -> Fields:
    return {}


def _one_variant(views: Sequence[int]) -> dict[str, dict]:
    return {"": {}}


@dataclass(frozen=True)
class Evaluation:
    """Input with which a condition is evaluated.

    ``make(shape, rng, **further)``: a reference's raw input in an artist's form; ``show(inputs)``: a picture of it;
    ``baselines(field, inputs, train)``: results of simpler methods. ``variants(views)``: suffixes of the name in a
    report, with further arguments; ``views``: the model's cameras, () for any. ``as_set``: the input does not identify
    the shape, so that results are evaluated as a set.
    """

    make: Callable[..., dict]
    show: Callable[[dict], InputPicture]
    baselines: Callable[[Tensor, dict, TrainingShapes | None], Fields] = _no_baselines
    variants: Callable[[Sequence[int]], dict[str, dict]] = _one_variant
    as_set: bool = False


@dataclass(frozen=True)
class ConditionTraining:
    """A condition in training and evaluation. ``name``: of its spec.

    ``batch(batches, picks, generator)``: what its encoder's forward takes, of rows of the latents, varied; None where
    nothing is trained of its own. ``by_name``: it is words, which only shapes with a name in their own pose go by.
    ``preview``: picture (PREVIEW_SIZE, PREVIEW_SIZE) for sample grids of a row of what ``batch`` gives; None shows the
    shape's caption. ``evaluations``: by the names that are asked for. ``notes``: a sentence on each input and baseline,
    for reports."""

    name: str
    batch: Batch | None = None
    by_name: bool = False
    preview: Callable[..., Tensor] | None = None
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def surface_of(shape: Reference) -> dict:
    """A reference's surface as the raw input of a mesh."""
    return {"vertices": shape.surface[0].astype(np.float64), "faces": shape.surface[1].astype(np.int64)}
