"""Reads collections of meshes: NAME.npz with vertices and faces beside NAME.jsonl with a record an object. Knows splits; not distance fields.

The format: ``vertices`` uint16 (n, 3) (value / 65535 − 0.5, +Y up, longest side 1), ``faces`` (m, 3) local to the object,
``vertex_offsets`` and ``face_offsets`` with one entry more than there are objects; the records in the same order, field "index".
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import InputError

SCANS = ("gso", "ycb", "household_scans")  # scans of real objects: the unseen domain, never trained on
VALIDATION_PERCENT = 8
SPLITS = ("train", "validation", "scans", "all")


@dataclass(frozen=True)
class Record:
    """One object: where it lies and what is said of it."""

    id: str
    collection: Path
    index: int
    caption: str
    words: tuple[str, ...]
    head: str
    category: str
    tags: tuple[str, ...]
    licence: str
    n_faces: int

    @property
    def split(self) -> str:
        """scans, validation or train: fixed for ever by a hash of the id."""
        if self.id.split("/")[0] in SCANS:
            return "scans"
        return "validation" if int(hashlib.sha1(self.id.encode()).hexdigest(), 16) % 100 < VALIDATION_PERCENT else "train"


def read_records(folder: Path | str, split: str = "all") -> list[Record]:
    """Records of every collection in a folder, without tiles and unnamed objects. "all" is train and validation together, without the scans.

    Raises InputError when the folder holds no collection or the split is unknown.
    """
    if split not in SPLITS:
        raise InputError(f"unknown split {split!r}", f"Choose one of {', '.join(SPLITS)}.")
    files = sorted(Path(folder).glob("*.jsonl"))
    if not files:
        raise InputError(f"no collection (NAME.npz with NAME.jsonl) in {folder}", "Point at a folder that holds them.")
    records = [record for file in files for record in _read_collection(file)]
    if split == "all":
        return [record for record in records if record.split != "scans"]
    return [record for record in records if record.split == split]


def _read_collection(file: Path) -> list[Record]:
    records = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            raw = json.loads(line)
            tags = tuple(raw.get("tags") or ())
            if "tile" in tags or "unnamed" in tags:
                continue
            words = tuple(raw.get("words") or ())
            records.append(
                Record(raw["id"], file.with_suffix(".npz"), int(raw["index"]), raw.get("caption") or "", words,
                       raw.get("head") or (words[-1] if words else ""), raw.get("category") or "other", tags, raw.get("licence") or "", int(raw["n_faces"]))
            )
        except (ValueError, KeyError) as error:
            raise InputError(f"{file.name}, line {number}: not a record ({error!r})", "Repair or remove that line.") from error
    return records


@lru_cache(maxsize=32)
def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file) as archive:
            return {name: archive[name] for name in ("vertices", "faces", "vertex_offsets", "face_offsets")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{file} cannot be read ({error})", "Fetch the collection again.") from error


def load_mesh(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n, 3) float64 with longest side 1, centred, +Y up, and faces (m, 3) int64 of a record."""
    arrays = _arrays(record.collection)
    v, f = arrays["vertex_offsets"], arrays["face_offsets"]
    i = record.index
    vertices = arrays["vertices"][v[i] : v[i + 1]].astype(np.float64) / 65535 - 0.5
    return vertices, arrays["faces"][f[i] : f[i + 1]].astype(np.int64)
