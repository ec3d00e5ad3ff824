"""Export of the runs of levels as a model: the autoencoder and the three denoisers in float16, with about.json."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..files import check_destination
from ..geometry.metrics import iou
from ..models.level_model import LEVELS, save_level_model
from ..models.registry import LEVEL_MODEL, LEVEL_WEIGHTS, MODELS
from ..models.trained_model import WEIGHTS, LevelsAbout, write_about
from ..networks.configs import LevelModelConfig
from ..networks.level_autoencoder import LevelAutoencoder
from .level_autoencoder_training import load_level_autoencoder, logits_at
from .level_denoiser_training import load_level_denoiser
from .level_shapes import SAMPLES, read_level_shapes
from .runs import settings_of

SHAPES = 24  # whose overlap decides
THRESHOLDS = np.arange(0, 2.26, 0.25)


def export_levels(autoencoder_run: Path, runs: Sequence[Path], out: Path | None = None) -> Path:
    """Writes the networks as a model's folder ``out``, which `wala generate --model` takes, or where the shipped
    weights are. ``runs``: of the denoisers, the coarsest first. Returns the weights' file. Raises InputError."""
    autoencoder = load_level_autoencoder(autoencoder_run)
    threshold = best_threshold(autoencoder, autoencoder_run)
    denoisers = [load_level_denoiser(run)[0] for run in runs]
    try:
        config = LevelModelConfig(autoencoder.config, tuple(denoiser.config for denoiser in denoisers), threshold)
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


@torch.no_grad()
def best_threshold(autoencoder: LevelAutoencoder, run: Path) -> float:
    """The logit with the best mean overlap on some of the run's training shapes, at points of their boxes; 0 where the
    run's samples are gone."""
    if not (run / SAMPLES).is_file():
        return 0.0
    shapes = read_level_shapes(run / SAMPLES)
    chosen = range(0, len(shapes), max(1, len(shapes) // SHAPES))
    generator, box = torch.Generator().manual_seed(0), slice(shapes.volume.shape[1] // 2, None)
    overlaps = []
    for number in chosen:
        order = torch.randperm(shapes.surface.shape[1], generator=generator)[: autoencoder.config.points]
        latents = autoencoder.encode(shapes.surface[number, order][None].float())
        logits = logits_at(autoencoder, latents, shapes.volume[number, box].float())
        truth = shapes.volume_inside[number, box].numpy()
        overlaps.append([iou(logits > threshold, truth) for threshold in THRESHOLDS])
    return float(THRESHOLDS[int(np.mean(overlaps, axis=0).argmax())])
