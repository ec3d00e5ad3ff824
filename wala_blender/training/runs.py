"""Checkpoints of a run or model that the next run starts from: networks, word pieces, the latents' scale."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from ..configuration import from_plain
from ..errors import InputError
from ..files import write_whole
from ..models.registry import MODELS, STARTER, WORD_PIECES
from ..models.starter_config import StarterConfig
from ..models.starter_model import Starter
from ..models.trained_model import is_model_folder
from ..networks.autoencoder import Autoencoder, AutoencoderConfig
from ..networks.detail_unet import DetailConfig, DetailNetwork
from ..pipeline import Pipeline

AUTOENCODER, DENOISER, DETAIL, SETTINGS, LATENTS = (
    "autoencoder.pt",
    "starter.pt",
    "detail.pt",
    "settings.json",
    "latents.json",
)

FINISHED = "Give the folder of a run that was trained to its end."
FINISHED_OR_MODEL = f"{FINISHED[:-1]}, or of a model made of one, or {STARTER}."
Network = TypeVar("Network", bound=torch.nn.Module)


@dataclass(frozen=True)
class StageTwo:
    """A trained denoiser, with its word pieces' file and the scale that its latents were divided by (None if
    unknown)."""

    denoiser: Starter
    vocabulary: Path
    scale: float | None


def write_stage_one(folder: Path, autoencoder: Autoencoder) -> None:
    """Writes FOLDER/autoencoder.pt: an autoencoder for unscaled trees."""
    write_network(folder / AUTOENCODER, autoencoder.config, autoencoder.state_dict())


def write_stage_two(folder: Path, state: dict[str, torch.Tensor]) -> None:
    """Writes FOLDER/starter.pt."""
    write_whole(folder / DENOISER, lambda stream: torch.save(state, stream))


def write_detail(folder: Path, config: DetailConfig, state: dict[str, torch.Tensor]) -> None:
    """Writes FOLDER/detail.pt."""
    write_network(folder / DETAIL, config, state)


def load_detail(run: Path) -> DetailNetwork:
    """The detail stage of a run's folder, or of a model. Raises InputError."""
    if is_model(run):
        network = Pipeline.load(model_of(run), "cpu", precision="float32").detail
        if network is None:
            raise InputError(f"the model {run} has no detail stage", "Give a run's folder, or a model that has one.")
        return network
    return load_network(run, DETAIL, DetailConfig, DetailNetwork)[0]


def write_scale(folder: Path, scale: float, shapes: int, latents: int) -> None:
    """Writes FOLDER/latents.json: the latents' scale and number."""
    (folder / LATENTS).write_text(json.dumps({"scale": scale, "shapes": shapes, "latents": latents}), encoding="utf-8")


def read_scale(folder: Path) -> float:
    """The scale that the run's latents were divided by."""
    return _json(folder / LATENTS)["scale"]


def load_stage_one(run: Path) -> Autoencoder:
    """The autoencoder of a stage-1 run's folder, or of a model, by its name or folder. Raises InputError."""
    if is_model(run):
        return Pipeline.load(model_of(run), "cpu", precision="float32").autoencoder
    return load_network(run, AUTOENCODER, AutoencoderConfig, Autoencoder)[0]


def load_stage_two(run: Path) -> StageTwo:
    """The denoiser of a stage-2 run's folder, or of a model. Raises InputError."""
    if is_model(run):
        pipeline = Pipeline.load(model_of(run), "cpu", precision="float32")
        if not isinstance(pipeline.denoiser, Starter):
            raise InputError(
                f"the model {run} is not of the kind that is trained here",
                f"Give a run's or a trained model's folder, or {STARTER}.",
            )
        return StageTwo(
            pipeline.denoiser, pipeline.denoiser.vocabulary, 1.0
        )  # an exported autoencoder's latents have the right size
    state = _load(run, DENOISER)
    denoiser = Starter(from_plain(StarterConfig, settings_of(run).get("model", {}), SETTINGS)).eval()
    denoiser.load_state_dict(state)
    return StageTwo(denoiser, run / WORD_PIECES, _json(run / LATENTS).get("scale"))


def settings_of(run: Path) -> dict:
    """Content of a run's settings.json; empty if there is none, as for models."""
    return _json(run / SETTINGS)


def is_model(run: Path) -> bool:
    """Whether it is a model's name or folder, rather than a run's."""
    return str(run) in MODELS or is_model_folder(run)


def model_of(run: Path) -> str:
    """A model's name, or the path of its folder, as an argument of Pipeline.load."""
    return str(run) if str(run) in MODELS else str(run.absolute())


def write_network(file: Path, config: Any, state: dict[str, torch.Tensor], **further: object) -> None:
    """Writes a trained network's weights with its configuration, a dataclass, and what ``further`` is needed to use
    it."""
    content = {"config": asdict(config), "state": state} | further
    write_whole(file, lambda stream: torch.save(content, stream))


def load_network(
    run: Path, name: str, config: type, network: Callable[..., Network], hint: str = FINISHED_OR_MODEL
) -> tuple[Network, dict]:
    """The network of a file that ``write_network`` wrote to a run's folder, and the file's content. ``hint``: what to
    do where it is missing. Raises InputError."""
    saved = _load(run, name, hint)
    loaded = network(from_plain(config, _plain(saved["config"]), name)).eval()
    loaded.load_state_dict(saved["state"])
    return loaded, saved


def _load(run: Path, name: str, hint: str = FINISHED_OR_MODEL) -> dict:
    if not (run / name).is_file():
        raise InputError(f"{run / name} is missing", hint)
    return torch.load(run / name, map_location="cpu", weights_only=True)


def _json(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _plain(config: dict) -> dict:
    return {
        name: list(value) if isinstance(value, tuple) else _plain(value) if isinstance(value, dict) else value
        for name, value in config.items()
    }
