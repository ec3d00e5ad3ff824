"""Face colours of collections: NAME_colours.npz (``face_colours`` uint8 (m, 3), sRGB, row for row the faces of
NAME.npz) with NAME_colours.jsonl, a record an object in the collection's order."""

import json
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...errors import InputError
from .mesh_datasets import Record

USABLE = ("aligned", "one-colour")
MOST_MIXED = 0.2  # share of the area on faces that one colour cannot describe
_UNUSABLE_TAGS = ("tile", "decimation-unchecked")


def coloured(records: Iterable[Record], folder: Path) -> list[Record]:
    """Those of the records whose colours in a folder are fit for training: read from the source, at most MOST_MIXED of
    the area on mixed faces, no tiles. Raises InputError when none of them is."""
    found = [record for record in records if _is_usable(record, folder)]
    if not found:
        raise InputError(
            f"{folder} has no usable colours of these meshes", "Give a folder with NAME_colours.npz and .jsonl."
        )
    return found


def _is_usable(record: Record, folder: Path) -> bool:
    file = _colours_of(record, folder)
    if record.file.suffix != ".npz" or not file.is_file() or set(record.tags) & set(_UNUSABLE_TAGS):
        return False
    about = _abouts(file.with_suffix(".jsonl")).get(record.id)
    return bool(
        about
        and about["state"] in USABLE
        and not about.get("note")
        and about.get("mixed", 0.0) <= MOST_MIXED
        and not record.file.stem.startswith("clvr")  # one tan colour for every object
    )


def load_face_colours(record: Record, folder: Path) -> np.ndarray:
    """sRGB bytes (F, 3) of a record's faces, in the order of ``load_mesh``. Raises InputError."""
    file = _colours_of(record, folder)
    colours, offsets = _face_colours(file), _face_offsets(record.file)
    if len(colours) != offsets[-1]:
        raise InputError(f"{file.name} has {len(colours)} faces, {record.file.name} {offsets[-1]}", "Fetch both again.")
    return colours[offsets[record.index] : offsets[record.index + 1]]


def _colours_of(record: Record, folder: Path) -> Path:
    return folder / f"{record.file.stem}_colours.npz"


@lru_cache(maxsize=64)
def _abouts(file: Path) -> dict[str, dict]:
    try:
        lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        return {line["id"]: line for line in lines}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{file} cannot be read ({error})", "Fetch the colours again.") from error


@lru_cache(maxsize=64)
def _face_colours(file: Path) -> np.ndarray:
    return _array(file, "face_colours")


@lru_cache(maxsize=64)
def _face_offsets(file: Path) -> np.ndarray:
    return _array(file, "face_offsets")


def _array(file: Path, name: str) -> np.ndarray:
    try:
        with np.load(file) as archive:
            return archive[name]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{file} cannot be read ({error})", "Fetch it again.") from error
