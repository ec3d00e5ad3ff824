"""Training of the autodecoder of colour volumes (stage 1 of 3DVADER): rendered rays of its volumes → the pictures'."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..configuration import read_settings, write_settings
from ..errors import InputError
from ..geometry.colour_volume import render
from ..networks.autodecoder import Autodecoder
from ..networks.configs import AutodecoderConfig
from .loop import Loop, LoopSettings
from .runs import FINISHED, SETTINGS, load_network, write_network
from .volume_pictures import PICTURES, PictureSettings, VolumePictures, volume_pictures

log = logging.getLogger(__name__)

AUTODECODER = "autodecoder.pt"
NEAR_SHARE = 0.75  # of the rays, through pixels in the mask or beside it
VALIDATION_OBJECTS = 24


@dataclass(frozen=True)
class AutodecoderTraining:
    """``embedding``, ``widths``: of the network. A step renders ``rays`` of each of ``views`` of a ``batch`` of
    objects, with ``samples`` of each. ``colour_weight`` and ``mask_weight``: of the mean absolute errors."""

    pictures: PictureSettings = PictureSettings()
    embedding: int = 128
    widths: tuple[int, ...] = (128, 64, 32, 16)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            minutes=60.0, learning_rate=4e-3, weight_decay=0.0, average_samples=2000.0, validations=8
        )
    )
    batch: int = 4
    views: int = 4
    rays: int = 192
    samples: int = 40
    colour_weight: float = 3.0
    mask_weight: float = 1.0


@dataclass(frozen=True)
class RayBatch:
    """Numbers of objects (B,), of their rays the eyes and directions (B, R, 3), jitter (B, R, K), colours (B, R, 3) and
    mask (B, R), 0 … 1."""

    objects: Tensor
    eyes: Tensor
    directions: Tensor
    jitter: Tensor
    colours: Tensor
    mask: Tensor

    def part(self, rows: slice, device: torch.device) -> tuple[Tensor, ...]:
        """Some objects' tensors, as AutodecoderObjective takes them."""
        return tuple(tensor[rows].to(device) for tensor in vars(self).values())


class AutodecoderObjective(nn.Module):
    """A RayBatch's tensors → the loss and numbers to log."""

    def __init__(self, model: Autodecoder, colour_weight: float, mask_weight: float):
        super().__init__()
        self.model, self.colour_weight, self.mask_weight = model, colour_weight, mask_weight

    def forward(
        self, objects: Tensor, eyes: Tensor, directions: Tensor, jitter: Tensor, colours: Tensor, mask: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        volume = self.model(objects)
        with torch.autocast(volume.device.type, enabled=False):
            seen = render(volume, eyes, directions, jitter.shape[-1], jitter)
            colour, occupancy = (seen.colours - colours).abs().mean(), (seen.opacity - mask).abs().mean()
        loss = self.colour_weight * colour + self.mask_weight * occupancy
        return loss, {"colour": colour, "mask": occupancy}


def drawn_rays(pictures: VolumePictures, settings: AutodecoderTraining, generator: torch.Generator) -> RayBatch:
    """Rays of random objects and trained views, NEAR_SHARE of them in the mask or near it."""
    batch, views, rays = settings.batch, settings.views, settings.rays
    objects = torch.randint(len(pictures), (batch,), generator=generator)
    order = torch.rand(batch, len(pictures.trained), generator=generator).argsort(dim=1)[:, :views]
    seen = pictures.trained[order]
    near = pictures.near[objects[:, None], seen].float()
    weight = NEAR_SHARE * near / near.sum(-1, keepdim=True).clamp(min=1) + (1 - NEAR_SHARE) / near.shape[-1]
    pixels = torch.multinomial(weight.flatten(0, 1), rays, replacement=True, generator=generator)
    pixels = pixels.view(batch, views, rays)
    at, view = objects[:, None, None], seen[..., None]
    return RayBatch(
        objects,
        pictures.eyes[view, pixels].flatten(1, 2),
        pictures.directions[view, pixels].flatten(1, 2),
        torch.rand(batch, views * rays, settings.samples, generator=generator),
        pictures.colours[at, view, pixels].flatten(1, 2) / 255,
        pictures.masks[at, view, pixels].flatten(1, 2).float(),
    )


def train(data: Path, colours: Path, folder: Path, settings: AutodecoderTraining) -> None:
    """Train (or resume training) the autodecoder on pictures of the collections in ``data`` with the face colours in
    ``colours``; writes FOLDER/autodecoder.pt, the averaged weights. Raises InputError."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    pictures = volume_pictures(folder / PICTURES, data, colours, settings.pictures)
    config = AutodecoderConfig(len(pictures), settings.embedding, widths=settings.widths)
    objective = AutodecoderObjective(Autodecoder(config), settings.colour_weight, settings.mask_weight)
    loop = Loop(objective, folder, settings.loop)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    share = loop.share(settings.batch)

    def step(_: float):
        batch = drawn_rays(pictures, settings, loop.generator)
        with loop.autocast():
            loss, numbers = loop.objective(*batch.part(share, loop.device))
        return loss, settings.batch, numbers

    loop.run(step, _validation(loop, pictures, settings.samples))
    if loop.writes:
        write_network(folder / AUTODECODER, config, loop.average)


def _validation(loop: Loop, pictures: VolumePictures, samples: int) -> Callable[[float], dict[str, float]]:
    """Validation callback of the loop: scores of held-out views of some objects."""
    some = torch.linspace(0, len(pictures) - 1, min(VALIDATION_OBJECTS, len(pictures))).long()

    def validate(_: float) -> dict[str, float]:
        with loop.averaged() as model:
            scores = [
                view_scores(model(number[None].to(loop.device)), pictures, int(number), pictures.held_out, samples)
                for number in some
            ]
        return {name: sum(score[name] for score in scores) / len(scores) for name in scores[0]}

    return validate


@torch.no_grad()
def view_scores(volume: Tensor, pictures: VolumePictures, number: int, views: Tensor, samples: int) -> dict[str, float]:
    """Of an object's volume (1, 4, S, S, S), as means over some views: ``mask_iou``; ``colour_error``, the mean
    absolute error (of 1) inside the true silhouette, and ``mean_colour_error``, that of the object's mean colour there;
    ``psnr`` of the whole pictures."""
    eyes, directions = (
        rays[views].flatten(0, 1)[None].to(volume.device) for rays in (pictures.eyes, pictures.directions)
    )
    seen = render(volume, eyes, directions, samples)
    rendered = seen.colours[0].view(len(views), -1, 3).cpu()
    opaque = (seen.opacity[0] >= 0.5).view(len(views), -1).cpu()
    true, mask = pictures.colours[number, views] / 255, pictures.masks[number, views]
    mean = (pictures.colours[number] / 255)[pictures.masks[number]].mean(dim=0)
    union = (opaque | mask).sum(-1).clamp(min=1)
    squared = ((rendered - true) ** 2).mean(dim=(1, 2)).clamp(min=1e-9)
    return {
        "mask_iou": float(((opaque & mask).sum(-1) / union).mean()),
        "colour_error": float((rendered - true)[mask].abs().mean()),
        "mean_colour_error": float((mean - true)[mask].abs().mean()),
        "psnr": float((-10 * squared.log10()).mean()),
    }


def pictures_of(run: Path) -> VolumePictures:
    """The pictures that a run was trained on. Raises InputError."""
    if not (run / PICTURES).is_file():
        raise InputError(f"{run / PICTURES} is missing", FINISHED)
    settings = read_settings(AutodecoderTraining, run / SETTINGS)
    return volume_pictures(run / PICTURES, run, run, settings.pictures)


def load_autodecoder(run: Path) -> Autodecoder:
    """The autodecoder of a finished run. Raises InputError."""
    return load_network(run, AUTODECODER, AutodecoderConfig, Autodecoder, FINISHED)[0]
