"""Guidance: wrappers that turn a conditional denoiser into what samplers call.

Knows conditions as opaque things; not how they were made.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..networks.condition import Condition

ConditionalDenoiser = Callable[[Tensor, Tensor, Condition], Tensor]


def conditioned(denoiser: ConditionalDenoiser, condition: Condition) -> Callable[[Tensor, Tensor], Tensor]:
    """No guidance: the condition alone (``Condition()`` for an unconditional model)."""
    return lambda x, t: denoiser(x, t, condition)


def guided(
    denoiser: ConditionalDenoiser, condition: Condition, empty: Condition, scale: float
) -> Callable[[Tensor, Tensor], Tensor]:
    """Classifier-free guidance: empty + scale·(conditioned − empty), both in one batch of the network."""

    def call(x: Tensor, t: Tensor) -> Tensor:
        both = condition.stacked_with(empty, len(x))
        with_condition, without = denoiser(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return torch.lerp(without, with_condition, scale)

    return call
