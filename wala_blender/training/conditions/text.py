"""Condition "text" in training and evaluation."""

import random
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..condition_training import ConditionTraining, Evaluation, Reference
from ..data.captions import vary

if TYPE_CHECKING:
    from ..condition_batches import Batches


def batch(batches: "Batches", picks: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Word pieces of the shapes' captions or synonyms, put in other words."""
    rng = random.Random(int(torch.randint(2**31, (1,), generator=generator, device=generator.device)))
    entries = [batches.entries[batches.latents.owner[i]] for i in picks]
    ids = [batches.pieces(vary(rng.choice((entry.caption, *entry.synonyms)), entry.head, rng)) for entry in entries]
    return (torch.stack(ids).to(generator.device),)


def text_input(shape: Reference, rng: np.random.Generator) -> dict:
    """The caption."""
    return {"prompt": shape.record.caption}


TRAINING = ConditionTraining(
    name="text",
    batch=batch,
    by_name=True,
    evaluations={"text": Evaluation(text_input, lambda inputs: inputs["prompt"], as_set=True)},
    notes={"text": "the caption; a caption does not tell the shape, so that its iou is low for any model"},
)
