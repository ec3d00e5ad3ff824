"""Reader of a store of training samples."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...errors import InputError
from .build import dense_tree


@dataclass(frozen=True)
class Entry:
    """One line of a store's index.jsonl that was kept."""

    id: str
    file: Path
    variants: int
    split: str
    caption: str
    head: str
    geometry: tuple[
        float, ...
    ] = ()  # see duplicates.fingerprint; older stores have neither this nor what follows: see collections.Record
    synonyms: tuple[str, ...] = ()
    solid: float | None = None
    named: bool = True


def read_index(store: Path | str, split: str) -> list[Entry]:
    """Entries of one split of a store. Raises InputError when there is none."""
    index = Path(store) / "index.jsonl"
    if not index.exists():
        raise InputError(
            f"{store} is not a store of samples: it has no index.jsonl",
            "Build one with: wala data build FOLDER --out STORE",
        )
    entries = []
    for line in index.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        if raw["split"] == split and not raw["skipped"]:
            entries.append(
                Entry(
                    raw["id"],
                    Path(store) / "samples" / raw["file"],
                    raw["variants"],
                    split,
                    raw["caption"],
                    raw["head"],
                    tuple(raw.get("geometry") or ()),
                    tuple(raw.get("synonyms") or ()),
                    raw.get("solid"),
                    raw.get("named", True),
                )
            )
    if not entries:
        raise InputError(f"the store {store} holds no {split} shapes", "Build it with that split, or without a limit.")
    return sorted(entries, key=lambda entry: entry.id)


def load_tree(entry: Entry, variant: int) -> torch.Tensor:
    """Wavelet tree (64, 46, 46, 46) float32 of one variant."""
    with np.load(entry.file) as archive:
        offsets = archive["offsets"]
        part = slice(offsets[variant], offsets[variant + 1])
        return dense_tree(archive["coarse"][variant], archive["index"][part], archive["value"][part]).float()
