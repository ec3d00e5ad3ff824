"""Folder of a trained model: about.json beside the weights and word pieces.

about.json          schema, name, title, licence, conditions with their defaults, the configurations of the networks and
                    of each encoder; without a schema it is older, and has the encoders that there were at the time
model.safetensors   components "autoencoder" and "starter"
detail.safetensors  component "detail", where there is a detail stage
tokenizer.json      the word pieces
exemplars.npz       training shapes that words start from, where there are any, and words.npz, the word vectors by which
                    they are found

A model of levels has about.json, with "levels" in place of the configurations above, and model.safetensors alone.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ..conditions.spec import Defaults
from ..configuration import from_plain, read_values
from ..errors import CheckpointError, InputError, ModelError
from ..files import write_whole
from ..networks.configs import AutoencoderConfig, DetailConfig, LevelModelConfig
from .licences import Licence
from .names import check_name
from .ranges import FLAG, ListOf, Real, Whole, check_range
from .registry import ModelRow
from .starter_config import StarterConfig, conditions_of

ABOUT, WEIGHTS = "about.json", "model.safetensors"
SCHEMA = 1  # of about.json
# of the networks' settings; WIDTH of those that are not named
LAYERS, WIDTH = Whole(0, 256), Whole(0, 8192)
RANGES = (
    {
        "beta": Real(0, 1000),
        "codebook_size": Whole(1, 2**20),
        "grid": Whole(12, 12),
        "patch": Whole(1, 12),
        "heads": Whole(1, 256),
        "norm_groups": Whole(1, 256),
        "points": Whole(1, 65_536),
        "layers": LAYERS,
    }
    | dict.fromkeys(("blocks", "res_blocks", "encoder_blocks", "decoder_blocks", "registers"), LAYERS)
    | dict.fromkeys(("context_to_time", "l2_norm", "quantized", "large"), FLAG)
)


@dataclass(frozen=True)
class About:
    """Content of about.json."""

    name: str
    title: str
    licence: Licence
    conditions: dict[str, Defaults]
    autoencoder: AutoencoderConfig
    starter: StarterConfig
    detail: DetailConfig | None = None
    schema: int = SCHEMA


@dataclass(frozen=True)
class LevelsAbout:
    """Content of about.json of a model of levels."""

    name: str
    title: str
    licence: Licence
    conditions: dict[str, Defaults]
    levels: LevelModelConfig
    schema: int = SCHEMA


def is_model_folder(folder: Path) -> bool:
    """Whether a folder holds a trained model."""
    return os.path.isfile(folder / ABOUT)


def row_of(folder: Path, about: About) -> ModelRow:
    """The model's row, wherever its files are."""
    return ModelRow(
        name=about.name,
        title=about.title,
        conditions=about.conditions,
        autoencoder=about.autoencoder,
        weights=folder / WEIGHTS,
        licence=about.licence,
        starter=about.starter,
        detail=about.detail,
    )


def levels_row_of(folder: Path, about: LevelsAbout) -> ModelRow:
    """The row of a model of levels, wherever its files are."""
    return ModelRow(about.name, about.title, about.conditions, about.licence, weights=folder / WEIGHTS, cascade=True)


def read_row(folder: Path) -> ModelRow:
    """The row of the model in a folder. Raises CheckpointError when its about.json cannot be used."""
    about = _read_about(folder)
    return levels_row_of(folder, about) if isinstance(about, LevelsAbout) else row_of(folder, about)


def read_level_config(folder: Path) -> LevelModelConfig:
    """The configuration of the model of levels in a folder. Raises CheckpointError."""
    about = _read_about(folder)
    if not isinstance(about, LevelsAbout):
        raise CheckpointError(f"{folder} is no model of levels", "Choose the folder of one.")
    return about.levels


def _read_about(folder: Path) -> About | LevelsAbout:
    """The content of a folder's about.json, checked. Raises CheckpointError."""
    try:
        about = _read(folder / ABOUT)
        check_name(about.name)
        if isinstance(about, LevelsAbout):
            _check_levels(about)
        else:
            _check_conditions(about)
            _check_networks(about)
        return about
    except ModelError as error:
        raise CheckpointError(f"{folder} is no model: {error.message}", error.hint) from error
    except InputError as error:
        raise CheckpointError(f"{folder} is no model: {error.message}", "Export it again.") from error


def _read(file: Path) -> About | LevelsAbout:
    values = read_values(file)
    schema = values.get("schema", 0) if isinstance(values, dict) else 0
    if type(schema) is not int or schema > SCHEMA:
        raise ModelError(f"its schema is {schema!r:.50}, expected {SCHEMA} at most", "A newer WaLa made it: update.")
    if isinstance(values, dict) and "levels" in values:
        return from_plain(LevelsAbout, values, file.name)
    return from_plain(About, values, file.name)


def _check_levels(about: LevelsAbout) -> None:
    if set(about.conditions) != {"mesh"}:
        raise ModelError(f"its conditions are {', '.join(about.conditions) or 'none'}", "A model of levels takes mesh.")
    _check_ranges(asdict(about.levels.autoencoder))
    for denoiser in about.levels.denoisers:
        _check_ranges(asdict(denoiser) | {"coarser": denoiser.coarser or None})


def _check_conditions(about: About) -> None:
    possible = conditions_of(about.starter.encoders)
    unknown = sorted(set(about.conditions) - set(possible))
    if unknown or not about.conditions:
        raise ModelError(
            f"its conditions are {', '.join(unknown) or 'none'}",
            f"With its encoders it can take {', '.join(possible)}.",
        )
    for name, defaults in about.conditions.items():
        counts_fit = 2 <= defaults.steps <= 1000 and 1 <= defaults.candidates <= 64 and 0 <= defaults.hold <= 1
        counts_fit = counts_fit and 0 <= defaults.originality <= 1
        counts_fit = (
            counts_fit and min(defaults.fit, defaults.refine) >= 0 and max(defaults.fit, defaults.refine) <= 1000
        )
        if not counts_fit or not (defaults.scale is None or 0 <= defaults.scale <= 100):
            raise ModelError(
                f"the defaults of {name} are {defaults}",
                "Steps are 2 to 1000, fit and refine 0 to 1000, candidates 1 to 64, hold and originality 0 to 1, the scale 0 to 100.",
            )


def _check_networks(about: About) -> None:
    for network in filter(None, (about.autoencoder, about.starter.denoiser, about.detail)):
        _check_ranges(asdict(network))
    for encoder in about.starter.encoders.values():
        _check_ranges(asdict(encoder))


def _check_ranges(network: dict) -> None:
    for name, value in network.items():
        if isinstance(value, dict):
            _check_ranges(value)
        elif value is not None:
            check_range(
                name, value, RANGES.get(name, ListOf(WIDTH, 1, 8) if isinstance(value, tuple) else WIDTH), ABOUT
            )


def write_about(folder: Path, about: About | LevelsAbout) -> None:
    """Writes about.json, which makes the folder a model: the last file to be written."""
    write_whole(folder / ABOUT, lambda stream: stream.write(json.dumps(asdict(about), indent=1).encode()))
