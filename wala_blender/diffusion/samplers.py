"""Samplers: functions from noise to a latent, given a schedule and a denoiser. Conditions and guidance are inside the
denoiser."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from .schedule import Schedule, trailing_steps

MASKED_REPEATS = 3  # of a step where a part of a latent is sampled alone

Denoiser = Callable[[Tensor, Tensor], Tensor]


def generated_noises(
    shape: tuple[int, ...], generator: torch.Generator, device: torch.device | str = "cpu"
) -> Iterable[Tensor]:
    """Unit noise without end. Drawn where the generator lives (use the CPU: the same seed then gives the same shape on
    every device)."""
    while True:
        yield torch.randn(shape, generator=generator, device=generator.device).to(device)


def noises_of_seeds(
    seeds: Sequence[int], shape: tuple[int, ...], device: torch.device | str = "cpu"
) -> Iterable[Tensor]:
    """Unit noise (B, *shape) without end, a row a seed: each row is what its seed alone gives."""
    streams = [generated_noises((1, *shape), torch.Generator().manual_seed(seed), device) for seed in seeds]
    return (torch.cat(rows) for rows in zip(*streams, strict=True))


@dataclass(frozen=True)
class Start:
    """A latent (C, D, D, D), or one a row (B, C, D, D, D), that sampling starts from instead of noise, with noise added
    to it up to the share ``strength`` (0 … 1) of the schedule's timesteps, as in SDEdit (Meng et al. 2022). ``mask``,
    bool, to be broadcast to the latent: only what is set there is sampled, as in RePaint (Lugmayr et al. 2022), each
    step but the last MASKED_REPEATS times, with noise added again between, so that it fits what is kept. ``unbiased``:
    to be sampled by ``antithetic``."""

    latent: Tensor
    strength: float
    mask: Tensor | None = None
    unbiased: bool = False

    def of_rows(self, first: int, count: int) -> "Start":
        """The start of ``count`` rows."""
        latent = self.latent if self.latent.ndim == 5 else self.latent.expand(first + count, *self.latent.shape)
        return replace(self, latent=latent[first : first + count])

    def length(self, schedule: Schedule) -> int:
        """How many of the schedule's timesteps are sampled."""
        return max(2, round(self.strength * schedule.config.length))

    def steps(self, steps: int, schedule: Schedule) -> int:
        """Denoising steps of these timesteps, of ``steps`` for all of them."""
        return min(max(2, math.ceil(self.strength * steps)), self.length(schedule))

    def noised(self, noise: Tensor, timestep: int | None, schedule: Schedule) -> Tensor:
        """The latent at a timestep, with noise (B, …); None: without any."""
        latent = self.latent.expand_as(noise)
        if timestep is None:
            return latent
        return schedule.add_noise(latent, noise, torch.full((len(noise),), timestep, device=noise.device))


@torch.no_grad()
def ancestral(
    denoiser: Denoiser,
    schedule: Schedule,
    steps: int,
    noises: Iterable[Tensor],
    on_step: Callable[[int, int], None] | None = None,
    start: Start | None = None,
) -> Tensor:
    """Ancestral sampling on respaced steps.

    ``denoiser``: (x (B, …), t (B,) float32 original timesteps 0 … 999) → the schedule's kind of prediction, like x.
    ``noises``: the starting noise, then one for every step but the last (more are not read); each like x.
    ``on_step(step, steps)``: called before every denoising step, counted from 0; may raise to stop. ``start``: a
    latent to start from, with ``steps`` of its own timesteps.
    Returns x₀ (B, …).
    """
    # All before the first step: a later transfer to a GPU would wait for the steps before it.
    is_masked = start is not None and start.mask is not None
    repeats = MASKED_REPEATS if is_masked else 1
    noise, *fresh = islice(noises, 2 * repeats * steps if is_masked else steps)
    taken = schedule.respaced(steps, None if start is None else start.length(schedule))
    following = [*(step.timestep for step in taken[1:]), None]
    visits = [
        (step, target, number)
        for step, target in zip(taken, following, strict=True)
        for number in range(1 if target is None else repeats)
    ]
    x = noise if start is None else start.noised(noise, taken[0].timestep, schedule)
    for i, (step, target, number) in enumerate(visits):
        if on_step is not None:
            on_step(i, len(visits))
        t = torch.full((len(x),), float(step.timestep), device=x.device)
        x0 = schedule.to_x0(x, t, denoiser(x, t))
        x = step.from_x0 * x0 + step.from_x * x
        if step.noise > 0:
            x = x + step.noise * fresh[i]
        if start is not None and start.mask is not None:
            x = torch.where(start.mask, x, start.noised(noise, target, schedule))
            if target is not None and number + 1 < repeats:
                x = schedule.noised_further(x, fresh[len(visits) + i], target, step.timestep)
    return x


def antithetic(
    denoiser: Denoiser,
    schedule: Schedule,
    steps: int,
    noises: Iterable[Tensor],
    on_step: Callable[[int, int], None] | None = None,
    start: Start | None = None,
) -> Tensor:
    """``ancestral`` from a start, without the shift that denoising gives every sample of it, such as blur.

    The shift is estimated by antithetic noise: the mean of the samples with noise and with its negative, less the
    start. All of it is subtracted up to half of the schedule, less and less above, and none for the whole schedule.
    Arguments as of ``ancestral``; B rows of noise. Without a mask.
    """
    if start is None or start.strength >= 1:
        return ancestral(denoiser, schedule, steps, noises, on_step, start)
    pairs = (torch.cat([noise, -noise]) for noise in noises)
    doubled = replace(start, latent=torch.cat([start.latent, start.latent]))
    samples, mirrored = ancestral(denoiser, schedule, steps, pairs, on_step, doubled).chunk(2)
    shift = (samples + mirrored) / 2 - start.latent
    return samples - min(1.0, 2 * (1 - start.strength)) * shift


@torch.no_grad()
def ddim(
    denoiser: Denoiser,
    schedule: Schedule,
    steps: int,
    noises: Iterable[Tensor],
    on_step: Callable[[int, int], None] | None = None,
) -> Tensor:
    """DDIM (Song et al. 2021) without fresh noise, on trailing steps; the last one goes to the schedule's first
    timestep. Arguments as of ``ancestral``; of the noises the first is read."""
    timesteps = trailing_steps(schedule.config.length, steps)
    targets = [*timesteps[1:], 0]
    x = next(iter(noises))
    for i, (timestep, target) in enumerate(zip(timesteps, targets)):
        if on_step is not None:
            on_step(i, steps)
        now, then = float(schedule.alpha_bar[timestep]), float(schedule.alpha_bar[target])
        t = torch.full((len(x),), float(timestep), device=x.device)
        x0 = schedule.to_x0(x, t, denoiser(x, t))
        epsilon = (x - math.sqrt(now) * x0) / math.sqrt(1 - now)
        x = math.sqrt(then) * x0 + math.sqrt(1 - then) * epsilon
    return x
