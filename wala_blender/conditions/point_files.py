"""Point cloud files: arrays, text (.xyz, .pts, .csv, .txt, .asc), .pcd and the vertices of meshes."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..array_files import read_npy
from ..errors import InputError
from ..geometry.formats.text import read_text
from ..geometry.meshes import READABLE, read_points
from ..geometry.metrics import sample_surface
from .pcd import read_pcd

MIN_VERTICES = 2048  # points: a mesh with fewer vertices is sampled on its faces as well
_LARGEST = 1e30  # largest valid coordinate
_COMMENTS = ("#", "//", "%", "!", ";")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_POINT_HINT = "Every line has x, y and z, with decimal points"


def checked_points(path: Path, array: np.ndarray) -> dict:
    """{"points": (N, 3) float64, "notes": what was left out} of an array; rows that are not finite numbers are left
    out.

    Raises InputError for another shape, no points, or none that are finite.
    """
    if array.ndim != 2 or array.shape[1] < 3 or array.dtype.kind not in "fiu":
        raise InputError(f"{path.name}: points are {array.dtype} {array.shape}, expected numbers of shape (n, 3)")
    if not len(array):
        raise InputError(f"{path.name} has no points")
    points = array[:, :3].astype(np.float64)
    with np.errstate(invalid="ignore"):
        usable = (np.abs(points) < _LARGEST).all(axis=1)
    bad = int((~usable).sum())
    if bad == len(points):
        raise InputError(
            f"{path.name}: {bad} of {len(points)} points are not finite numbers below {_LARGEST:g}",
            "Remove NaN, infinite and huge coordinates",
        )
    return {"points": points[usable]} | (
        {"notes": [f"{bad} of {len(points)} points are not finite numbers and were left out"]} if bad else {}
    )


def _array(path: Path) -> dict:
    return checked_points(path, read_npy(path))


def _pcd(path: Path) -> dict:
    return checked_points(path, read_pcd(path))


def _mesh(path: Path) -> dict:
    """A mesh's vertices; with so few that they do not show the surface, points on its faces as well."""
    points, faces = read_points(path)
    if not len(faces) or len(points) >= MIN_VERTICES:
        return checked_points(path, points)
    corners = points[faces]
    faces = faces[np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) > 0]
    if not len(faces):
        return checked_points(path, points)
    more = sample_surface(points, faces, MIN_VERTICES - len(points), np.random.default_rng(0))
    loaded = checked_points(path, np.concatenate([points, more]))
    return loaded | {
        "notes": loaded.get("notes", [])
        + [f"{len(points)} vertices are few: {len(more)} points on the faces were added"]
    }


def _text(path: Path) -> dict:
    """A point a line: x, y, z and whatever follows, between spaces, tabs, commas or semicolons.

    Lines that begin as comments, counts of points and a line of column names may stand before; names say which columns
    are x, y and z.
    """
    columns, rows, notes, promised, heading, separator, width = [0, 1, 2], [], [], 0, "", None, 0
    for number, line in enumerate(map(str.strip, read_text(path).split("\n")), 1):
        names = None if rows else _column_names(line)
        if names:
            columns = names
            continue
        if not line or line.startswith(_COMMENTS):
            continue
        if line.isascii() and line.isdigit():
            promised += int(line)
            continue
        separator = separator or _separator(path, number, line)
        words = separator(line)
        try:
            rows.append([float(words[column] or "nan") for column in columns])
        except (ValueError, IndexError) as error:
            if not rows and not any(map(_is_number, words)):
                heading, separator = line, None
                continue
            _refuse_commas(path, number, line)
            reason = str(error) if isinstance(error, ValueError) else "fewer than three numbers"
            raise InputError(f"{path.name}, line {number}: not a point ({reason})", _POINT_HINT) from error
        width = width or len(words)
        if "," in line and len(words) != width:
            raise InputError(
                f"{path.name}, line {number}: {line[:60]!r} has {len(words)} numbers, the first point has {width}",
                _POINT_HINT,
            )
    loaded = checked_points(path, np.array(rows, dtype=np.float64).reshape(-1, 3))
    if promised and promised != len(rows):
        notes.append(f"{path.name} says {promised} points and has {len(rows)}")
    if width > 3 and len(re.split(r"[\s,;]+", heading)) == width:
        notes.append(f"{path.name}: the first three of the columns {heading[:60]!r} were taken for x, y and z")
    return loaded | ({"notes": [*loaded.get("notes", []), *notes]} if notes else {})


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _column_names(line: str) -> list[int] | None:
    """Where x, y and z stand in a line of column names, such as "//X Y Z R G B" or "id;x;y;z"; None where it is no such
    line."""
    names = [
        re.sub(r"^points?[:_.]?(?=[xyz012]$)", "", word.strip("\"'"))
        for word in re.split(r"[\s,;]+", line.lstrip("/#%! ").lower())
    ]
    names = [
        "xyz"[int(name)] if name in ("0", "1", "2") and "point" in line.lower() else name.split("(")[0].split("[")[0]
        for name in names
    ]
    return [names.index(axis) for axis in "xyz"] if {"x", "y", "z"} <= set(names) else None


def _separator(path: Path, number: int, line: str) -> Callable[[str], list[str]]:
    """How the file's lines are divided, by its first line of numbers. Raises InputError where commas are decimal
    ones."""
    _refuse_commas(path, number, line)
    if ";" in line:
        return lambda text: [word.strip(' \t"') for word in text.rstrip("; ").split(";")]
    if "," in line:
        return lambda text: [
            word for part in text.rstrip(", ").split(",") for word in (part.strip(' \t"').split() or [""])
        ]
    return str.split


def _refuse_commas(path: Path, number: int, line: str) -> None:
    """Raises InputError where a line has decimal commas: "1,5 2,5 0,1", "1,5;2,5;0,1" or "1,5,2,5,0,1"."""
    words = [word for word in re.split(r"[\s;]+", line) if word]
    between = len(words) > 1 and any(_DECIMAL_COMMA.fullmatch(word) for word in words)
    # Whole numbers alone, with a zero before a digit or a minus before a zero, are halves of fractions.
    halves = [half.strip() for half in line.split(",")] if "," in line and "." not in line else []
    cut = (
        len(halves) >= 4
        and all(re.fullmatch(r"[+-]?\d+", half) for half in halves)
        and any(re.fullmatch(r"0\d+|[+-]0+", half) for half in halves)
    )
    if between or cut:
        raise InputError(
            f"{path.name}, line {number}: {line[:60]!r} has decimal commas, expected decimal points",
            "Replace the commas by points, or export with points",
        )


TEXTS = (".xyz", ".pts", ".csv", ".txt", ".asc")
READERS: dict[str, Callable[[Path], dict]] = (
    {".npy": _array, ".pcd": _pcd} | dict.fromkeys(TEXTS, _text) | dict.fromkeys(READABLE, _mesh)
)
