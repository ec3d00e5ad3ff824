"""Wavefront OBJ reader: vertices and polygons."""

from pathlib import Path

import numpy as np

from ...errors import InputError
from .polygons import triangulate
from .text import read_text


def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of all objects in the file. Raises InputError, naming the line."""
    lines = read_text(path).replace("\\\n", " ").split("\n")
    vertices: list[tuple[float, ...]] = []
    counts: list[int] = []
    corners: list[int] = []
    for number, line in enumerate(lines, 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        try:
            if words[0] == "v":
                x, y, z = words[1:4]
                vertices.append((float(x), float(y), float(z)))
            elif words[0] in ("f", "fo"):
                counts.append(len(words) - 1)
                corners += [_vertex(word, len(vertices)) for word in words[1:]]
        except ValueError as error:
            raise InputError(
                f"{path.name}, line {number}: {' '.join(words)[:60]!r} is not a {_NAMES[words[0]]} ({error})",
                "Export it again; numbers have decimal points, and indices count from 1",
            ) from error
    points = np.array(vertices, dtype=np.float64).reshape(-1, 3)
    return points, triangulate(points, np.array(counts, dtype=np.int64), np.array(corners, dtype=np.int64))


_NAMES = {"v": "vertex of three numbers", "f": "face", "fo": "face"}


def _vertex(word: str, count: int) -> int:
    """A corner such as "7/1/3" or "-1//2" as an index from 0; negative ones count back from the latest of ``count``
    vertices."""
    index = int(word.split("/", 1)[0])
    if index == 0:
        raise ValueError("index 0: the first vertex is 1")
    if index < -count:
        raise ValueError(f"index {index} goes back beyond the first of {count} vertices")
    return index - 1 if index > 0 else count + index
