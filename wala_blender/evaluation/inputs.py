"""Evaluation inputs: each condition's raw inputs, derived from reference shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError
from ..training.condition_training import Evaluation
from ..training.conditions import TRAININGS
from ..training.input_pictures import InputPicture
from .shapes import Shape

# Name of an evaluation → its condition and Evaluation
EVALUATIONS: dict[str, tuple[str, Evaluation]] = {
    name: (training.name, evaluation)
    for training in TRAININGS.values()
    for name, evaluation in training.evaluations.items()
}
WITH_CAPTION = "+text"


@dataclass(frozen=True)
class Trial:
    """One evaluated input: a condition, and the raw input derived from a reference, optionally with its caption."""

    condition: str
    evaluation: Evaluation
    further: dict[str, Any] = field(default_factory=dict)  # arguments of evaluation.make
    has_caption_beside: bool = False

    def make(self, shape: Shape, rng: np.random.Generator) -> dict:
        """The raw input."""
        caption = {"prompt": shape.record.caption} if self.has_caption_beside else {}
        return self.evaluation.make(shape, rng, **self.further) | caption

    def show(self, inputs: dict) -> list[InputPicture]:
        """The raw input, and words beside it, for a report."""
        words = [inputs["prompt"]] if self.has_caption_beside else []
        return [*words, self.evaluation.show(inputs)]

    @property
    def as_set(self) -> bool:
        """Whether results are evaluated as a set: the input does not identify the shape."""
        return self.evaluation.as_set and not self.has_caption_beside

    @property
    def by_name(self) -> bool:
        """Whether the condition is text."""
        return TRAININGS[self.condition].by_name


def trials_of(conditions: Sequence[str], views: Sequence[int]) -> dict[str, Trial]:
    """By the names in a report. ``views``: the cameras that the model's pictures must be from; with () a condition of
    several is measured once with every published set, as "depths_4" and "depths_6". "blockout" is voxels given a
    blockout's mesh, as "blockout_boxes" and so on. "sketch+text" is a sketch with the caption beside it, and so on.
    Raises InputError for a condition that cannot be measured."""
    unknown = sorted({condition.removesuffix(WITH_CAPTION) for condition in conditions} - set(EVALUATIONS))
    if unknown:
        raise InputError(f"unknown condition {unknown[0]!r}", f"Choose some of {', '.join(EVALUATIONS)}")
    trials = {}
    for name in conditions:
        asked = name.removesuffix(WITH_CAPTION)
        beside = name[len(asked) :]
        condition, evaluation = EVALUATIONS[asked]
        for suffix, further in evaluation.variants(views).items():
            trials[f"{asked}{suffix}{beside}"] = Trial(condition, evaluation, further, bool(beside))
    return trials
