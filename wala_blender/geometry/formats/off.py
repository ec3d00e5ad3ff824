"""OFF reader."""

import re
from pathlib import Path

import numpy as np

from ...errors import InputError
from .mesh_file import MeshFile
from .polygons import triangulate
from .text import read_text

_KIND = re.compile(r"(ST)?(C)?(N)?(4?)(n?)OFF", re.IGNORECASE)


def read_off(path: Path) -> MeshFile:
    """An OFF file, also with normals and colours, also all on one line. Raises InputError,
    ValueError."""
    lines = [words for line in read_text(path).split("\n") if (words := line.split("#", 1)[0].split())]
    kind = _KIND.fullmatch(lines[0][0]) if lines else None
    if kind:
        if kind[4] or kind[5] == "n" or "BINARY" in lines[0]:
            raise InputError(
                f"{path.name} is {' '.join(lines[0][:2])}, expected a text of three-dimensional vertices",
                "Save it as .ply or .obj",
            )
        lines = ([lines[0][1:]] if lines[0][1:] else []) + lines[1:]
    if not lines or len(lines[0]) < 2:
        raise ValueError("the numbers of vertices and faces are missing")
    vertex_count, face_count = int(lines[0][0]), int(lines[0][1])
    if min(vertex_count, face_count) < 0:
        raise ValueError(f"{vertex_count} vertices and {face_count} faces are promised")
    if len(lines[0]) <= 3 and len(lines) > vertex_count + face_count:
        return _from_rows(lines[1 : 1 + vertex_count], lines[1 + vertex_count : 1 + vertex_count + face_count])
    words = [word for line in lines for word in line][3:]
    columns = 3 + (2 if kind and kind[1] else 0) + (4 if kind and kind[2] else 0) + (3 if kind and kind[3] else 0)
    rows = [words[i * columns : (i + 1) * columns] for i in range(min(vertex_count, len(words) // columns))]
    faces: list[list[str]] = []
    at = vertex_count * columns
    while len(faces) < face_count and at < len(words):
        faces.append(words[at : at + 1 + int(words[at])])
        at += len(faces[-1])
    if len(rows) < vertex_count or len(faces) < face_count or at != len(words):
        raise ValueError(
            f"{vertex_count} vertices and {face_count} faces are promised, and its {len(words)} numbers are not those"
        )
    return _from_rows(rows, faces)


def _from_rows(rows: list[list[str]], faces: list[list[str]]) -> MeshFile:
    vertices = np.array([[float(word) for word in row[:3]] for row in rows], dtype=np.float64).reshape(-1, 3)
    counts = [int(face[0]) for face in faces]
    for number, (count, face) in enumerate(zip(counts, faces), 1):
        if not 0 <= count < len(face):
            raise ValueError(f"face {number} has {len(face) - 1} of {count} corners")
    corners = [int(word) for count, face in zip(counts, faces) for word in face[1 : 1 + count]]
    triangles = triangulate(vertices, np.array(counts, dtype=np.int64), np.array(corners, dtype=np.int64))
    return MeshFile(vertices, triangles)
