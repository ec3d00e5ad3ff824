"""Encoded conditions: the tokens and the grid that a denoiser reads."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """``tokens`` (R, N, C) for cross-attention, ``grid`` (R, C, 12, 12, 12) added in place; None where a model has
    none."""

    tokens: Tensor | None = None
    grid: Tensor | None = None

    def stacked_with(self, other: "Condition") -> "Condition":
        """Rows of this condition, followed by those of the other."""

        def stack(a: Tensor | None, b: Tensor | None) -> Tensor | None:
            return None if a is None else torch.cat([a, b.expand_as(a)])

        return Condition(stack(self.tokens, other.tokens), stack(self.grid, other.grid))
