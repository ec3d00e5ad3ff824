"""EDM diffusion (Karras et al. 2022): preconditioning, noise levels, training loss, and the deterministic Heun sampler.

``data`` is the standard deviation of the clean samples throughout (sigma_data in the paper).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Network = Callable[[Tensor, Tensor], Tensor]  # (x scaled to unit variance (B, …), noise condition (B,)) → like x
Denoiser = Callable[[Tensor, Tensor], Tensor]  # (x (B, …), sigma (B,)) → the clean sample, like x

MEAN_LOG_SIGMA, STD_LOG_SIGMA = -1.2, 1.2


@dataclass(frozen=True)
class Preconditioning:
    """Factors of D = skip·x + out·F(input·x, noise), table 1's last column; each (B, 1, …) beside ``noise`` (B,)."""

    skip: Tensor
    out: Tensor
    input: Tensor
    noise: Tensor

    @classmethod
    def of(cls, sigma: Tensor, dimensions: int, data: float = 1.0) -> "Preconditioning":
        """Of noise levels sigma (B,) > 0, for samples with so many dimensions."""
        s = sigma.reshape(-1, *[1] * (dimensions - 1))
        total = (s**2 + data**2).sqrt()
        return cls(data**2 / total**2, s * data / total, 1 / total, sigma.log() / 4)


def preconditioned(network: Network, data: float = 1.0) -> Denoiser:
    """The denoiser D(x, sigma) that a network F(x, noise) makes (equation 7)."""

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        factors = Preconditioning.of(sigma, x.ndim, data)
        return factors.skip * x + factors.out * network(factors.input * x, factors.noise)

    return denoise


def clean_preconditioned(network: Network, data: float = 1.0) -> Denoiser:
    """The denoiser D(x, sigma) = data · F(input·x, noise) of a network that predicts the clean sample.

    For samples of few degrees of freedom among many numbers: equation 7's network has to pass on what of the noise its
    skip lets through, in all of them; this one only what samples can be.
    """

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        factors = Preconditioning.of(sigma, x.ndim, data)
        return data * network(factors.input * x, factors.noise)

    return denoise


def clean_loss(denoiser: Denoiser, clean: Tensor, noise: Tensor, sigma: Tensor, data: float = 1.0) -> Tensor:
    """The mean over everything of the squared error in units of data, alike at all noise levels; arguments as of
    ``loss``."""
    s = sigma.reshape(-1, *[1] * (clean.ndim - 1))
    return (((denoiser(clean + s * noise, sigma) - clean) / data) ** 2).mean()


def training_sigmas(normals: Tensor, mean: float = MEAN_LOG_SIGMA, deviation: float = STD_LOG_SIGMA) -> Tensor:
    """Standard normal numbers → noise levels to train on: ln sigma is normal with this mean and deviation."""
    return (mean + deviation * normals).exp()


def loss(denoiser: Denoiser, clean: Tensor, noise: Tensor, sigma: Tensor, data: float = 1.0) -> Tensor:
    """The mean over everything of the weighted squared error (equation 2); the weight (sigma² + data²) / (sigma·data)²
    keeps its size even.

    clean, noise (unit variance): (B, …); sigma (B,).
    """
    s = sigma.reshape(-1, *[1] * (clean.ndim - 1))
    weight = (s**2 + data**2) / (s * data) ** 2
    return (weight * (denoiser(clean + s * noise, sigma) - clean) ** 2).mean()


def noise_levels(steps: int = 18, low: float = 0.002, high: float = 80.0, rho: float = 7.0) -> Tensor:
    """The sampler's noise levels from ``high`` down to ``low``, then 0 (equation 5): (steps + 1,) float64. ``steps`` ≥
    2."""
    share = torch.arange(steps, dtype=torch.float64) / (steps - 1)
    levels = (high ** (1 / rho) + share * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    return torch.cat([levels, levels.new_zeros(1)])


@torch.no_grad()
def heun(
    denoiser: Denoiser, sigmas: Tensor, start: Tensor, on_step: Callable[[int, int], None] | None = None
) -> Tensor:
    """Deterministic second-order sampling (algorithm 1).

    ``sigmas``: as ``noise_levels`` gives them, or their end from some step on. ``start`` (B, …): what lies at the first
    of them, such as sigmas[0] · unit noise. ``on_step(step, steps)``: called before every step, counted from 0; may
    raise to stop. Returns the clean sample like ``start``; the state between is float64.
    """

    def slope(x: Tensor, sigma: Tensor) -> Tensor:
        # float64 is for the sums alone, and some devices have none
        level = sigma.to(start.device, start.dtype).expand(len(start))
        return (x - denoiser(x.to(start.device, start.dtype), level).to(x)) / sigma

    x, steps = start.cpu().double(), len(sigmas) - 1
    sigmas = sigmas.cpu().double()
    for i, (now, then) in enumerate(itertools.pairwise(sigmas)):
        if on_step is not None:
            on_step(i, steps)
        first = slope(x, now)
        ahead = x + (then - now) * first
        x = x + (then - now) * (first + slope(ahead, then)) / 2 if then > 0 else ahead
    return x.to(start.device, start.dtype)
