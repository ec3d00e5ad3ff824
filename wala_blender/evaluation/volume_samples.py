"""Measures of sampled colour volumes: coverage and distance of their visible surfaces as 6-D points, and whether they
are what a prompt asks for."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..colour.volume_prompts import prompt_inputs
from ..conditions.word_vectors import load_vectors
from ..geometry.colour_spaces import NAMES, as_bytes, main_name
from ..geometry.colour_volume import rays_of, render, spread_cameras
from ..geometry.metrics import chamfer_distances, coverage_of
from ..models.registry import STARTER_FOLDER, VOLUMES_ROW, WORD_VECTORS
from ..models.volume_model import VolumeModel
from ..networks.autodecoder import Autodecoder, VolumeDecoder
from ..networks.grid_unet import PromptInputs
from ..training.data.coloured_pictures import coloured_pictures
from ..training.data.face_colours import load_face_colours
from ..training.data.mesh_datasets import Record
from ..training.volume_pictures import VolumePictures, fitted

POINTS = 512  # of a surface
VIEWS, PIXELS, SAMPLES = 12, 48, 48  # by which a sample's surface is seen
PROMPTS = 24
_AT_ONCE = 12  # samples
_COLOUR = 0.5  # of a colour's range, in units of place


def visible_surface(volume: Tensor, seed: int = 0) -> np.ndarray:
    """Points (POINTS, 6) of what is seen of a volume (1, 4, S, S, S): places, and colours 0 … 1 halved; (0, 6) of an
    empty one."""
    eyes, directions = (torch.from_numpy(rays.reshape(1, -1, 3)) for rays in rays_of(spread_cameras(VIEWS), PIXELS))
    parts = []
    for e, d in zip(eyes.split(8192, dim=1), directions.split(8192, dim=1)):
        seen = render(volume, e, d, SAMPLES)
        hit = seen.distance[0].isfinite()
        places = (e + seen.distance[..., None].nan_to_num(posinf=0.0) * d)[0, hit]
        colours = seen.colours[0, hit] / seen.opacity[0, hit, None].clamp(min=0.5)
        parts.append(torch.cat([places, _COLOUR * colours.clamp(0, 1)], dim=1))
    return _some(torch.cat(parts).numpy(), seed)


def true_surface(record: Record, colours: Path, seed: int = 0) -> np.ndarray:
    """As visible_surface, of a coloured mesh."""
    cameras = spread_cameras(VIEWS)
    seen = coloured_pictures(*fitted(record), load_face_colours(record, colours), cameras, PIXELS)
    eyes, directions = rays_of(cameras, PIXELS)
    hit = seen.mask.reshape(len(cameras), -1)
    places = eyes[hit] + seen.distance.reshape(hit.shape)[hit][:, None] * directions[hit]
    return _some(np.concatenate([places, _COLOUR / 255 * seen.colours.reshape(*hit.shape, 3)[hit]], axis=1), seed)


def _some(points: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return points[rng.choice(len(points), POINTS)] if len(points) else points


@torch.no_grad()
def direct_latents(model: Autodecoder, count: int, seed: int = 0) -> Tensor:
    """Latents of vectors drawn from a normal distribution with the mean and covariance of the embeddings."""
    rows = model.embeddings.weight
    centred = rows - rows.mean(dim=0)
    mixed = torch.randn(count, len(rows), generator=torch.Generator().manual_seed(seed)) @ centred
    return model.to_latent(rows.mean(dim=0) + mixed / (len(rows) - 1) ** 0.5)


def sampled_latents(model: VolumeModel, asked: PromptInputs | None, count: int) -> Tensor:
    """Latents of the seeds 0, 1, … with the default settings; ``asked``: one prompt each, None for any object."""
    defaults = VOLUMES_ROW.conditions["none" if asked is None else "text"]
    parts = []
    for rows in torch.arange(count).split(_AT_ONCE):
        noise = torch.cat([model.noise_of_seed(int(seed)) for seed in rows])
        some = asked and PromptInputs(asked.words[rows], asked.colour[rows])
        parts.append(model.sample(noise, some, defaults.steps, defaults.scale))
    return torch.cat(parts)


@torch.no_grad()
def surfaces_of(decoder: VolumeDecoder, latents: Tensor) -> list[np.ndarray]:
    """Visible surfaces of latents; those of empty volumes are left out."""
    surfaces = (visible_surface(decoder(latent[None]), number) for number, latent in enumerate(latents))
    return [surface for surface in surfaces if len(surface)]


def compare_samples(volumes: VolumeModel, model: Autodecoder, references: list[np.ndarray], count: int) -> dict:
    """Coverage of the training shapes' surfaces, minimum matching distance to them, and the samples' mean distance to
    the nearest of them as a share of theirs to each other, of the denoiser's samples and of direct ones."""
    apart = chamfer_distances(references, references)
    np.fill_diagonal(apart, np.inf)
    between = float(apart.min(axis=1).mean())
    report: dict = {"count": count}
    for name, latents in (
        ("diffusion", sampled_latents(volumes, None, count)),
        ("direct", direct_latents(model, count)),
    ):
        surfaces = surfaces_of(model.decoder, latents)
        distances = chamfer_distances(surfaces, references)
        coverage, distance = coverage_of(distances)
        nearest = distances.min(axis=1).mean()
        report[name] = {
            "coverage": coverage,
            "distance": distance,
            "own_nearest": float(nearest) / between,
            "empty": count - len(surfaces),
        }
    return report


def measure_prompts(volumes: VolumeModel, pictures: VolumePictures, references: list[np.ndarray]) -> dict:
    """Of PROMPTS prompts "colour noun", of training objects: the share whose result is nearest to a training object of
    that noun, and whose main colour is the asked one; by chance: for the prompts in another order."""
    nouns = list(dict.fromkeys(pictures.nouns))
    of_noun = {noun: [i for i, name in enumerate(pictures.nouns) if name == noun] for noun in nouns}
    chosen = [of_noun[noun][i % len(of_noun[noun])] for i, noun in enumerate(nouns)][:PROMPTS]
    prompts = [f"{pictures.main_colours[number]} {pictures.nouns[number]}" for number in chosen]
    vectors = load_vectors(STARTER_FOLDER / WORD_VECTORS)
    asked = prompt_inputs(prompts, vectors, volumes.config.denoiser)
    with torch.no_grad():
        surfaces = [
            visible_surface(volumes.decoder(latent[None])) for latent in sampled_latents(volumes, asked, len(prompts))
        ]
    nearest = chamfer_distances([one if len(one) else np.zeros((1, 6)) for one in surfaces], references).argmin(axis=1)
    got_noun = np.array([pictures.nouns[number] for number in nearest])
    got_colour = np.array(
        [NAMES[main_name(as_bytes(surface[:, 3:] / _COLOUR))[0]] if len(surface) else "" for surface in surfaces]
    )
    noun = np.array([pictures.nouns[number] for number in chosen])
    colour = np.array([pictures.main_colours[number] for number in chosen])
    return {
        "count": len(prompts),
        "noun": float((got_noun == noun).mean()),
        "noun_chance": float((got_noun[:, None] == noun).mean()),
        "colour": float((got_colour == colour).mean()),
        "colour_chance": float((got_colour[:, None] == colour).mean()),
        "results": dict(zip(prompts, zip(got_colour.tolist(), got_noun.tolist()))),
    }
