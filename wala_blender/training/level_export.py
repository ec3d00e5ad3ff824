"""Export of the runs of levels as a model: the autoencoder and the three denoisers in float16, with about.json."""

import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..files import check_destination
from ..models.level_model import LEVELS, save_level_model
from ..models.registry import LEVEL_MODEL, LEVEL_WEIGHTS, MODELS
from ..models.trained_model import WEIGHTS, LevelsAbout, write_about
from ..networks.configs import LevelModelConfig
from .level_autoencoder_training import load_level_autoencoder
from .level_denoiser_training import load_level_denoiser
from .runs import settings_of


def export_levels(autoencoder_run: Path, runs: Sequence[Path], out: Path | None = None) -> Path:
    """Writes the networks as a model's folder ``out``, which `wala generate --model` takes, or where the shipped
    weights are. ``runs``: of the denoisers, the coarsest first. Returns the weights' file. Raises InputError."""
    autoencoder = load_level_autoencoder(autoencoder_run)
    denoisers = [load_level_denoiser(run)[0] for run in runs]
    try:
        config = LevelModelConfig(autoencoder.config, tuple(denoiser.config for denoiser in denoisers))
    except ValueError as error:
        raise InputError(
            f"the runs are not of one cascade: {error}", f"Give them in order: {', '.join(LEVELS)}."
        ) from error
    like = MODELS[LEVEL_MODEL]
    folder = LEVEL_WEIGHTS.parent if out is None else out
    if not folder.is_dir():
        check_destination(folder).mkdir()
    training = {name: settings_of(run) for name, run in zip(("autoencoder", *LEVELS), (autoencoder_run, *runs))}
    save_level_model(folder / WEIGHTS, autoencoder, denoisers, {"training": json.dumps(training)})
    title = like.title if out is None else f"{out.name} (trained here)"
    name = LEVEL_MODEL if out is None else out.name
    write_about(folder, LevelsAbout(name, title, like.licence, like.conditions, config))
    return folder / WEIGHTS
