"""Guidance: wrappers that turn a conditional denoiser into what samplers call.

Conditions are opaque here.
"""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

AnyCondition = TypeVar("AnyCondition")  # a Condition, or what a network projected it to
# x (B, …), t (B,) and a condition of R rows, R a divisor of B, each for B / R samples in a row → x₀ or the noise
ConditionalDenoiser = Callable[[Tensor, Tensor, AnyCondition], Tensor]


def conditioned(
    denoiser: ConditionalDenoiser[AnyCondition], condition: AnyCondition
) -> Callable[[Tensor, Tensor], Tensor]:
    """No guidance: the conditional prediction (``Condition()`` for an unconditional model)."""
    return lambda x, t: denoiser(x, t, condition)


def guided(
    denoiser: ConditionalDenoiser[AnyCondition], both: AnyCondition, scale: float
) -> Callable[[Tensor, Tensor], Tensor]:
    """Classifier-free guidance: empty + scale·(conditioned − empty), both in one batch of the network. ``both``: the
    condition stacked with the empty one (see Condition.stacked_with), perhaps as the network projected it."""

    def call(x: Tensor, t: Tensor) -> Tensor:
        with_condition, without = denoiser(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return torch.lerp(without, with_condition, scale)

    return call
