"""Latents of a store for stage 2, with the inputs of their conditions, in memory and in a run's folder."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..files import write_whole
from ..networks.autoencoder import Autoencoder
from .data.dataset import Entry, load_tree
from .data.depth_renders import depth_views
from .loop import this_process
from .runs import load_stage_one, write_scale

COLUMNS = ("occupancy", "points", "depth", "normal", "elevation")


@dataclass(frozen=True)
class Latents:
    """Everything stage 2 reads, in memory: row i belongs to entry owner[i]. latent float32, the rest as in the store,
    two views each; maps and directions: see depth_views."""

    owner: Tensor
    canonical: Tensor
    latent: Tensor
    occupancy: Tensor
    points: Tensor
    depth: Tensor
    normal: Tensor
    elevation: Tensor
    maps: Tensor
    directions: Tensor

    def to(self, device: torch.device) -> "Latents":
        """Moves the tensors to a device; ``owner`` stays on the CPU."""
        moved = {
            field.name: getattr(self, field.name).to(device)
            for field in fields(self)
            if field.name not in ("owner", "canonical")
        }
        return Latents(self.owner, self.canonical, **moved)


def _read(entry: Entry) -> tuple[list[Tensor], dict[str, np.ndarray]]:
    """Trees (64, 46, 46, 46) float16 of an entry's variants, and the columns that come from its file."""
    with np.load(entry.file) as archive:
        arrays = {name: archive[name] for name in COLUMNS}
    return [load_tree(entry, variant).half() for variant in range(entry.variants)], arrays


def _read_ahead(entries: list[Entry]) -> Iterator[tuple[list[Tensor], dict[str, np.ndarray]]]:
    threads = os.cpu_count() or 1
    waiting = deque()
    with ThreadPoolExecutor(threads) as pool:
        for entry in entries:
            waiting.append(pool.submit(_read, entry))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@torch.no_grad()
def encode_store(entries: list[Entry], autoencoder: Autoencoder, device: torch.device) -> Latents:
    """Latents of every variant of every entry, with the inputs of their conditions, on the CPU; the autoencoder is
    moved to the device."""
    columns: dict[str, list] = {name: [] for name in ("latent", *COLUMNS, "maps", "directions")}
    owner, canonical = [], []
    autoencoder.to(device)
    for number, (trees, arrays) in enumerate(tqdm(_read_ahead(entries), total=len(entries), desc="latents", unit="")):
        views = len(arrays["depth"]) // len(arrays["points"])
        for variant, tree in enumerate(tree.to(device) for tree in trees):
            with torch.autocast(device.type, torch.bfloat16):
                columns["latent"].append(autoencoder.encode(tree[None].float())[0].float().cpu())
            maps, directions = depth_views(tree, np.random.default_rng([number, variant]))
            columns["maps"].append(maps)
            columns["directions"].append(directions)
            owner.append(number)
            canonical.append(variant == 0)
            part = slice(variant * views, (variant + 1) * views)
            columns["occupancy"].append(
                torch.from_numpy(np.unpackbits(arrays["occupancy"][variant]).reshape(1, 16, 16, 16).astype(np.float32))
            )
            columns["points"].append(torch.from_numpy(arrays["points"][variant]))
            for name in ("depth", "normal", "elevation"):
                columns[name].append(torch.from_numpy(arrays[name][part]))
    stacked = {name: torch.stack(values) for name, values in columns.items()}
    return Latents(torch.tensor(owner), torch.tensor(canonical), **stacked)


def normalised_latents(
    folder: Path, entries: list[Entry], autoencoder_run: Path, scale: float | None
) -> tuple[list[Entry], Latents]:
    """The run's latents, encoded once, and their entries; divided by ``scale``, or to a standard deviation of one,
    whose scale is stored in FOLDER."""
    file = folder / "latents.pt"
    if not file.exists():
        latents = encode_store(entries, load_stage_one(autoencoder_run), this_process().device)
        scale = scale or float(latents.latent.std())
        latents.latent.div_(scale)
        write_scale(folder, scale, len(entries), len(latents.owner))
        content = asdict(latents) | {"ids": [entry.id for entry in entries]}
        write_whole(file, lambda stream: torch.save(content, stream))
    saved = torch.load(file, weights_only=True)
    by_id = {entry.id: entry for entry in entries}
    return [by_id[identifier] for identifier in saved.pop("ids")], Latents(**saved)


def normalise_latents(autoencoder: Autoencoder, scale: float) -> None:
    """Divides the latent by scale: exact, as the encoder's last and the decoder's first convolution are linear and a
    common factor for all channels leaves the nearest codebook rows unchanged."""
    with torch.no_grad():
        last = autoencoder.encoder.out_conv[2]
        last.weight /= scale
        last.bias /= scale
        autoencoder.quantize.embedding.weight /= scale
        autoencoder.decoder.in_conv.weight *= scale
