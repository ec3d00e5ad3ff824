"""A condition's inputs from files and plain values, checked. Knows file formats; not what an encoder makes of the
arrays.

The one way in for a job folder's request and for the command line. Nothing is ever unpickled.
"""

import itertools
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

import numpy as np

from ..array_files import read_npz
from ..errors import InputError
from ..files import check_size
from ..geometry.meshes import READABLE, read_mesh
from ..geometry.strays import without_strays
from . import point_files, voxel_files
from .pixels import read_pixels
from .spec import BACKGROUNDS, NEAR, check_inputs

MAX_BYTES = 2**30  # of any file; each kind has limits of its own besides
LONGEST_PROMPT = 10_000  # letters
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
    polylines    .npz              "polylines" list of (n, 2) float32, x right, y up
    image        any picture       "image" (H, W) or (H, W, 3 or 4) uint8, uint16 or float32, turned upright
    images       a list of them    "images" list of the same
    mesh         .npz, .glb, …     "vertices" (V, 3) float64, "faces" (F, 3) int64
    occupancy    .npy, .vox, …     "occupancy" (16, 16, 16) bool, axes x, y, z
    points       .npy, .ply, …     "points" (N, 3) float64

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
    readers = FILES[name]
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


def _prompt(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError("the prompt is empty", "Say what to make, for example: a chair")
    if len(value) > LONGEST_PROMPT:
        raise InputError(
            f"the prompt has {len(value)} letters, expected {LONGEST_PROMPT} at most", "Say it in fewer words"
        )
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InputError("the prompt has bytes that are no text (UTF-8)", "Type it again")
    return value


def _degrees(name: str, limit: float) -> Callable[[object], float]:
    def check(value: object) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
            or abs(value) > limit
        ):
            raise InputError(f"the {name} is {value!r}, expected degrees from -{limit} to {limit}")
        return float(value)

    return check


def _views(value: object) -> list[int]:
    if (
        not isinstance(value, list)
        or not value
        or any(isinstance(view, bool) or not isinstance(view, int) for view in value)
    ):
        raise InputError(f"the views are {value!r}, expected a list of view indices", "For example [3, 6, 10, 26]")
    return value


def _background(value: object) -> str:
    if value not in BACKGROUNDS:
        raise InputError(f"the background is {value!r}, expected {' or '.join(BACKGROUNDS)}")
    return value


def _near(value: object) -> str:
    if value not in NEAR:
        raise InputError(f"near is {value!r}, expected {' or '.join(NEAR)}")
    return value


def checked_numbers(path: Path, array: np.ndarray, what: str, columns: int) -> np.ndarray:
    """The array as it is, checked to be finite numbers of shape (n > 0, columns); ``path`` is named in messages. Raises
    InputError."""
    if array.ndim != 2 or array.shape[1] != columns or array.dtype.kind not in "fiu":
        raise InputError(
            f"{path.name}: {what} are {array.dtype} {array.shape}, expected numbers of shape (n, {columns})"
        )
    if not len(array):
        raise InputError(f"{path.name} has no {what}")
    with np.errstate(over="ignore"):
        bad = int((~np.isfinite(array.astype(np.float32)).all(axis=1)).sum())
    if bad:
        raise InputError(
            f"{path.name}: {bad} of {len(array)} {what} are not finite numbers", "Remove NaN and infinite coordinates"
        )
    return array


def _polylines(path: Path) -> dict:
    points, offsets = read_npz(path, "points", "offsets")
    if not points.size:
        raise InputError("the sketch is empty", "Draw some strokes first")
    points = checked_numbers(path, points, "points", 2).astype(np.float32)
    fits = offsets.ndim == 1 and offsets.dtype.kind in "iu" and len(offsets) > 1
    if not fits or offsets[0] != 0 or offsets[-1] != len(points) or (np.diff(offsets.astype(np.int64)) < 0).any():
        raise InputError(f"{path.name}: the offsets do not divide the {len(points)} points into strokes", _AGAIN)
    return {"polylines": [points[a:b] for a, b in itertools.pairwise(offsets)]}


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


_VALUES: dict[str, Callable[[object], object]] = {
    "prompt": _prompt,
    "elevation": _degrees("elevation", 90),
    "azimuth": _degrees("azimuth", 360),
    "views": _views,
    "background": _background,
    "near": _near,
}
_LISTS = {"images": "image"}
FILES: dict[str, dict[str, Callable[[Path], dict]]] = {
    "polylines": {".npz": _polylines},
    "image": {"": _image},
    "mesh": {".npz": _mesh_arrays} | dict.fromkeys(READABLE, _mesh_file),
    "occupancy": voxel_files.READERS,
    "points": point_files.READERS,
}
