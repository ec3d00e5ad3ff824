"""A small model of levels in a folder: the autoencoder of one box, and denoisers with drawn weights. For tests."""

from pathlib import Path

import torch
from lagem_models import CONFIG, learned_box

from wala_blender.models.level_model import save_level_model
from wala_blender.models.registry import LEVEL_MODEL, MODELS
from wala_blender.models.trained_model import WEIGHTS, LevelsAbout, write_about
from wala_blender.networks.configs import LevelDenoiserConfig, LevelModelConfig
from wala_blender.networks.level_denoiser import LevelDenoiser


def write_level_model(folder: Path) -> Path:
    """Writes the model; returns its folder."""
    torch.manual_seed(1)
    configs = tuple(LevelDenoiserConfig(c, 64, 1, CONFIG.channels[:i]) for i, c in enumerate(CONFIG.channels))
    denoisers = [LevelDenoiser(config) for config in configs]
    for denoiser in denoisers:
        torch.nn.init.normal_(denoiser.proj_out.weight, std=0.1)
    folder.mkdir()
    row = MODELS[LEVEL_MODEL]
    save_level_model(folder / WEIGHTS, learned_box(), denoisers, {})
    write_about(
        folder, LevelsAbout(folder.name, "small", row.licence, row.conditions, LevelModelConfig(CONFIG, configs))
    )
    return folder
