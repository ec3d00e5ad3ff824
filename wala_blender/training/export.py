"""Puts trained weights where the extension loads them: one safetensors file in float16, the word pieces beside it. Knows files; not training."""

import json
import shutil
from pathlib import Path

import torch

from ..errors import InputError
from ..models.checkpoint import save_components
from ..models.starter import Starter
from ..models.table import find_row
from .denoiser_training import load_stage_one, normalise_latents


def export(autoencoder_run: Path, run: Path, model: str = "starter") -> Path:
    """Writes both stages' weights as the model's, the latents' scale folded into the autoencoder. Returns the file."""
    row = find_row(model)
    autoencoder = load_stage_one(autoencoder_run)
    if not (run / "starter.pt").is_file():
        raise InputError(f"{run / 'starter.pt'} is missing", "Give the folder of a run that was trained to its end.")
    normalise_latents(autoencoder, json.loads((run / "latents.json").read_text(encoding="utf-8"))["scale"])
    denoiser = Starter()
    denoiser.load_state_dict(torch.load(run / "starter.pt", weights_only=True))
    row.weights.parent.mkdir(parents=True, exist_ok=True)
    settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
    save_components(row.weights, {"autoencoder": autoencoder, "starter": denoiser}, {"training": json.dumps(settings)}, torch.float16)
    shutil.copyfile(run / "tokenizer.json", row.weights.parent / "tokenizer.json")
    return row.weights
