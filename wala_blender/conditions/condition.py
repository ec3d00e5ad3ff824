"""What a condition is, once prepared and once encoded. Knows tensors and a frame; not what they came from, nor who reads them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..geometry.distance import Frame
from .evidence import EvidenceFor
from .observation import Observation


@dataclass(frozen=True)
class Condition:
    """``tokens`` (B or 1, N, C) for cross-attention, ``grid`` (B or 1, C, 12, 12, 12) added in place; None where a model has none."""

    tokens: Tensor | None = None
    grid: Tensor | None = None

    def stacked_with(self, other: "Condition", batch: int) -> "Condition":
        """``batch`` rows of this condition, then ``batch`` of the other."""
        def stack(a: Tensor | None, b: Tensor | None) -> Tensor | None:
            return None if a is None else torch.cat([a.expand(batch, *a.shape[1:]), b.expand(batch, *b.shape[1:])])
        return Condition(stack(self.tokens, other.tokens), stack(self.grid, other.grid))


@dataclass(frozen=True)
class Prepared:
    """A raw input made ready: ``tensors``, a batch of one, are what the condition's encoder takes; ``frame`` says where the input's
    coordinates lie in model space, ``observation`` what it says of where the shape is; None where it has no place there. ``words``: what the
    encoder of words takes, where a prompt came with the input; ``note``: a remark for whoever gave the input; ``in_parts``: the input itself is
    of several loose parts; ``evidence``: what the detail stage is given."""

    tensors: tuple[Tensor, ...]
    frame: Frame | None = None
    observation: Observation | None = None
    words: tuple[Tensor, ...] = ()
    note: str = ""
    in_parts: bool = False
    evidence: EvidenceFor | None = None
