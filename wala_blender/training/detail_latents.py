"""Latents for training the detail stage: every training shape's encoded one, and the denoiser's samples for some of its
conditions."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from ..conditions.spec import Defaults
from ..diffusion.guidance import guided
from ..diffusion.samplers import ancestral, generated_noises
from ..files import write_whole
from ..models.starter_model import Starter
from .condition_batches import Batches
from .conditions import TRAININGS
from .detail_evidence import EVIDENCE

# Condition that the denoiser samples for a kind of evidence, where it is not the one of that name
SAMPLED_FOR = {"blockout": "voxels", "none": "text"}
KINDS = tuple(dict.fromkeys(SAMPLED_FOR.get(kind, kind) for kind in EVIDENCE))  # their order numbers the kept latents
EACH = 3  # of these, per latent
MOST_STEPS = 8
_BATCH = 16


@dataclass(frozen=True)
class SampledLatents:
    """``latent`` (rows · EACH, 4, 12, 12, 12): of shape ``row`` (rows · EACH,) by the condition KINDS[``kind``]."""

    row: Tensor
    kind: Tensor
    latent: Tensor


def sampled_latents(folder: Path, model: Starter, batches: Batches, defaults: dict[str, Defaults]) -> SampledLatents:
    """Sampled once, and kept in FOLDER/sampled.pt."""
    file = folder / "sampled.pt"
    if not file.exists():
        sampled = _sample(model, batches, defaults)
        write_whole(file, lambda stream: torch.save(sampled.__dict__, stream))
    return SampledLatents(**torch.load(file, weights_only=True))


@torch.no_grad()
def _sample(model: Starter, batches: Batches, defaults: dict[str, Defaults]) -> SampledLatents:
    """EACH different conditions of every row, drawn; words of canonical shapes alone, which are what they name."""
    generator = torch.Generator().manual_seed(0)
    draws = [
        (int(row), KINDS[kind])
        for row in range(len(batches.latents.latent))
        for kind in torch.randperm(len(KINDS), generator=generator)[:EACH]
    ]
    by_kind = {
        kind: [
            row
            for row, drawn in draws
            if drawn == kind and (not TRAININGS[kind].by_name or batches.latents.canonical[row])
        ]
        for kind in KINDS
    }
    parts = [
        (kind, rows[start : start + _BATCH]) for kind, rows in by_kind.items() for start in range(0, len(rows), _BATCH)
    ]
    latents = []
    for kind, rows in tqdm(parts, desc="sampled latents", unit="batch"):
        inputs, use = batches.inputs([kind], torch.tensor(rows), generator), defaults[kind]
        with torch.autocast("cpu", torch.bfloat16):
            encoded = model.encode(kind, *inputs[kind])
            denoise = guided(model.denoise, encoded.stacked_with(model.empty(encoded)), use.scale)
            noises = generated_noises((len(rows), 4, 12, 12, 12), generator)
            latents.append(ancestral(denoise, model.schedule, min(use.steps, MOST_STEPS), noises).float())
    rows = torch.tensor([row for _, rows in parts for row in rows])
    kinds = torch.tensor([KINDS.index(kind) for kind, rows in parts for _ in rows])
    return SampledLatents(rows, kinds, torch.cat(latents))
