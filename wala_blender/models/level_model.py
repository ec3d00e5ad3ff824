"""Networks of a model of levels: the autoencoder, and the cascade of the levels' denoisers.

In model.safetensors: the components "level_autoencoder" and, one for each level, those of LEVELS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..errors import ModelError
from ..networks.level_autoencoder import LevelAutoencoder
from ..networks.level_denoiser import LevelDenoiser
from .checkpoint import load_components, save_components
from .construction import without_weights
from .lagem import COMPONENT
from .registry import LEVEL_MODEL
from .trained_model import read_level_config

LEVELS = ("structure", "major", "fine")  # the coarsest first

__all__ = ["LEVELS", "LEVEL_MODEL", "LevelModel", "load_level_model", "save_level_model"]


def _components(autoencoder: LevelAutoencoder, denoisers: Sequence[LevelDenoiser]) -> dict[str, nn.Module]:
    return {COMPONENT: autoencoder, **dict(zip(LEVELS, denoisers, strict=True))}


@dataclass(frozen=True)
class LevelModel:
    """``denoisers``: of the levels, the coarsest first, () for an autoencoder alone; ``threshold``: logit at the
    surface."""

    autoencoder: LevelAutoencoder
    denoisers: tuple[LevelDenoiser, ...] = ()
    threshold: float = 0.0


def load_level_model(weights: Path, device: torch.device | str = "cpu") -> LevelModel:
    """The networks of a weights' file, with the configuration beside it, in float32. Raises ModelError where there are
    no weights, CheckpointError."""
    if not weights.is_file():
        raise ModelError(
            f"the weights of the model {weights.parent.name} are missing: {weights}",
            "Train and export it: see docs/training.md, “Levels”.",
        )
    config = read_level_config(weights.parent)
    with without_weights():
        autoencoder = LevelAutoencoder(config.autoencoder)
        denoisers = tuple(LevelDenoiser(one) for one in config.denoisers)
    load_components(weights, _components(autoencoder, denoisers), device=device)
    return LevelModel(autoencoder.eval(), tuple(denoiser.eval() for denoiser in denoisers), config.threshold)


def save_level_model(
    weights: Path, autoencoder: LevelAutoencoder, denoisers: Sequence[LevelDenoiser], metadata: Mapping[str, str]
) -> None:
    """Write the networks in float16. Raises OutputError."""
    save_components(weights, _components(autoencoder, denoisers), metadata, torch.float16)
