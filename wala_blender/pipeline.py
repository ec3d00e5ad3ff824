"""The whole way, stage by stage: input → condition → latent → field → mesh, and field → latent. Knows the order of stages; not what is in them."""

import hashlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from .autoencoder import Autoencoder
from .conditions.condition import Prepared
from .diffusion.guidance import guided
from .diffusion.samplers import ancestral, generated_noises
from .diffusion.schedule import Schedule
from .errors import InputError, ModelError
from .geometry.surface import field_to_mesh
from .models.checkpoint import load_components
from .models.starter import Starter
from .models.table import ModelRow, find_row
from .wavelet import field_to_tree, tree_to_field

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Settings:
    """What a generation depends on besides its input. scale (guidance, ≥ 0) and steps (2 … 1000): None takes the model's default."""

    model: str = "starter"
    seed: int = 0
    scale: float | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Generation:
    """A result: vertices (V, 3) float32 in model space, faces (F, 3) int32, the latent (4, 12, 12, 12) float32, and what it came from."""

    vertices: np.ndarray
    faces: np.ndarray
    latent: np.ndarray
    record: dict = field(default_factory=dict)


def choose_device(wanted: str = "auto") -> torch.device:
    """"auto": CUDA where there is one, else the CPU. Raises ModelError for a device that is not there."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted not in ("cpu", "cuda", "mps"):
        raise ModelError(f"unknown device {wanted!r}", "Choose auto, cpu, cuda or mps.")
    if (wanted == "cuda" and not torch.cuda.is_available()) or (wanted == "mps" and not torch.backends.mps.is_available()):
        raise ModelError(f"this computer, or this build of PyTorch, has no {wanted} device", "Set the device to auto or cpu.")
    return torch.device(wanted)


class Pipeline:
    """A loaded model and its stages. Make one with ``load``."""

    def __init__(self, row: ModelRow, autoencoder: Autoencoder, denoiser: Starter, weight_hash: str, device: torch.device):
        self.row, self.weight_hash, self.device = row, weight_hash, device
        self.autoencoder, self.denoiser = autoencoder.to(device).eval(), denoiser.to(device).eval()
        self.schedule = Schedule()

    @classmethod
    def load(cls, model: str = "starter", device: str = "auto") -> "Pipeline":
        """The model of that name. Raises ModelError (unknown, no such device) and CheckpointError (weights missing or damaged)."""
        row, chosen = find_row(model), choose_device(device)
        with torch.device("meta"):
            autoencoder, denoiser = Autoencoder(row.autoencoder), Starter(row.starter, row.vocabulary)
        load_components(row.weights, {"autoencoder": autoencoder, "starter": denoiser})
        weight_hash = hashlib.sha256(row.weights.read_bytes()).hexdigest()[:16]
        return cls(row, autoencoder, denoiser, weight_hash, chosen)

    @torch.no_grad()
    def field_to_latent(self, field: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Distance field (256, 256, 256) → latent (4, 12, 12, 12) before quantisation."""
        tree = field_to_tree(torch.as_tensor(field, dtype=torch.float32, device=self.device)[None], self.row.padding)
        return self.autoencoder.encode(tree)[0]

    @torch.no_grad()
    def latent_to_field(self, latent: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Latent (4, 12, 12, 12) before quantisation → distance field (256, 256, 256) float32."""
        latent = torch.as_tensor(latent, dtype=torch.float32, device=self.device)
        return tree_to_field(self.autoencoder.decode(latent[None]).float())[0]

    def generate_latent(self, condition: str, inputs: dict, settings: Settings, progress: Progress | None = None) -> tuple[torch.Tensor, Prepared]:
        """Latent (4, 12, 12, 12) for an input (see conditions/inputs.py), and the input as it was prepared.

        The same settings and input give the same latent, whoever calls. progress(stage, step, steps) may raise to stop.
        Raises InputError for an unusable input or setting, ModelError for a condition the model does not take.
        """
        progress = progress or _silent
        scale, steps = self._checked(condition, settings)
        progress("condition", 0, 1)
        prepared = self.denoiser.prepare(condition, inputs)
        with torch.no_grad():
            encoded = self.denoiser.encode(condition, *(tensor.to(self.device) for tensor in prepared.tensors))
            denoiser = guided(self.denoiser.denoise, encoded, self.denoiser.empty(encoded), scale)
            # Drawn on the CPU, so that a seed means the same shape on every device.
            noises = generated_noises((1, 4, 12, 12, 12), torch.Generator().manual_seed(settings.seed), self.device)
            latent = ancestral(denoiser, self.schedule, steps, noises, lambda step, count: progress("sample", step, count))[0]
        return latent, prepared

    def generate(self, condition: str, inputs: dict, settings: Settings, progress: Progress | None = None,
                 on_latent: Callable[[np.ndarray], None] | None = None) -> Generation:
        """A mesh for an input. on_latent gets the latent as soon as it exists, so that a later stage's failure does not lose it."""
        progress = progress or _silent
        timings: dict[str, float] = {}
        timed = _Stopwatch(progress, timings)
        latent, prepared = self.generate_latent(condition, inputs, settings, timed)
        if on_latent is not None:
            on_latent(latent.cpu().numpy())
        timed("decode", 0, 1)
        distance = self.latent_to_field(latent)
        timed("surface", 0, 1)
        vertices, faces = field_to_mesh(distance)
        timed.stop()
        scale, steps = self._checked(condition, settings)
        frame = prepared.frame
        record = {
            "model": self.row.name, "weight_hash": self.weight_hash, "seed": settings.seed, "scale": scale, "steps": steps,
            "condition": condition, "licence": self.row.licence, "ai_generated": True, "timings": timings,
            "frame": {"center": [float(c) for c in frame.center], "scale": float(frame.scale)} if frame else None,
        }
        return Generation(vertices, faces, latent.cpu().numpy(), record)

    def _checked(self, condition: str, settings: Settings) -> tuple[float, int]:
        """Scale and steps to use."""
        if condition not in self.row.conditions:
            raise ModelError(f"the model {self.row.name} takes no {condition}", f"It takes: {', '.join(self.row.conditions)}.")
        defaults = self.row.conditions[condition]
        scale = defaults.scale if settings.scale is None else float(settings.scale)
        steps = defaults.steps if settings.steps is None else int(settings.steps)
        if not (math.isfinite(scale) and 0 <= scale <= 100):
            raise InputError(f"the guidance scale is {scale}, expected 0 … 100", f"The default is {defaults.scale:g}.")
        if not 2 <= steps <= self.schedule.config.length:
            raise InputError(f"the number of steps is {steps}, expected 2 … {self.schedule.config.length}", f"The default is {defaults.steps}.")
        if not 0 <= settings.seed < 2**63:
            raise InputError(f"the seed is {settings.seed}, expected a whole number from 0 to 2^63 − 1")
        return scale, steps


class _Stopwatch:
    """Passes progress on and writes down how long each stage took, in seconds."""

    def __init__(self, progress: Progress, timings: dict[str, float]):
        self._progress, self._timings, self._stage, self._since = progress, timings, "", 0.0

    def __call__(self, stage: str, step: int, steps: int) -> None:
        if stage != self._stage:
            self.stop()
            self._stage, self._since = stage, time.perf_counter()
        self._progress(stage, step, steps)

    def stop(self) -> None:
        if self._stage:
            self._timings[self._stage] = time.perf_counter() - self._since


def _silent(stage: str, step: int, steps: int) -> None:
    pass
