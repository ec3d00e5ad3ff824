"""Checks reference vectors of the published implementation against this library. Knows the vectors' format; not how
they are shown.

A reference file stores inputs and outputs; the weights behind them are drawn by a rule from every key's name. They are
written as a published checkpoint into a temporary folder and loaded by the same strict loader as a downloaded one.
"""

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..conditions.points import PointNet
from ..conditions.processing import ConditionProcessing
from ..conditions.specs.points import PointNetConfig
from ..conditions.specs.voxels import VoxelEncoderConfig
from ..conditions.voxels import VoxelEncoder
from ..diffusion.guidance import conditioned, guided
from ..diffusion.samplers import ancestral
from ..diffusion.schedule import Schedule, cosine_betas, linear_betas, spaced_steps
from ..errors import InputError
from ..models.checkpoint import load_components
from ..models.construction import without_weights
from ..models.published_args import read_args
from ..models.published_config import published_settings
from ..networks.autoencoder import Autoencoder
from ..networks.condition import Condition
from ..networks.denoiser import UViT
from ..networks.dinov2 import DinoV2, DinoV2Config
from ..networks.multiview_unet import MultiViewUNet, MultiViewUNetConfig
from ..text_to_views import unet_config
from ..wavelet.transform import forward
from ..wavelet.tree import tree_to_field, unpack
from .level_vectors import LEVEL_CHECKS
from .reference_weights import SAMPLE, SINGLE_CALL, Arrays, Quantity, reference_checkpoint, relative_error, tensor


@dataclass(frozen=True)
class Row:
    """One compared quantity. ``error``: max |ours − reference| / max |reference|, or without the division where the
    quantity says that it is absolute; None: a kind of file that is not checked yet."""

    file: str
    quantity: str
    error: float | None
    bar: float

    @property
    def passed(self) -> bool:
        return self.error is not None and self.error <= self.bar


def _check_wavelet(name: str, arrays: Arrays, entry: Mapping | None) -> Iterator[Quantity]:
    padding = "constant" if name.endswith("constant") else "zero"
    made = forward(tensor(arrays["sdf"])[None], padding)
    for key, ours in zip(("low", "high_fine", "high_mid", "high_coarse"), (made.coarse, *made.details)):
        if key in arrays:
            yield key, relative_error(ours[0], arrays[key]), SINGLE_CALL
    if "tree" in arrays:
        tree = tensor(arrays["tree"])[None]
        parts = unpack(tree)
        for key, ours in zip(("tree_low", "tree_high_mid", "tree_high_coarse"), (parts.coarse, *parts.details[1:])):
            yield key, relative_error(ours[0], arrays[key]), SINGLE_CALL
        yield "tree_sdf", relative_error(tree_to_field(tree)[0], arrays["tree_sdf"]), SINGLE_CALL


def _check_schedules(name: str, arrays: Arrays, entry: Mapping | None) -> Iterator[Quantity]:
    yield "cosine", relative_error(cosine_betas(1000), arrays["cosine"]), SINGLE_CALL
    yield "linear", relative_error(linear_betas(1000), arrays["linear"]), SINGLE_CALL
    for key in arrays:
        if key.startswith("space_"):
            yield key, relative_error(spaced_steps(1000, int(key.removeprefix("space_"))), arrays[key]), SINGLE_CALL


def _check_autoencoder(name: str, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    with reference_checkpoint(entry, prefix="autoencoder.") as folder:
        model = Autoencoder(published_settings(read_args(folder / "args.json")).autoencoder).eval()
        load_components(folder / "checkpoint.ckpt", {"autoencoder": model})
    tree = np.random.default_rng(int(arrays["tree_seed"])).standard_normal((1, 64, 46, 46, 46)) * 0.3
    made = model(tensor(tree.astype(np.float16)))
    sub = np.s_[:, ::7, ::5, ::5, ::5]
    latent_in = tensor(arrays["z_in"])
    for key, ours in (
        ("z", made.latent),
        ("q", made.quantized.latent),
        ("indices", made.quantized.indices),
        ("dec_sub", made.tree[sub]),
        ("dec_mean", made.tree.mean((2, 3, 4))),
        ("dec_std", made.tree.std((2, 3, 4))),
        ("q_in", model.quantize(latent_in).latent),
        ("dec_in_sub", model.decode(latent_in)[sub]),
    ):
        yield key, relative_error(ours, arrays[key]), SINGLE_CALL


def _check_denoiser(name: str, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    with reference_checkpoint(entry) as folder:
        settings = published_settings(read_args(folder / "args.json"))
        model = UViT(settings.denoiser).eval()
        components: dict[str, nn.Module] = {"denoiser": model}
        if settings.processing is not None:
            components["processing"] = ConditionProcessing(settings.processing)
        load_components(folder / "checkpoint.ckpt", components)
    condition, denoiser = Condition(), conditioned(model.denoise, Condition())
    if settings.processing is not None:
        views = torch.from_numpy(arrays["view_index"]) if settings.processing.camera_rows else None
        raw, processing = tensor(arrays["cond"]), components["processing"]
        condition = processing(raw, views)
        denoiser = guided(model.denoise, condition.stacked_with(processing.empty(raw, views)), entry["guidance_scale"])
        yield "processed", relative_error(condition.tokens[:, ::16], arrays["processed"]), SINGLE_CALL
    yield (
        "out",
        relative_error(model.denoise(tensor(arrays["x"]), tensor(arrays["t"]), condition), arrays["out"]),
        SINGLE_CALL,
    )
    schedule, steps = Schedule(settings.schedule), len(arrays["timestep_map"])
    taken = [step.timestep for step in reversed(schedule.respaced(steps))]
    yield "timestep_map", relative_error(np.array(taken), arrays["timestep_map"]), SINGLE_CALL
    sample = ancestral(denoiser, schedule, steps, map(tensor, arrays["noises"]))
    yield "sample", relative_error(sample, arrays["sample"]), SAMPLE


def _check_encoder(model: nn.Module, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    with reference_checkpoint(entry) as folder:
        load_components(folder / "checkpoint.ckpt", {"condition_encoder": model.eval()})
    yield "y", relative_error(model(tensor(arrays["x"])), arrays["y"]), SINGLE_CALL


def _check_points(name: str, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    _, tokens, width = entry["keys"]["encoder.pooling.I"]
    large = "encoder.pooling.mlp.fc1.weight" in entry["keys"]
    yield from _check_encoder(PointNet(PointNetConfig(large, width, tokens, arrays["y"].shape[-1])), arrays, entry)


def _check_voxels(name: str, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    yield from _check_encoder(VoxelEncoder(VoxelEncoderConfig(arrays["y"].shape[1])), arrays, entry)


def _check_image_encoder(name: str, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    given = entry["config"]
    config = DinoV2Config(
        given["width"], given["depth"], given["heads"], given["ffn_layer"] != "mlp", given["registers"]
    )
    with without_weights():
        model = DinoV2(config).eval()
    with reference_checkpoint(entry) as folder:
        load_components(folder / "checkpoint.ckpt", {"image_encoder": model})
    whole, patches = model.features(tensor(arrays["x"]))
    yield "y", relative_error(patches, arrays["y"]), SINGLE_CALL
    yield "cls", relative_error(whole, arrays["cls"]), SINGLE_CALL


def _check_multiview(name: str, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    with without_weights():
        model = MultiViewUNet(unet_config(entry["config"], MultiViewUNetConfig())).eval()
    with reference_checkpoint(entry) as folder:
        load_components(folder / "checkpoint.ckpt", {"multiview_unet": model})
    x = tensor(arrays["x"])
    made = model(
        x,
        torch.full((len(x),), int(arrays["timestep"])),
        tensor(arrays["context"]).expand(len(x), -1, -1),
        tensor(arrays["camera"]),
    )
    yield "out", relative_error(made, arrays["out"]), SINGLE_CALL


# what an array file must contain, a key its entry must list (None: no entry needed), and who checks it
CHECKS: tuple[tuple[set[str], str | None, Callable[[str, Arrays, Mapping | None], Iterator[Quantity]]], ...] = (
    ({"sdf", "low"}, None, _check_wavelet),
    ({"cosine", "linear"}, None, _check_schedules),
    ({"z", "dec_sub"}, "quantize.embedding.weight", _check_autoencoder),
    ({"noises", "sample"}, "network.unet.conv_in.weight", _check_denoiser),
    ({"x", "y"}, "encoder.pooling.I", _check_points),
    ({"x", "y"}, "encoder.in_conv.weight", _check_voxels),
    ({"x", "y", "cls"}, "clip_model.dinov2.pos_embed", _check_image_encoder),
    ({"x", "camera", "out"}, "model.model.diffusion_model.camera_embed.0.weight", _check_multiview),
    *LEVEL_CHECKS,
)


def read_entries(folder: Path) -> dict[str, Mapping]:
    """Name of an array file → its entry: one of a .json file's, or all of a .json file with the beginning of its
    name."""
    named: dict[str, Mapping] = {}
    whole: dict[str, Mapping] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path.name} is not readable JSON ({error})", "Copy the reference vectors again"
            ) from error
        if isinstance(content, dict) and "keys" in content:
            whole |= {arrays.stem: content for arrays in folder.glob(f"{path.stem}*.npz")}
        elif isinstance(content, dict):
            named |= {name: entry for name, entry in content.items() if isinstance(entry, dict) and "keys" in entry}
    return whole | named


def _read_arrays(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return Arrays({key: file[key] for key in file.files})
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path.name} cannot be read ({error})", "Copy the reference vectors again") from error


@torch.no_grad()
def check_file(path: Path, entry: Mapping | None) -> list[Row]:
    """All quantities of one .npz file; a single row with error None where no check fits it."""
    arrays = _read_arrays(path)
    for names, key, check in CHECKS:
        if names <= arrays.keys() and (key is None or (entry is not None and key in entry["keys"])):
            return [Row(path.name, quantity, error, bar) for quantity, error, bar in check(path.stem, arrays, entry)]
    return [Row(path.name, "not checked yet", None, SINGLE_CALL)]


def check_folder(folder: Path | str, on_file: Callable[[str], None] | None = None) -> list[Row]:
    """Every reference vector (*.npz with its entry in a *.json) in the folder; ``on_file(name)`` is called before each.

    A row passes when its error is known and not above its bar. Raises InputError for a folder without vectors or a
    damaged file, CheckpointError where weights do not fit our modules.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise InputError(
            f"{folder} holds no reference vectors (*.npz)", "Give the folder with the .npz and .json files"
        )
    entries = read_entries(folder)
    rows: list[Row] = []
    for path in paths:
        if on_file is not None:
            on_file(path.name)
        rows += check_file(path, entries.get(path.stem))
    return rows
