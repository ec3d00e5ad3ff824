"""Reader of a condition's raw inputs, from files and plain values, with checks.

Job folders and the command line both read their inputs here. Nothing is ever unpickled.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

import numpy as np

from ..array_files import checked_numbers, read_npz
from ..errors import InputError
from ..files import check_size
from ..geometry.meshes import READABLE, read_mesh
from ..geometry.strays import without_strays
from .pixels import read_pixels
from .spec import Readers
from .specs import OPTIONS, SPECS, check_inputs

MAX_BYTES = 2**30  # of any file; each kind has limits of its own besides
_AGAIN = "The file is damaged or incomplete: write it again"


def load_condition(condition: str, inputs: Mapping[str, object], folder: Path | str) -> dict:
    """``load_inputs`` of a condition's request. Raises InputError also when there is none of the inputs that the
    condition needs."""
    check_inputs(condition, inputs)
    return load_inputs(inputs, folder)


def load_inputs(inputs: Mapping[str, object], folder: Path | str) -> dict:
    """Every file that ``inputs`` names (relative to ``folder``, never outside it) loaded and checked.

    name         value             becomes
    prompt       text              "prompt" str: also beside any other condition
    elevation    degrees −90…90    "elevation" float
    azimuth      degrees ±360      "azimuth" float
    views        view indices      "views" list of int
    background   keep or remove    "background" str: of a picture of a thing
    near         auto, light, dark "near" str: of a depth map
    hold         0…1               "hold" float: of a blockout
    originality  0…1               "originality" float: of words
    polylines    .npz              "polylines" list of (n, 2) float32, x right, y up
    image        any picture       "image" (H, W) or (H, W, 3 or 4) uint8, uint16 or float32, turned upright
    images       a list of them    "images" list of the same
    mesh         .npz, .glb, …     "vertices" (V, 3) float64, "faces" (F, 3) int64
    occupancy    .npy, .vox, …     "occupancy" (16, 16, 16) bool, axes x, y, z
    points       .npy, .ply, …     "points" (N, 3) float64
    keep         levels' names     "keep" str: of a mesh's latents
    strength     0…1               "strength" float: of the levels that are made anew
    latents      .npz              "latents" {"levels": three (M, C) arrays, "frame": (4,)}: a mesh's own, of a result

    What was left out or changed on the way is told in "notes", a list of str, where there is something to tell.
    Raises InputError, one line, for what is missing, damaged, empty, not finite or of the wrong shape.
    """
    loaded: dict = {}
    notes: list[str] = []
    for name, value in inputs.items():
        if name in _VALUES:
            loaded[name] = _VALUES[name](value)
        elif name in FILES:
            part = _read(name, value, Path(folder))
            notes += part.pop("notes", [])
            loaded |= part
        elif name in _LISTS:
            loaded[name] = _read_list(name, value, Path(folder))
        else:
            raise InputError(f"unknown input {name!r}", f"Known are {', '.join([*_VALUES, *FILES, *_LISTS])}")
    return loaded | ({"notes": notes} if notes else {})


def _read(name: str, value: object, folder: Path) -> dict:
    readers = FILES[name]()
    if not isinstance(value, str) or PurePath(value).is_absolute() or ".." in PurePath(value).parts:
        raise InputError(f"the input {name} is {value!r}, expected a file name within its folder")
    path = folder / value
    if not os.path.isfile(path):
        raise InputError(f"{path} is missing", "Check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes)", _AGAIN)
    check_size(path, MAX_BYTES, "an input", "Make it smaller")
    reader = readers.get(path.suffix.lower()) or readers.get("")
    if reader is None:
        raise InputError(
            f"{path.name}: unknown kind of file {path.suffix!r} for {name}", f"Give one of {', '.join(readers)}"
        )
    return reader(path)


def _read_list(name: str, value: object, folder: Path) -> list:
    one = _LISTS[name]
    if not isinstance(value, list) or not value:
        raise InputError(f"{name} is {value!r}, expected a list of files")
    return [_read(one, item, folder)[one] for item in value]


def _image(path: Path) -> dict:
    return {"image": read_pixels(path)}


def _mesh_arrays(path: Path) -> dict:
    return checked_mesh(path, *read_npz(path, "vertices", "faces"))


def checked_mesh(path: Path, vertices: np.ndarray, faces: np.ndarray) -> dict:
    """{"vertices", "faces", "notes": what was left out} of arrays of a mesh; ``path`` is named in messages. Raises
    InputError."""
    vertices = checked_numbers(path, vertices, "vertices", 3).astype(np.float64)
    if faces.dtype.kind not in "iu":
        raise InputError(f"{path.name}: the faces are {faces.dtype}, expected whole numbers")
    return _mesh(vertices, faces)


def _mesh_file(path: Path) -> dict:
    return _mesh(*read_mesh(path))


def _mesh(vertices: np.ndarray, faces: np.ndarray) -> dict:
    vertices, faces, notes = without_strays(vertices, faces)
    return {"vertices": vertices, "faces": faces, "notes": notes}


_VALUES: dict[str, Callable[[object], object]] = {option.becomes: option.check for option in OPTIONS}
_VALUES |= {name: check for spec in SPECS.values() for name, check in spec.values.items()}
_LISTS = {"images": "image"}
# Raw input → the readers of its files
FILES: dict[str, Callable[[], Readers]] = {
    "image": lambda: {"": _image},
    "mesh": lambda: {".npz": _mesh_arrays} | dict.fromkeys(READABLE, _mesh_file),
} | {name: readers for spec in SPECS.values() for name, readers in spec.files.items()}
