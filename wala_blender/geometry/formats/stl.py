"""STL reader, binary and ASCII."""

import re
from pathlib import Path

import numpy as np

from .mesh_file import MeshFile
from .polygons import triangulate
from .text import decode_text

_HEADER, _TRIANGLE = 84, np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_NAME_LINE = re.compile(r"^[ \t]*(end[ \t]*)?solid.*$", re.MULTILINE | re.IGNORECASE)
_VERTEX = re.compile(r"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)


def read_stl(path: Path) -> MeshFile:
    """Vertices, three for every triangle, and triangles. Bytes after a binary file's last triangle are ignored.

    Raises ValueError for a file that ends early.
    """
    data = path.read_bytes()
    if len(data) >= _HEADER:
        count = int.from_bytes(data[80:84], "little")
        # In an ASCII file these four bytes are a count beyond any file's size.
        if _HEADER + count * _TRIANGLE.itemsize <= len(data) and (count or not _is_ascii(data)):
            rows = np.frombuffer(data, _TRIANGLE, count, _HEADER)
            return MeshFile(rows["corners"].reshape(-1, 3).astype(np.float64), np.arange(3 * count).reshape(-1, 3))
    if not _is_ascii(data):
        if len(data) < _HEADER:
            raise ValueError(f"{len(data)} bytes, a binary STL has at least {_HEADER}")
        raise ValueError(f"{count} triangles are promised, and there are {(len(data) - _HEADER) // _TRIANGLE.itemsize}")
    return _read_ascii(decode_text(data))


def _is_ascii(data: bytes) -> bool:
    start = data[:1024]
    return data.lstrip()[:5].lower() in (b"solid", b"facet", b"\xef\xbb\xbfso") and b"\0" not in start


def _read_ascii(text: str) -> MeshFile:
    *loops, rest = re.split(r"\bendloop\b", _NAME_LINE.sub("", text), flags=re.IGNORECASE)
    if re.search(r"\bvertex\b", rest, re.IGNORECASE):
        raise ValueError("it ends within a triangle")
    corners = [_VERTEX.findall(loop) for loop in loops]
    counts = np.array([len(loop) for loop in corners], dtype=np.int64)
    if (counts < 3).any():
        raise ValueError(f"triangle {int((counts < 3).argmax()) + 1} has {int(counts[counts < 3][0])} corners")
    vertices = np.array(
        [[float(word) for word in corner] for loop in corners for corner in loop], dtype=np.float64
    ).reshape(-1, 3)
    return MeshFile(vertices, triangulate(vertices, counts, np.arange(len(vertices))))
