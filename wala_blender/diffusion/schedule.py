"""Noise schedule: signal and noise levels of each step, and the conversion of predictions to x₀.

Paper: x_t = √ᾱ_t·x₀ + √(1−ᾱ_t)·ε. All coefficients are float64, applied to tensors of any type.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class ScheduleConfig:
    """``curve``: a name of BETA_SCHEDULES; ``prediction``: what the network gives, "x0" or "epsilon"; ``variance``:
    "small" or "large"."""

    curve: str = "cosine"
    prediction: str = "x0"
    variance: str = "small"
    length: int = 1000

    def __post_init__(self):
        for name, known in (
            ("curve", tuple(BETA_SCHEDULES)),
            ("prediction", ("x0", "epsilon")),
            ("variance", ("small", "large")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected one of {known}")


def cosine_betas(length: int) -> np.ndarray:
    """β_i = 1 − ᾱ((i+1)/length)/ᾱ(i/length) ≤ 0.999 with ᾱ(t) = cos²((t + 0.008)/1.008·π/2)."""
    alpha_bar = np.cos((np.arange(length + 1) / length + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)


def linear_betas(length: int) -> np.ndarray:
    """1e-4 … 0.02 for a length of 1000; other lengths keep the total noise."""
    return np.linspace(0.1 / length, 20 / length, length)


def scaled_linear_betas(length: int) -> np.ndarray:
    """Squares of numbers evenly spaced from √0.00085 to √0.02."""
    return np.linspace(0.00085**0.5, 0.02**0.5, length) ** 2


BETA_SCHEDULES = {"cosine": cosine_betas, "linear": linear_betas, "scaled linear": scaled_linear_betas}


def spaced_steps(length: int, steps: int) -> np.ndarray:
    """``steps`` of the timesteps 0 … length − 1, evenly spaced, both ends included (one step: 0), rounded half to even;
    int64."""
    if not 1 <= steps <= length:
        raise ValueError(f"steps is {steps}, expected 1 … {length}")
    stride = (length - 1) / max(steps - 1, 1)
    return np.round(np.arange(steps) * stride).astype(np.int64)


def trailing_steps(length: int, steps: int) -> np.ndarray:
    """``steps`` of the timesteps 0 … length − 1, evenly spaced, the noisiest first and included; int64."""
    if not 1 <= steps <= length:
        raise ValueError(f"steps is {steps}, expected 1 … {length}")
    return np.round(length - np.arange(steps) * (length / steps)).astype(np.int64) - 1


# tables computed from ᾱ_t (length,)
_TABLES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "signal": np.sqrt,
    "noise": lambda alpha_bar: np.sqrt(1 - alpha_bar),
    "x0 of x": lambda alpha_bar: np.sqrt(1 / alpha_bar),
    "x0 of noise": lambda alpha_bar: np.sqrt(1 / alpha_bar - 1),
}


class Schedule:
    """A schedule and its arithmetic. ``alpha_bar`` (length,) float64: the share of the signal's variance at each
    timestep."""

    def __init__(self, config: ScheduleConfig = ScheduleConfig()):
        self.config = config
        self.betas = BETA_SCHEDULES[config.curve](config.length)
        self.alpha_bar = np.cumprod(1 - self.betas)
        self._tables: dict[tuple[str, torch.device, torch.dtype], Tensor] = {}

    def _at(self, name: str, t: Tensor, like: Tensor) -> Tensor:
        """A row of _TABLES at timesteps t (B,), shaped to multiply ``like``. The table lies where ``like`` does, so
        that a step of sampling does not wait for the GPU."""
        key = name, like.device, like.dtype
        if key not in self._tables:
            self._tables[key] = torch.from_numpy(_TABLES[name](self.alpha_bar)).to(like.device, like.dtype)
        return self._tables[key][t.long()].reshape(-1, *[1] * (like.ndim - 1))

    def signal(self, t: Tensor, like: Tensor) -> Tensor:
        """√ᾱ_t of timesteps t (B,), shaped to multiply ``like`` (B, …)."""
        return self._at("signal", t, like)

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """x_t from x₀ (B, …), unit noise like it and timesteps t (B,)."""
        return self.signal(t, x0) * x0 + self._at("noise", t, x0) * noise

    def noised_further(self, x: Tensor, noise: Tensor, timestep: int, later: int) -> Tensor:
        """x at a later, noisier timestep, from x at a timestep and unit noise like it."""
        share = float(self.alpha_bar[later] / self.alpha_bar[timestep])
        return share**0.5 * x + (1 - share) ** 0.5 * noise

    def target(self, x0: Tensor, noise: Tensor) -> Tensor:
        """What the network is to predict."""
        return x0 if self.config.prediction == "x0" else noise

    def to_x0(self, x: Tensor, t: Tensor, prediction: Tensor) -> Tensor:
        """x₀ (B, …) from x_t, timesteps t (B,) and the network's prediction; no clipping."""
        if self.config.prediction == "x0":
            return prediction
        return self._at("x0 of x", t, x) * x - self._at("x0 of noise", t, x) * prediction

    def respaced(self, steps: int, length: int | None = None) -> list["Step"]:
        """The steps of ancestral sampling, in the order they are taken (noisiest first); of the first ``length``
        timesteps only, where sampling begins from a shape."""
        timesteps = spaced_steps(length or self.config.length, steps)
        now = self.alpha_bar[timesteps]
        before = np.append(1.0, now[:-1])
        beta = 1 - now / before
        posterior = beta * (1 - before) / (1 - now)
        # the first step's posterior is 0 and never used: no noise is added on it
        variance = posterior if self.config.variance == "small" else beta
        rows = zip(
            timesteps,
            beta * np.sqrt(before) / (1 - now),
            (1 - before) * np.sqrt(1 - beta) / (1 - now),
            np.sqrt(variance),
        )
        trajectory = [Step(int(t), float(a), float(b), float(s) if i else 0.0) for i, (t, a, b, s) in enumerate(rows)]
        return trajectory[::-1]


@dataclass(frozen=True)
class Step:
    """One step: x ← ``from_x0``·x₀ + ``from_x``·x + ``noise``·ε at ``timestep``; ``noise`` is 0 on the last."""

    timestep: int
    from_x0: float
    from_x: float
    noise: float
