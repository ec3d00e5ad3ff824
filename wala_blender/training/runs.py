"""Checkpoints of a run or model that the next run starts from: networks, word pieces, the latents' scale."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class StageTwo:
    """A trained denoiser, with its word pieces' file and the scale that its latents were divided by (None if
    unknown)."""

    denoiser: Starter
    vocabulary: Path
    scale: float | None


def write_stage_one(folder: Path, autoencoder: Autoencoder) -> None:
    """Writes FOLDER/autoencoder.pt: an autoencoder for unscaled trees."""
    content = {"config": asdict(autoencoder.config), "state": autoencoder.state_dict()}
    write_whole(folder / AUTOENCODER, lambda stream: torch.save(content, stream))


def write_stage_two(folder: Path, state: dict[str, torch.Tensor]) -> None:
    """Writes FOLDER/starter.pt."""
    write_whole(folder / DENOISER, lambda stream: torch.save(state, stream))


def write_detail(folder: Path, config: DetailConfig, state: dict[str, torch.Tensor]) -> None:
    """Writes FOLDER/detail.pt."""
    write_whole(folder / DETAIL, lambda stream: torch.save({"config": asdict(config), "state": state}, stream))


def load_detail(run: Path) -> DetailNetwork:
    """The detail stage of a run's folder, or of a model. Raises InputError."""
    if is_model(run):
        network = Pipeline.load(model_of(run), "cpu", precision="float32").detail
        if network is None:
            raise InputError(f"the model {run} has no detail stage", "Give a run's folder, or a model that has one.")
        return network
    saved = _load(run, DETAIL)
    network = DetailNetwork(from_plain(DetailConfig, _plain(saved["config"]), DETAIL)).eval()
    network.load_state_dict(saved["state"])
    return network


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
    saved = _load(run, AUTOENCODER)
    autoencoder = Autoencoder(from_plain(AutoencoderConfig, _plain(saved["config"]), AUTOENCODER)).eval()
    autoencoder.load_state_dict(saved["state"])
    return autoencoder


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


def _load(run: Path, name: str) -> dict:
    if not (run / name).is_file():
        raise InputError(
            f"{run / name} is missing",
            f"Give the folder of a run that was trained to its end, or of a model made of one, or {STARTER}.",
        )
    return torch.load(run / name, map_location="cpu", weights_only=True)


def _json(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _plain(config: dict) -> dict:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
