"""Export of two runs as a model: safetensors in float16, with the word pieces."""

import json
from dataclasses import replace
from pathlib import Path

import torch

from ..errors import InputError
from ..files import check_destination, write_whole
from ..models.checkpoint import save_components
from ..models.registry import MODELS, STARTER
from ..models.starter_config import conditions_of
from ..models.trained_model import About, row_of, write_about
from .detail_evidence import EVIDENCE
from .latents import normalise_latents
from .runs import load_detail, load_stage_one, load_stage_two, settings_of


def export(autoencoder_run: Path, run: Path, out: Path | None = None, detail_run: Path | None = None) -> Path:
    """Writes both stages' weights, the latents' scale folded into the autoencoder, and those of a detail stage: as a
    model's folder ``out``, which `wala generate --model` takes, or where the starter's weights are. Returns the
    weights' file. Each run may be a model. Raises InputError."""
    autoencoder, second = load_stage_one(autoencoder_run), load_stage_two(run)
    normalise_latents(autoencoder, second.scale or 1.0)
    detail = load_detail(detail_run) if detail_run else None
    like = MODELS[STARTER]  # the new model's licence by default
    if out is None:
        encoders = second.denoiser.config.encoders
        if (autoencoder.config, encoders, detail and detail.config) != (
            like.autoencoder,
            like.starter.encoders,
            like.detail,
        ):
            raise InputError(f"the networks are of another kind than the {STARTER}'s", "Name a folder with --out.")
        row = like
    else:
        if not out.is_dir():
            check_destination(out).mkdir()
        conditions = {
            name: replace(defaults, detail=detail is not None and name in EVIDENCE)
            for name, defaults in conditions_of(second.denoiser.config.encoders).items()
        }
        about = About(
            out.name,
            f"{out.name} (trained here)",
            like.licence,
            conditions,
            autoencoder.config,
            second.denoiser.config,
            detail and detail.config,
        )
        row = row_of(out, about)
    metadata = {
        "training": json.dumps(
            {
                "autoencoder": settings_of(autoencoder_run),
                "denoiser": settings_of(run),
                "detail": settings_of(detail_run) if detail_run else None,
            }
        )
    }
    pieces = second.vocabulary.read_bytes()
    save_components(row.weights, {"autoencoder": autoencoder, "starter": second.denoiser}, metadata, torch.float16)
    if detail:
        save_components(row.detail_weights, {"detail": detail}, metadata, torch.float16)
    write_whole(row.vocabulary, lambda stream: stream.write(pieces))
    if out is not None:
        write_about(out, about)
    return row.weights
