"""Cascade of LaGeM's denoisers: samples the levels of latents, coarse to fine, below the levels that are kept."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from .diffusion import edm
from .errors import InputError
from .networks.level_denoiser import LevelDenoiser
from .networks.set_layers import standardized

UNCONDITIONAL = 0  # category of unnamed shapes
STEPS = 18
GUIDANCE = 3.0


def guided_denoiser(model: LevelDenoiser, coarser: Sequence[Tensor], category: int, scale: float) -> edm.Denoiser:
    """The model's denoiser for a category: unconditional + scale · (category − unconditional); of UNCONDITIONAL without
    guidance."""

    def denoiser(number: int) -> edm.Denoiser:
        def network(x: Tensor, noise: Tensor) -> Tensor:
            return model(x, noise, coarser, torch.full((len(x),), number, device=x.device))

        return edm.preconditioned(network)

    unconditional, named = denoiser(UNCONDITIONAL), denoiser(category)
    if category == UNCONDITIONAL:
        return unconditional

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        plain = unconditional(x, sigma)
        return plain + scale * (named(x, sigma) - plain)

    return denoise


def start_step(strength: float, steps: int = STEPS) -> int:
    """The step from which a level of that strength (0 … 1) is denoised again: 0 for all of them. Raises InputError."""
    if not 0 <= strength <= 1:
        raise InputError(f"the strength is {strength}, expected 0 … 1")
    return round((1 - strength) * (steps - 1))


@torch.no_grad()
def generate_levels(
    denoisers: Sequence[LevelDenoiser],
    counts: Sequence[int],
    kept: Sequence[Tensor],
    seed: int,
    category: int = UNCONDITIONAL,
    scale: float = GUIDANCE,
    originals: Sequence[Tensor] = (),
    strength: float = 1.0,
    on_step: Callable[[int, int], None] | None = None,
) -> list[Tensor]:
    """All levels' latents (1, M, C), the coarsest first: those in ``kept``, and newly sampled finer ones.

    denoisers and counts: of every level. ``originals``: latents of the sampled levels, each of which begins with its
    own at the noise of that ``strength``, 0 … 1; without them, or with a strength of 1, they begin with pure noise.
    ``on_step(step, steps)`` counts through all levels and may raise to stop. The same seed gives the same latents.
    """
    levels, first = list(kept), start_step(strength) if originals else 0
    if originals and len(originals) != len(denoisers) - len(kept):
        raise ValueError(f"{len(originals)} originals of {len(denoisers) - len(kept)} sampled levels")
    remaining = edm.noise_levels(STEPS)[first:]
    steps = len(remaining) - 1
    total, done = steps * (len(denoisers) - len(kept)), 0
    for number in range(len(kept), len(denoisers)):
        model = denoisers[number]
        weight = model.proj_in.weight
        generator = torch.Generator().manual_seed((len(denoisers) * seed + number) % 2**63)
        noise = torch.randn(1, counts[number], model.config.channels, generator=generator).to(weight)
        start = float(remaining[0]) * noise
        if first:
            start = start + originals[number - len(kept)]
        denoise = guided_denoiser(model, levels, category, scale)
        sample = edm.heun(denoise, remaining, start, on_step and partial(_report, on_step, done, total))
        levels.append(standardized(sample))
        done += steps
    return levels


def _report(on_step: Callable[[int, int], object], before: int, total: int, step: int, _: int) -> None:
    on_step(before + step, total)
