"""Latents of a mesh by levels: kept levels, latents made anew by the cascade, and their form in a job's files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .conditions.specs.mesh import KEEPS, LEVEL_NAMES
from .errors import InputError
from .geometry.distance import Frame
from .level_cascade import generate_levels
from .networks.configs import LevelAutoencoderConfig
from .networks.level_denoiser import LevelDenoiser

IN_MODEL_SPACE = Frame(np.zeros(3), 1.0)


@dataclass(frozen=True)
class MeshLatents:
    """``levels``: (1, M, C), the coarsest first. ``frame``: from the mesh's coordinates to model space; ``sphere``: to
    the unit sphere, in which the latents lie."""

    levels: list[Tensor]
    frame: Frame
    sphere: Frame

    @property
    def flat(self) -> np.ndarray:
        """The levels' numbers in a row."""
        return torch.cat([level.flatten() for level in self.levels]).cpu().numpy()

    def arrays(self) -> dict[str, np.ndarray]:
        """What a job keeps: z3, z2, z1 (M, C) float32, and the frame (4,) from model space to the unit sphere, center
        and scale."""
        center, scale = self.frame.to_model(self.sphere.center), self.sphere.scale / self.frame.scale
        levels = {name: level[0].float().cpu().numpy() for name, level in zip(LEVEL_NAMES, self.levels)}
        return levels | {"frame": np.array([*center, scale])}

    @classmethod
    def read(cls, latents: Mapping, config: LevelAutoencoderConfig, device: torch.device) -> "MeshLatents":
        """Those of the raw input "latents", of a mesh in model space. Raises InputError for another model's."""
        levels, frame = latents["levels"], latents["frame"]
        found, expected = [level.shape for level in levels], list(zip(config.counts, config.channels))
        if found != expected:
            raise InputError(
                f"the latents are of another model: {found}, expected {expected}", "Send the mesh alone, or that model."
            )
        tensors = [torch.as_tensor(level, dtype=torch.float32, device=device)[None] for level in levels]
        return cls(tensors, IN_MODEL_SPACE, Frame(frame[:3], float(frame[3])))


@dataclass(frozen=True)
class Variation:
    """Which levels of a mesh's latents stay, one of KEEPS, and how far the others depart from the mesh's own, 0 … 1."""

    keep: str = "all"
    strength: float = 1.0

    @property
    def kept(self) -> int:
        """Number of levels that stay."""
        return len(KEEPS) - 1 - KEEPS.index(self.keep)

    def applied(
        self,
        levels: Sequence[Tensor],
        denoisers: Sequence[LevelDenoiser],
        seed: int,
        on_step: Callable[[int, int], None] | None = None,
    ) -> list[Tensor]:
        """The levels (1, M, C), those that do not stay made anew. The same seed gives the same."""
        kept, originals = levels[: self.kept], levels[self.kept :]
        counts = [level.shape[1] for level in levels]
        return generate_levels(
            denoisers, counts, kept, seed, originals=originals, strength=self.strength, on_step=on_step
        )
