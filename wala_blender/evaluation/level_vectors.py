"""Checks of the reference vectors of LaGeM's autoencoder, and of its predecessor's EDM denoiser."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from ..diffusion import edm
from ..geometry.point_sets import farthest_points
from ..models.checkpoint import load_components
from ..models.construction import without_weights
from ..networks.configs import LevelAutoencoderConfig, LevelDenoiserConfig
from ..networks.level_autoencoder import LevelAutoencoder
from ..networks.level_denoiser import LevelDenoiser
from .reference_weights import SAMPLE, SINGLE_CALL, Arrays, Quantity, reference_checkpoint, relative_error, tensor

LOGITS = 5e-6  # absolute: with drawn weights attention is nearly uniform, and the logits hardly vary


@contextmanager
def _recorded(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What the modules give back, by name, while the block runs."""
    outputs: dict[str, Tensor] = {}
    with ExitStack() as stack:
        for name, module in modules.items():
            hook = module.register_forward_hook(
                lambda module, inputs, output, name=name: outputs.__setitem__(name, output)
            )
            stack.callback(hook.remove)
        yield outputs


def _compared(outputs: Mapping[str, Tensor], arrays: Arrays, prefix: str = "") -> Iterator[Quantity]:
    for name, ours in outputs.items():
        key = prefix + name
        if key in arrays and name != "logits":
            yield key, relative_error(ours, arrays[key]), SINGLE_CALL
    key = prefix + "logits"
    yield f"{key} (absolute)", relative_error(outputs["logits"], arrays[key]) * float(np.abs(arrays[key]).max()), LOGITS


def _levels(points: Tensor, counts: list[int], arrays: Arrays) -> Iterator[tuple[Tensor, np.ndarray]]:
    """The points of every level, the finest first, and their indices: greedy from index 0 where the file has such, else
    the first ones."""
    for i, count in enumerate(reversed(counts), 1):
        chosen = farthest_points(points, count, start=0) if f"level_index_{i}" in arrays else torch.arange(count)[None]
        points = points[:, chosen[0]]
        yield points, chosen[0].numpy()


def _check_level_autoencoder(name: str, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    config, points, queries = entry["config"], tensor(arrays["points"]), tensor(arrays["queries"])
    with without_weights():
        model = LevelAutoencoder(
            LevelAutoencoderConfig(
                config["width"],
                points.shape[1],
                tuple(config["levels"]),
                tuple(config["channels"]),
                config.get("depth", 8),
            )
        ).eval()
    with reference_checkpoint(entry) as folder:
        load_components(folder / "checkpoint.ckpt", {"level_autoencoder": model})
    levels = list(_levels(points, config["levels"], arrays))
    for i, (_, chosen) in enumerate(levels, 1):
        if f"level_index_{i}" in arrays:
            yield f"level_index_{i}", relative_error(chosen, arrays[f"level_index_{i}"]), SINGLE_CALL
    encoding = {f"features_{i}": network.cross_attend_blocks for i, network in enumerate(model.networks)}
    with _recorded(encoding) as features:
        latents = model.encode(points, [own for own, _ in reversed(levels)])
    for prefix, inputs in (
        ("", latents),
        ("mixed_", [latents[0], *(tensor(arrays[f"noise_{i}"]) for i in (1, 2) if f"noise_{i}" in arrays)]),
    ):
        if f"{prefix}logits" not in arrays:
            continue
        parts = {f"upsampled_{i}": block for i, block in enumerate(model.upsample_blocks)} | {
            "embedding": model.point_embed
        }
        reading = {f"read_{i}": attention for i, attention in enumerate(model.decoder_cross_attn)}
        with _recorded(parts | reading) as outputs:
            sets = model.decode(inputs)
            logits = model.query(queries, sets)
        outputs |= {f"decoded_{i}": own for i, own in enumerate(sets)} | {"logits": logits}
        outputs["query_features"] = torch.cat([outputs.pop(part) for part in reading], dim=-1)
        if not prefix:
            outputs |= features | {f"latents_{i}": latent for i, latent in enumerate(latents)}
        yield from _compared(outputs, arrays, prefix)


def _check_level_denoiser(name: str, arrays: Arrays, entry: Mapping) -> Iterator[Quantity]:
    config, labels = entry["config"], torch.from_numpy(arrays["labels"])
    with without_weights():
        model = LevelDenoiser(
            LevelDenoiserConfig(
                config["channels"],
                config["heads"] * config["head_width"],
                config["depth"],
                categories=config["classes"],
            )
        ).eval()
    with reference_checkpoint(entry, prefix="level_denoiser.") as folder:
        load_components(folder / "checkpoint.ckpt", {"level_denoiser": model})
    sigmas: list[float] = []

    def network(x: Tensor, noise: Tensor) -> Tensor:
        return model(x, noise, category=labels)

    denoise = edm.preconditioned(network)

    def counted(x: Tensor, sigma: Tensor) -> Tensor:
        sigmas.append(float(sigma[0]))
        return denoise(x, sigma)

    x, sigma = tensor(arrays["x"]), tensor(arrays["sigma"])
    factors = edm.Preconditioning.of(sigma, x.ndim)
    yield "raw", relative_error(network(factors.input * x, factors.noise), arrays["raw"]), SINGLE_CALL
    yield "denoised", relative_error(denoise(x, sigma), arrays["denoised"]), SINGLE_CALL
    yield (
        "loss",
        relative_error(edm.loss(denoise, tensor(arrays["y"]), tensor(arrays["noise"]), sigma), arrays["loss"]),
        SINGLE_CALL,
    )
    yield (
        "training_sigmas",
        relative_error(edm.training_sigmas(tensor(arrays["training_normals"])), arrays["training_sigmas"]),
        SINGLE_CALL,
    )
    levels, start = edm.noise_levels(), tensor(arrays["start"])
    yield "sample", relative_error(edm.heun(counted, levels, levels[0].float() * start), arrays["sample"]), SAMPLE
    yield "sample_sigmas", relative_error(np.array(sigmas), arrays["sample_sigmas"]), SINGLE_CALL
    levels = edm.noise_levels(6)
    yield "sample_6", relative_error(edm.heun(denoise, levels, levels[0].float() * start), arrays["sample_6"]), SAMPLE


# rows of reference_vectors.CHECKS
LEVEL_CHECKS = (
    ({"points", "queries", "logits", "latents_0"}, "networks.0.gamma", _check_level_autoencoder),
    ({"denoised", "sample_sigmas"}, "category_emb.weight", _check_level_denoiser),
)
