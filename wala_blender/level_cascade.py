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
    original: Tensor | None = None,
    strength: float = 1.0,
    on_step: Callable[[int, int], None] | None = None,
) -> list[Tensor]:
    """All levels' latents (1, M, C), the coarsest first: those in ``kept``, and newly sampled finer ones.

    denoisers and counts: of every level. ``original``: latents of the first sampled level, to be varied with that
    ``strength`` instead of sampled from pure noise. ``on_step(step, steps)`` counts through all levels and may raise to
    stop. The same seed gives the same latents.
    """
    levels = list(kept)
    sigmas, first = edm.noise_levels(STEPS), 0 if original is None else start_step(strength)
    total = STEPS * (len(denoisers) - len(kept)) - first
    done = 0
    for number in range(len(kept), len(denoisers)):
        model = denoisers[number]
        weight = model.proj_in.weight
        generator = torch.Generator().manual_seed((len(denoisers) * seed + number) % 2**63)
        noise = torch.randn(1, counts[number], model.config.channels, generator=generator).to(weight)
        remaining = sigmas[first:]
        start = float(remaining[0]) * noise + (0 if original is None else original)
        denoise = guided_denoiser(model, levels, category, scale)
        sample = edm.heun(denoise, remaining, start, on_step and partial(_report, on_step, done, total))
        levels.append(standardized(sample))
        done += len(remaining) - 1
        original, first = None, 0
    return levels


def _report(on_step: Callable[[int, int], object], before: int, total: int, step: int, _: int) -> None:
    on_step(before + step, total)
