"""Model loading: a row of the registry → its networks with weights.

The networks are built without memory (the meta device) and take the file's tensors one at a time, in the requested
precision and on the requested device.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ..diffusion.schedule import Schedule
from ..errors import CheckpointError, ModelError
from ..files import file_digest
from ..networks.autoencoder import Autoencoder
from ..networks.detail_unet import DetailNetwork
from ..networks.layers import set_branch_precision
from .checkpoint import load_components
from .construction import without_weights
from .published_args import read_args
from .published_config import PublishedSettings, published_settings
from .published_model import LARGE, PublishedModel
from .records import CONVERTED, SETTINGS, Installed, has_weights, require
from .registry import ModelRow, Published
from .starter_model import Starter

HASH_DIGITS = 16


@dataclass(frozen=True)
class Loaded:
    """A model: ``generator`` makes latents (see Starter and PublishedModel), ``autoencoder`` decodes them, ``detail``
    refines what it decodes.

    ``row`` has the checkpoint's own number of steps and padding; ``weight_hash``: the first digits of the weights'
    SHA-256, and of the detail stage's after a "+"; ``precision``: of the large published networks and of the decoder's
    convolutions.
    """

    row: ModelRow
    autoencoder: Autoencoder
    generator: Starter | PublishedModel
    schedule: Schedule
    weight_hash: str
    precision: torch.dtype
    detail: DetailNetwork | None = None


def load_model(row: ModelRow, models: Path, precision: torch.dtype, place: torch.device) -> Loaded:
    """The model's networks on ``place``, the large ones and the decoder's convolutions in a precision; ``models``: the
    models folder.

    Raises ModelError (not installed, makes no shapes) and CheckpointError (damaged, does not fit).
    """
    if row.makes != "shapes":
        raise ModelError(f"the model {row.name} makes {row.makes}, not shapes", "Choose the model that takes them.")
    if row.published is None:
        return _load_starter(row, precision, place)
    installed = require(row, models)
    settings = published_settings(read_args(installed.source / SETTINGS))
    autoencoder, generator = assemble(settings, installed.condition, row.published)
    load_components(
        weights_file(installed),
        {"autoencoder": autoencoder, **generator.components()},
        dict.fromkeys(LARGE, precision),
        place,
    )
    conditions = {
        name: replace(defaults, steps=settings.steps or defaults.steps) for name, defaults in row.conditions.items()
    }
    return Loaded(
        replace(row, conditions=conditions, padding=settings.padding),
        tuned(autoencoder, precision),
        generator.eval(),
        Schedule(settings.schedule),
        installed.files[weights_name(installed)].sha256[:HASH_DIGITS],
        precision,
    )


def tuned(network: Autoencoder | DetailNetwork, precision: torch.dtype) -> Autoencoder | DetailNetwork:
    """The network as its convolutions are fastest: channels last, those of the decoder's residual branches in a
    precision."""
    network.to(memory_format=torch.channels_last_3d)
    if isinstance(network, Autoencoder):
        set_branch_precision(network.decoder, precision)
    return network.eval()


def _load_starter(row: ModelRow, precision: torch.dtype, place: torch.device) -> Loaded:
    with without_weights():
        networks = {"autoencoder": Autoencoder(row.autoencoder), "starter": Starter(row.starter, row.vocabulary)}
        detail = DetailNetwork(row.detail) if row.detail else None
    load_components(row.weights, networks, device=place)
    digest = file_digest(row.weights)[:HASH_DIGITS]
    if detail:
        load_components(row.detail_weights, {"detail": detail}, device=place)
        digest += f"+{file_digest(row.detail_weights)[:HASH_DIGITS]}"
    starter = networks["starter"].eval()
    autoencoder, detail = tuned(networks["autoencoder"], precision), detail and tuned(detail, precision)
    return Loaded(row, autoencoder, starter, starter.schedule, digest, precision, detail)


def assemble(settings: PublishedSettings, condition: str, published: Published) -> tuple[Autoencoder, PublishedModel]:
    """The networks of a published model, on the meta device. Where nothing else is known of its views, they are those
    of the settings."""
    views = published.views or (settings.processing and settings.processing.training_views) or ()
    with without_weights():
        return Autoencoder(settings.autoencoder), PublishedModel(settings, condition, views, published.points)


def weights_name(installed: Installed) -> str:
    """Name of the file that came with the model: the pickle, or a safetensors file where that alone was added."""
    return next((name for name in installed.files if has_weights(name) and name != CONVERTED), CONVERTED)


def weights_file(installed: Installed) -> Path:
    """The file to load: the converted one where there is one."""
    path = installed.converted or installed.source / weights_name(installed)
    if not path.is_file():
        raise CheckpointError(
            f"{path} of the model {installed.name} is missing", "Bring it back, or fetch or add the model again"
        )
    return path
