"""Sample grids of stage 2: for a few shapes, what the conditions show and what the denoiser samples from it."""

import torch
from torch import Tensor

from ..diffusion.guidance import guided
from ..diffusion.samplers import ancestral, generated_noises
from ..models.starter_model import Starter
from ..networks.autoencoder import Autoencoder
from ..wavelet import tree_to_field
from .condition_batches import Batches
from .conditions import TRAININGS
from .sample_grids import render, words

GRID_SHAPES = 2
STEPS, SCALE = 8, 1.5


def sample_grid_rows(
    model: Starter, decoder: Autoencoder, batches: Batches, kinds: list[str], device: torch.device
) -> list[list[Tensor]]:
    """A row a shape: itself, then each condition's input and result. Where a shape has no name, conditions that go by
    names are left out."""
    generator = torch.Generator(device).manual_seed(0)
    picks = batches.latents.canonical.nonzero()[:GRID_SHAPES, 0].cpu()
    if not all(batches.entries[batches.latents.owner[row]].named for row in picks):
        kinds = [kind for kind in kinds if not TRAININGS[kind].by_name]
    decoder.to(device)
    rows = [[picture] for picture in _renders(decoder, batches.latents.latent[picks].to(device))]
    for kind in kinds:
        inputs = batches.inputs([kind], picks, generator)[kind]
        for row, shape in enumerate(picks):
            caption = batches.entries[batches.latents.owner[shape]].caption
            preview = TRAININGS[kind].preview
            rows[row].append(preview(*(tensor[row] for tensor in inputs)) if preview else words(caption))
        condition = model.encode(kind, *(tensor.to(device) for tensor in inputs))
        noises = generated_noises(
            (len(picks), *batches.latents.latent.shape[1:]), torch.Generator().manual_seed(0), device
        )
        denoiser = guided(model.denoise, condition.stacked_with(model.empty(condition)), SCALE)
        for row, picture in zip(rows, _renders(decoder, ancestral(denoiser, model.schedule, STEPS, noises))):
            row.append(picture)
    return rows


def _renders(decoder: Autoencoder, latents: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return [render(tree_to_field(decoder.decode(latent[None]).float())[0]) for latent in latents]
