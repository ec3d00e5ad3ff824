"""Training of the denoiser of colour volumes' latents (stage 2 of 3DVADER): noised latents and captions → latents."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..colour.volume_prompts import prompt_inputs
from ..conditions.word_vectors import load_vectors
from ..configuration import write_settings
from ..diffusion import edm
from ..errors import InputError
from ..models.checkpoint import save_components
from ..models.registry import STARTER_FOLDER, VOLUMES_WEIGHTS, WORD_VECTORS
from ..models.volume_model import COMPONENT, VolumeModel
from ..networks.autodecoder import Autodecoder
from ..networks.configs import GridUNetConfig, VolumeModelConfig
from ..networks.grid_unet import GridUNet, PromptInputs
from ..networks.latent_scale import DATA, LatentScale
from .autodecoder_training import load_autodecoder, pictures_of
from .loop import Loop, LoopSettings
from .runs import FINISHED, SETTINGS, load_network, settings_of, write_network

log = logging.getLogger(__name__)

VOLUME_MODEL = "volumes.pt"
VALIDATION_SIGMAS = (0.1, 0.5, 2.0, 10.0, 80.0)


@dataclass(frozen=True)
class VolumeDenoiserTraining:
    """``widths``: of the U-Net. batch: latents. condition_dropout: share of captions that are left out; noun_only: of
    those of which the noun and perhaps the colour stay. robust: whether latents are normalised by their quartiles,
    rather than by mean and deviation. ``noise_mean`` and ``noise_deviation`` of ln sigma: more noise than EDM's for
    pictures, as the many correlated cells of a grid tell two objects apart until there is much of it."""

    widths: tuple[int, int] = (64, 128)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            minutes=20.0, learning_rate=2.5e-3, weight_decay=0.0, average_samples=3200.0, validations=8
        )
    )
    batch: int = 16
    condition_dropout: float = 0.1
    noun_only: float = 0.3
    robust: bool = True
    noise_mean: float = 1.2
    noise_deviation: float = 1.5


class VolumeDenoiserObjective(nn.Module):
    """Normalised latents (B, C, S, S, S), unit noise like them, sigma (B,), words (B, M, D), colour (B,) → the
    loss."""

    def __init__(self, model: GridUNet):
        super().__init__()
        self.model = model

    def forward(self, clean: Tensor, noise: Tensor, sigma: Tensor, words: Tensor, colour: Tensor) -> Tensor:
        asked = PromptInputs(words, colour)

        def network(x: Tensor, level: Tensor) -> Tensor:
            return self.model(x, level, asked).float()

        return edm.clean_loss(edm.clean_preconditioned(network, DATA), clean, noise, sigma, DATA)


@torch.no_grad()
def latents_of(model: Autodecoder, at_once: int = 16) -> Tensor:
    """Latents (N, C, S, S, S) of all of an autodecoder's objects."""
    return torch.cat([model.to_latent(rows) for rows in model.embeddings.weight.split(at_once)])


def partly_asked(asked: PromptInputs, noun_only: float, dropout: float, generator: torch.Generator) -> PromptInputs:
    """A share of the prompts with their noun alone, half as many without the colour, and some with nothing."""
    count = len(asked.colour)
    short, plain, absent = torch.rand(3, count, generator=generator)
    words = asked.words.clone()
    words[short < noun_only, 1:] = 0
    gone = absent < dropout
    return PromptInputs(words, asked.colour).without(gone, gone | (plain < noun_only / 2))


def train(autodecoder: Path, folder: Path, settings: VolumeDenoiserTraining) -> None:
    """Train (or resume training) the denoiser of a finished autodecoder run's latents; writes FOLDER/volumes.pt, the
    whole model with averaged weights. Raises InputError."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    source, pictures = load_autodecoder(autodecoder), pictures_of(autodecoder)
    latents = latents_of(source)
    scale = LatentScale.of(latents, settings.robust)
    clean = scale(latents)
    log.info(
        "%d latents: normalised deviation %.3f, extremes %.1f and %.1f",
        len(clean), float(clean.std()), float(clean.min()), float(clean.max()),
    )  # fmt: skip
    config = GridUNetConfig(latents.shape[1], latents.shape[-1], settings.widths)
    asked = prompt_inputs(pictures.captions, load_vectors(STARTER_FOLDER / WORD_VECTORS), config)
    if asked.words.shape[-1] != config.word_size:
        raise InputError("the word vectors are of another size", "Install the extension again.")
    loop = Loop(VolumeDenoiserObjective(GridUNet(config)), folder, settings.loop)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    share = loop.share(settings.batch)

    def step(_: float):
        g = loop.generator
        picks = torch.randint(len(clean), (settings.batch,), generator=g)
        some = PromptInputs(asked.words[picks], asked.colour[picks])
        some = partly_asked(some, settings.noun_only, settings.condition_dropout, g)
        sigma = edm.training_sigmas(
            torch.randn(settings.batch, generator=g), settings.noise_mean, settings.noise_deviation
        )
        noise = torch.randn(settings.batch, *clean.shape[1:], generator=g)
        tensors = [t[share].to(loop.device) for t in (clean[picks], noise, sigma, some.words, some.colour)]
        with loop.autocast():
            return loop.objective(*tensors), settings.batch, {}

    loop.run(step, _validation(loop, clean, scale, asked))
    if loop.writes:
        whole = VolumeModel(VolumeModelConfig(config, source.config.widths[1:]))
        whole.denoiser.load_state_dict(loop.average)
        whole.scale.load_state_dict(scale.state_dict())
        whole.decoder.load_state_dict(source.decoder.state_dict())
        write_network(folder / VOLUME_MODEL, whole.config, whole.state_dict())


def _validation(
    loop: Loop, clean: Tensor, scale: LatentScale, asked: PromptInputs
) -> Callable[[float], dict[str, float]]:
    """Validation callback of the loop: mean absolute errors of denoising training latents at some noise levels, in the
    latents' own units."""
    rows = torch.linspace(0, len(clean) - 1, min(24, len(clean))).long()
    noise = torch.randn(len(rows), *clean.shape[1:], generator=torch.Generator().manual_seed(0))
    some = PromptInputs(asked.words[rows], asked.colour[rows]).to(loop.device)

    def validate(_: float) -> dict[str, float]:
        errors = {}
        with loop.averaged() as model:
            denoise = edm.clean_preconditioned(lambda x, level: model(x, level, some), DATA)
            for sigma in VALIDATION_SIGMAS:
                noised = (clean[rows] + sigma * noise).to(loop.device)
                denoised = denoise(noised, torch.full((len(rows),), sigma, device=loop.device)).cpu()
                difference = scale.inverse(denoised) - scale.inverse(clean[rows])
                errors[f"error_{sigma:g}"] = float(difference.abs().mean())
        return errors

    return validate


def load_volumes(run: Path) -> VolumeModel:
    """The model of a finished run. Raises InputError."""
    return load_network(run, VOLUME_MODEL, VolumeModelConfig, VolumeModel, FINISHED)[0]


def export_volumes(run: Path, file: Path | None = None) -> Path:
    """Writes the model of a finished run in float16, by default where the models' table has it. Returns the file.
    Raises InputError."""
    model, file = load_volumes(run), file or VOLUMES_WEIGHTS
    metadata = {"training": json.dumps(settings_of(run))}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_components(file, {COMPONENT: model}, metadata, torch.float16)
    return file
