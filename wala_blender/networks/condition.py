"""Encoded conditions: the tokens and the grid that a denoiser reads."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """``tokens`` (B or 1, N, C) for cross-attention, ``grid`` (B or 1, C, 12, 12, 12) added in place; None where a
    model has none."""

    tokens: Tensor | None = None
    grid: Tensor | None = None

    def stacked_with(self, other: "Condition", batch: int) -> "Condition":
        """``batch`` rows of this condition, then ``batch`` of the other."""

        def stack(a: Tensor | None, b: Tensor | None) -> Tensor | None:
            return None if a is None else torch.cat([a.expand(batch, *a.shape[1:]), b.expand(batch, *b.shape[1:])])

        return Condition(stack(self.tokens, other.tokens), stack(self.grid, other.grid))
