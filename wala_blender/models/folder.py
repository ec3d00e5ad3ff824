"""A model that was trained here, as a folder: about.json beside the weights and word pieces. Knows files; not networks' insides, nor training.

    about.json          name, title, licence, conditions with their defaults, the configurations of both networks
    model.safetensors   components "autoencoder" and "starter"
    tokenizer.json      the word pieces
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..autoencoder import AutoencoderConfig
from ..configuration import read_settings
from ..errors import CheckpointError, InputError
from ..files import write_whole
from .licences import Licence
from .starter import StarterConfig
from .table import Defaults, ModelRow

ABOUT, WEIGHTS = "about.json", "model.safetensors"


@dataclass(frozen=True)
class About:
    """What about.json says."""

    name: str
    title: str
    licence: Licence
    conditions: dict[str, Defaults]
    autoencoder: AutoencoderConfig
    starter: StarterConfig


def is_model_folder(folder: Path) -> bool:
    return (folder / ABOUT).is_file()


def row_of(folder: Path, about: About) -> ModelRow:
    """The model's row, wherever its files are."""
    return ModelRow(name=about.name, title=about.title, conditions=about.conditions, autoencoder=about.autoencoder, weights=folder / WEIGHTS,
                    licence=about.licence, starter=about.starter)


def read_row(folder: Path) -> ModelRow:
    """The row of the model in a folder. Raises CheckpointError when its about.json cannot be used."""
    try:
        return row_of(folder, read_settings(About, folder / ABOUT))
    except InputError as error:
        raise CheckpointError(f"{folder} is no model: {error.message}", "Export it again.") from error


def write_about(folder: Path, about: About) -> None:
    """Writes about.json, which makes the folder a model: the last file to be written."""
    write_whole(folder / ABOUT, lambda stream: stream.write(json.dumps(asdict(about), indent=1).encode()))
