"""Wavefront OBJ reader: vertices and polygons, with colours of vertices and materials."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..colour_spaces import as_bytes
from .mesh_file import MeshFile
from .mtl import read_materials
from .polygons import triangle_corners
from .text import read_text
from .textures import texel

_NONE = -1  # of an index: no UV, no material


@dataclass
class _Content:
    """What the lines say. ``colours``: of vertices, None where one has none; ``uv_corners`` like ``corners``;
    ``materials``: of polygons."""

    vertices: list[tuple[float, ...]] = field(default_factory=list)
    colours: list[tuple[float, ...] | None] = field(default_factory=list)
    uvs: list[tuple[float, float]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    corners: list[int] = field(default_factory=list)
    uv_corners: list[int] = field(default_factory=list)
    materials: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)
    material: int = _NONE

    def read(self, words: list[str]) -> None:
        """One line. Raises ValueError."""
        kind = words[0]
        if kind == "v":
            x, y, z = words[1:4]
            self.vertices.append((float(x), float(y), float(z)))
            self.colours.append(_colour(words))
        elif kind == "vt":
            self.uvs.append(_uv(words))
        elif kind in ("f", "fo"):
            self.counts.append(len(words) - 1)
            self.corners += [_vertex(word, len(self.vertices)) for word in words[1:]]
            self.uv_corners += [_uv_index(word, len(self.uvs)) for word in words[1:]]
            self.materials.append(self.material)
        elif kind == "usemtl":
            name = " ".join(words[1:])
            if name not in self.names:
                self.names.append(name)
            self.material = self.names.index(name)
        elif kind == "mtllib":
            self.libraries.append(" ".join(words[1:]))


def read_obj(path: Path) -> MeshFile:
    """Vertices and triangles of all objects in the file. Raises InputError, naming the line."""
    content = _Content()
    for number, line in enumerate(read_text(path).replace("\\\n", " ").split("\n"), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        try:
            content.read(words)
        except ValueError as error:
            raise InputError(
                f"{path.name}, line {number}: {' '.join(words)[:60]!r} is not a {_NAMES[words[0]]} ({error})",
                "Export it again; numbers have decimal points, and indices count from 1",
            ) from error
    points = np.array(content.vertices, dtype=np.float64).reshape(-1, 3)
    corners = np.array(content.corners, dtype=np.int64)
    chosen = triangle_corners(points, np.array(content.counts, dtype=np.int64), corners)
    return MeshFile(points, corners[chosen].reshape(-1, 3), lambda: _face_colours(path, content, chosen))


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


def _uv_index(word: str, count: int) -> int:
    """The UV of a corner as an index from 0; _NONE where it has none that is there."""
    parts = word.split("/")
    try:
        index = int(parts[1]) if len(parts) > 1 and parts[1] else 0
    except ValueError:
        return _NONE
    index = index - 1 if index > 0 else count + index if index < 0 else _NONE
    return index if index >= 0 else _NONE


def _colour(words: list[str]) -> tuple[float, ...] | None:
    """The colour after a vertex's place, x y z r g b or x y z w r g b."""
    try:
        return tuple(map(float, words[-3:])) if len(words) in (7, 8) else None
    except ValueError:
        return None


def _uv(words: list[str]) -> tuple[float, float]:
    try:
        return float(words[1]), float(words[2])
    except (ValueError, IndexError):
        return 0.0, 0.0


def _face_colours(path: Path, content: _Content, chosen: np.ndarray) -> np.ndarray | None:
    """sRGB bytes (F, 3): the material's colour or its texture at the triangle's centre where there is a material, else
    the mean of the vertices' colours; white where there is neither. chosen (F, 3): corners of the triangles."""
    polygons = np.repeat(np.arange(len(content.counts)), content.counts)[chosen[:, 0]]
    vertices = np.array(content.corners, dtype=np.int64)[chosen]
    colours = np.full((len(chosen), 3), 255, np.uint8)
    is_coloured = False
    if content.colours and all(colour is not None for colour in content.colours):
        of_vertices = np.array(content.colours, dtype=np.float64)
        colours = as_bytes((of_vertices / (255 if of_vertices.max() > 1 else 1))[vertices].mean(axis=1))
        is_coloured = True
    materials = read_materials([path.parent / name for name in content.libraries])
    of_triangle = np.array(content.materials, dtype=np.int64)[polygons]
    uv_corners = np.array(content.uv_corners, dtype=np.int64)[chosen]
    uvs = np.array([*content.uvs, (0.0, 0.0)], dtype=np.float64)
    for number, name in enumerate(content.names):
        if name not in materials:
            continue
        mine = of_triangle == number
        colours[mine] = as_bytes(np.array(materials[name].colour))
        texture = materials[name].texture()
        if texture is not None:
            has_uvs = mine & (uv_corners >= 0).all(axis=1) & (uv_corners < len(content.uvs)).all(axis=1)
            places = uvs[uv_corners[has_uvs]].mean(axis=1)
            colours[has_uvs] = texel(texture, np.stack([places[:, 0], 1 - places[:, 1]], axis=1))
        is_coloured = True
    return colours if is_coloured else None
