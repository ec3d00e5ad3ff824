"""Latents of training shapes by a trained level autoencoder, several encodings each."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..files import write_whole
from ..networks.level_autoencoder import LevelAutoencoder
from .data.dataset import Entry
from .level_shapes import LevelShapes, turned_about_up

log = logging.getLogger(__name__)

LATENTS = "latents.npz"
BATCH = 16


@dataclass(frozen=True)
class LevelLatents:
    """``levels``: (L, M, C) float32 of each level, the coarsest first; ``owner`` (L,): the shape's number."""

    levels: tuple[Tensor, ...]
    owner: Tensor


@torch.no_grad()
def level_latents(folder: Path, shapes: LevelShapes, model: LevelAutoencoder, encodings: int) -> LevelLatents:
    """``encodings`` latents of every shape, of other points, turned about the up axis by quarters and mirrored; kept in
    FOLDER/latents.npz. Raises InputError where that is of other numbers."""
    path, count = folder / LATENTS, len(shapes) * encodings
    if not path.is_file():
        generator, parts = torch.Generator().manual_seed(0), []
        owner = torch.arange(len(shapes)).repeat_interleave(encodings)
        device = next(model.parameters()).device
        for picks in owner.split(BATCH):
            order = torch.rand(len(picks), shapes.surface.shape[1], generator=generator).argsort(dim=1)
            cloud = shapes.surface[picks[:, None], order[:, : model.config.points]].float()
            cloud = cloud @ turned_about_up(len(picks), generator)
            parts.append([latent.cpu() for latent in model.encode(cloud.to(device))])
        levels = {f"level_{i}": torch.cat(rows).half().numpy() for i, rows in enumerate(zip(*parts))}
        write_whole(path, lambda stream: np.savez(stream, owner=owner.numpy(), **levels))
        log.info("%d latents of %d shapes", count, len(shapes))
    with np.load(path, allow_pickle=False) as file:
        owner = torch.from_numpy(file["owner"])
        if len(owner) != count:
            raise InputError(
                f"{path} has {len(owner)} latents, expected {count}", "Remove it, or choose another folder."
            )
        read = tuple(torch.from_numpy(file[f"level_{i}"]).float() for i in range(len(model.config.counts)))
    return LevelLatents(read, owner)


def frequent_words(entries: Sequence[Entry], min_count: int) -> list[str]:
    """The head nouns that at least ``min_count`` of the named shapes have, the most frequent first; none for 0."""
    if not min_count:
        return []
    counts = Counter(entry.head for entry in entries if entry.named and entry.head)
    return [word for word, count in counts.most_common() if count >= min_count]
