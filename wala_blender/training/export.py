"""Puts trained weights where the extension loads them: one safetensors file in float16, the word pieces beside it. Knows files; not training."""

import argparse
import json
import shutil
from pathlib import Path

import torch

from ..autoencoder import Autoencoder
from ..models.checkpoint import save_components
from ..models.starter import Starter
from ..models.table import find_row
from .denoiser_training import load_stage_one


def export(run: Path, model: str = "starter") -> Path:
    """Writes the stage-2 run's weights as the model's. Returns the file."""
    row = find_row(model)
    autoencoder: Autoencoder = load_stage_one(run)
    denoiser = Starter()
    denoiser.load_state_dict(torch.load(run / "starter.pt", weights_only=True))
    row.weights.parent.mkdir(parents=True, exist_ok=True)
    settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
    save_components(row.weights, {"autoencoder": autoencoder, "starter": denoiser}, {"training": json.dumps(settings)}, torch.float16)
    shutil.copyfile(run / "tokenizer.json", row.weights.parent / "tokenizer.json")
    return row.weights


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m wala_blender.training.export", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True)
    print(export(parser.parse_args().run))
