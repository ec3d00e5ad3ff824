"""A condition's inputs from files and plain values, checked. Knows file formats; not what an encoder makes of the arrays.

The one way in for a job folder's request and for the command line. Nothing is ever unpickled.
"""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

import numpy as np

from ..array_files import damaged, read_npy, read_npz
from ..errors import InputError
from ..geometry.distance import check_faces
from ..geometry.meshes import READABLE, read_mesh, read_points
from .pixels import read_pixels
from .table import BACKGROUNDS, NEAR, check_inputs

VOXELS = 16
_AGAIN = "The file is damaged or incomplete: write it again"


def load_condition(condition: str, inputs: Mapping[str, object], folder: Path | str) -> dict:
    """``load_inputs`` of a condition's request. Raises InputError also when there is none of the inputs that the condition needs."""
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
    occupancy    .npy, .json       "occupancy" (16, 16, 16) bool, axes x, y, z
    points       .npy, .ply, .xyz  "points" (N, 3) float32

    Raises InputError, one line, for what is missing, damaged, empty, not finite or of the wrong shape.
    """
    loaded: dict = {}
    for name, value in inputs.items():
        if name in _VALUES:
            loaded[name] = _VALUES[name](value)
        elif name in _FILES:
            loaded |= _read(name, value, Path(folder))
        elif name in _LISTS:
            loaded[name] = _read_list(name, value, Path(folder))
        else:
            raise InputError(f"unknown input {name!r}", f"Known are {', '.join([*_VALUES, *_FILES, *_LISTS])}")
    return loaded


def _read(name: str, value: object, folder: Path) -> dict:
    readers = _FILES[name]
    if not isinstance(value, str) or PurePath(value).is_absolute() or ".." in PurePath(value).parts:
        raise InputError(f"the input {name} is {value!r}, expected a file name within its folder")
    path = folder / value
    if not path.is_file():
        raise InputError(f"{path} is missing", "Check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes)", _AGAIN)
    reader = readers.get(path.suffix.lower()) or readers.get("")
    if reader is None:
        raise InputError(f"{path.name}: unknown kind of file {path.suffix!r} for {name}", f"Give one of {', '.join(readers)}")
    return reader(path)


def _read_list(name: str, value: object, folder: Path) -> list:
    one = _LISTS[name]
    if not isinstance(value, list) or not value:
        raise InputError(f"{name} is {value!r}, expected a list of files")
    return [_read(one, item, folder)[one] for item in value]


def _prompt(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError("the prompt is empty", "Say what to make, for example: a chair")
    return value


def _degrees(name: str, limit: float) -> Callable[[object], float]:
    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > limit:
            raise InputError(f"the {name} is {value!r}, expected degrees from -{limit} to {limit}")
        return float(value)
    return check


def _views(value: object) -> list[int]:
    if not isinstance(value, list) or not value or any(isinstance(view, bool) or not isinstance(view, int) for view in value):
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


def _numbers(path: Path, array: np.ndarray, what: str, columns: int) -> np.ndarray:
    """The array as float32, checked to be finite numbers of shape (n > 0, columns)."""
    if array.ndim != 2 or array.shape[1] != columns or array.dtype.kind not in "fiu":
        raise InputError(f"{path.name}: {what} are {array.dtype} {array.shape}, expected numbers of shape (n, {columns})")
    if not len(array):
        raise InputError(f"{path.name} has no {what}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    bad = int((~np.isfinite(array).all(axis=1)).sum())
    if bad:
        raise InputError(f"{path.name}: {bad} of {len(array)} {what} are not finite numbers", "Remove NaN and infinite coordinates")
    return array


def _polylines(path: Path) -> dict:
    points, offsets = read_npz(path, "points", "offsets")
    if not points.size:
        raise InputError("the sketch is empty", "Draw some strokes first")
    points = _numbers(path, points, "points", 2)
    fits = offsets.ndim == 1 and offsets.dtype.kind in "iu" and len(offsets) > 1
    if not fits or offsets[0] != 0 or offsets[-1] != len(points) or (np.diff(offsets.astype(np.int64)) < 0).any():
        raise InputError(f"{path.name}: the offsets do not divide the {len(points)} points into strokes", _AGAIN)
    return {"polylines": [points[a:b] for a, b in zip(offsets[:-1], offsets[1:])]}


def _image(path: Path) -> dict:
    return {"image": read_pixels(path)}


def _mesh_arrays(path: Path) -> dict:
    vertices, faces = read_npz(path, "vertices", "faces")
    vertices = _numbers(path, vertices, "vertices", 3)
    if faces.dtype.kind not in "iu":
        raise InputError(f"{path.name}: the faces are {faces.dtype}, expected whole numbers")
    vertices, faces = check_faces(vertices, faces)
    return {"vertices": vertices, "faces": faces}


def _mesh_file(path: Path) -> dict:
    vertices, faces = check_faces(*read_mesh(path))
    return {"vertices": vertices, "faces": faces}


def _point_array(path: Path) -> dict:
    return {"points": _numbers(path, read_npy(path), "points", 3)}


def _point_cloud(path: Path) -> dict:
    return {"points": _numbers(path, read_points(path), "points", 3)}


def _point_text(path: Path) -> dict:
    """Lines of x y z, separated by spaces or commas; more columns and lines that begin with # are skipped."""
    rows, number = [], 0
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            words = line.replace(",", " ").split()
            if words and not words[0].startswith("#"):
                rows.append([float(word) for word in words[:3]])
                if len(rows[-1]) < 3:
                    raise ValueError("fewer than three numbers")
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name}, line {number}: not a point ({error})", "Every line has x, y and z") from error
    return {"points": _numbers(path, np.array(rows).reshape(-1, 3), "points", 3)}


def _occupancy(path: Path, filled: np.ndarray) -> dict:
    """Occupancy of an array of 0 and 1, any shape allowed in; checked."""
    if filled.shape != (VOXELS,) * 3 or filled.dtype.kind not in "biuf":
        raise InputError(f"{path.name}: the occupancy is {filled.dtype} {filled.shape}, expected 0 or 1 of shape (16, 16, 16)")
    if filled.dtype.kind != "b" and not np.isin(filled, (0, 1)).all():
        wrong = filled[~np.isin(filled, (0, 1))][0]
        raise InputError(f"{path.name}: the occupancy has the value {wrong}, expected only 0 and 1")
    if not filled.any():
        raise InputError(f"{path.name}: no voxel is filled", "Fill some")
    return {"occupancy": filled.astype(bool)}


def _occupancy_array(path: Path) -> dict:
    return _occupancy(path, read_npy(path))


def _occupancy_json(path: Path) -> dict:
    """{"resolution": 16, "occupancy": …}: [x, y, z] of each filled voxel, or 4096 times 0 or 1 (x slowest), flat or nested."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not isinstance(document, dict) or not {"resolution", "occupancy"} <= document.keys():
        raise InputError(f'{path.name} is not a grid of voxels: expected "resolution" and "occupancy"')
    resolution = document["resolution"]
    if resolution not in (VOXELS, [VOXELS] * 3):
        raise InputError(f"{path.name}: the resolution is {resolution!r}, expected {VOXELS}", f"Give a grid of {VOXELS} voxels a side")
    try:
        values = np.array(document["occupancy"])
    except ValueError as error:
        raise InputError(f"{path.name}: the occupancy's rows have different lengths", "Give [x, y, z] of each filled voxel") from error
    if not values.size:
        raise InputError(f"{path.name}: no voxel is filled", "Fill some")
    if values.ndim == 2 and values.shape[1] == 3:
        values = _filled_at(path, values)
    return _occupancy(path, values.reshape((VOXELS,) * 3) if values.size == VOXELS**3 else values)


def _filled_at(path: Path, indices: np.ndarray) -> np.ndarray:
    if indices.dtype.kind not in "iu":
        raise InputError(f"{path.name}: voxel indices are {indices.dtype}, expected whole numbers")
    wrong = np.flatnonzero(((indices < 0) | (indices >= VOXELS)).any(axis=1))
    if len(wrong):
        raise InputError(f"{path.name}: voxel {int(wrong[0])}, {indices[wrong[0]].tolist()}, is out of range",
                         f"Indices run from 0 to {VOXELS - 1}")
    filled = np.zeros((VOXELS,) * 3, dtype=bool)
    filled[tuple(indices.T)] = True
    return filled


_VALUES: dict[str, Callable[[object], object]] = {
    "prompt": _prompt, "elevation": _degrees("elevation", 90), "azimuth": _degrees("azimuth", 360), "views": _views,
    "background": _background, "near": _near,
}
_LISTS = {"images": "image"}
_FILES: dict[str, dict[str, Callable[[Path], dict]]] = {
    "polylines": {".npz": _polylines},
    "image": {"": _image},
    "mesh": {".npz": _mesh_arrays} | dict.fromkeys(READABLE, _mesh_file),
    "occupancy": {".npy": _occupancy_array, ".json": _occupancy_json},
    "points": {".npy": _point_array, ".ply": _point_cloud, ".xyz": _point_text},
}
