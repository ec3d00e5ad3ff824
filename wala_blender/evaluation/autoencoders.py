"""Comparison of several runs' autoencoders on the same shapes, as in the paper's ablation of stage 1."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..networks.autoencoder import Autoencoder
from ..pipeline import Pipeline
from ..training.data.mesh_datasets import Record
from ..training.runs import is_model, load_stage_one, model_of
from ..wavelet import field_to_tree, tree_to_field
from .evaluate import RULES, Codec, codec_score
from .report import summarise
from .shapes import Progress, fit_shapes


@dataclass(frozen=True)
class TrainedCodec:
    """A run's autoencoder, which takes and gives plain trees, on its device."""

    autoencoder: Autoencoder
    device: torch.device

    @torch.no_grad()
    def field_to_latent(self, field: Tensor) -> Tensor:
        return self.autoencoder.encode(field_to_tree(field[None].to(self.device)))[0]

    @torch.no_grad()
    def latent_to_field(self, latent: Tensor) -> Tensor:
        return tree_to_field(self.autoencoder.decode(latent[None]).float())[0]


def codecs_of(runs: Iterable[Path], device: torch.device) -> dict[str, Codec]:
    """By name, those of stage-1 runs' folders or of models; of one alone it is "autoencoder". Raises InputError,
    ModelError, CheckpointError."""
    codecs = {
        f"autoencoder {run}": Pipeline.load(model_of(run), device.type, precision="float32")
        if is_model(run)
        else TrainedCodec(load_stage_one(run).to(device), device)
        for run in runs
    }
    return codecs if len(codecs) > 1 else {"autoencoder": next(iter(codecs.values()))}


def compare(
    codecs: Mapping[str, Codec], records: Iterable[Record], limit: int | None, on_progress: Progress | None = None
) -> dict:
    """The report: each codec's summary with "mse", "collections", "d_iou" and "d_mse". ``limit`` and ``on_progress``:
    see fit_shapes. Raises InputError when no shape can be used."""
    skipped: Counter[str] = Counter()
    rows = [
        shape.about | {name: codec_score(codec, shape) for name, codec in codecs.items()}
        for shape in fit_shapes(records, limit, None, skipped, on_progress)
    ]
    about = {"count": len(rows), "skipped": dict(skipped), "rules": RULES, "trials": []}
    return about | summarise(rows, tuple(codecs), None) | {"shapes": rows}
