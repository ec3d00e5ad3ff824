"""PLY reader: ASCII and both binary formats, mixed polygons, triangle strips."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..colour_spaces import as_bytes
from .mesh_file import MeshFile
from .polygons import strip_triangles, triangle_corners, triangulate

_TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "int64": "i8",
    "uint64": "u8",
    "float16": "f2",
    "float32": "f4",
    "float64": "f8",
}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_INDICES = ("vertex_indices", "vertex_index")


@dataclass(frozen=True)
class _Property:
    """``kind``: numpy type of the value, or of a list's items; ``length``: of the number of items, "" where it is no
    list."""

    name: str
    kind: str
    length: str = ""


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property]


# A list property's values: the number of items (count,) of every row, and all items (sum,).
_Lists = tuple[np.ndarray, np.ndarray]
_Rows = dict[str, np.ndarray | _Lists]


def read_ply(path: Path) -> MeshFile:
    """Vertices and triangles, (0, 3) for a point cloud; the colours of faces, or else of vertices. What follows the
    last element is ignored. Raises InputError, ValueError."""
    data = path.read_bytes()
    order, elements, at = _header(data)
    body: bytes | list[list[str]] = data[at:]
    if not order:
        body = [words for line in data[at:].splitlines() if (words := line.decode("utf-8", "replace").split())]
    at, found = 0, {}
    for element in elements:
        found[element.name], at = _read_text(body, at, element) if not order else _read_binary(body, at, element, order)
    if "vertex" not in found:
        raise ValueError("it has no vertices")
    missing = [axis for axis in "xyz" if axis not in found["vertex"]]
    if missing:
        raise ValueError(f"its vertices have no {' and '.join(missing)}")
    vertices = np.stack([found["vertex"][axis] for axis in "xyz"], 1).astype(np.float64)
    faces = [triangulate(vertices, *_indices(found["face"]))] if "face" in found else []
    if "tristrips" in found:
        _, items = _indices(found["tristrips"])
        strips = [strip_triangles(strip[strip >= 0]) for strip in np.split(items, np.flatnonzero(items < 0))]
        triangles = np.concatenate([*strips, np.empty((0, 3), np.int64)])
        faces.append(triangulate(vertices, np.full(len(triangles), 3), triangles.ravel()))
    triangles = np.concatenate([*faces, np.empty((0, 3), np.int64)])
    return MeshFile(vertices, triangles, lambda: _face_colours(found, vertices, triangles))


def _face_colours(found: dict[str, _Rows], vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray | None:
    """Colours (F, 3), sRGB bytes, of the faces, or the means of their vertices'."""
    own, of_vertices = _colours(found.get("face", {})), _colours(found["vertex"])
    if own is not None and "tristrips" not in found:
        counts, items = _indices(found["face"])
        polygons = np.repeat(np.arange(len(counts)), counts)
        return own[polygons[triangle_corners(vertices, counts, items)[:, 0]]]
    if of_vertices is None:
        return None
    return as_bytes(of_vertices[triangles].mean(axis=1) / 255)


def _colours(rows: _Rows) -> np.ndarray | None:
    """Columns red, green and blue (N, 3) of an element as sRGB bytes; other integers and floats span 0 … 1."""
    columns = [rows[name] for name in ("red", "green", "blue") if isinstance(rows.get(name), np.ndarray)]
    if len(columns) < 3:
        return None
    values = np.stack(columns, axis=1)
    if values.dtype.kind in "iu" and values.dtype.itemsize > 1:
        return as_bytes(values / np.iinfo(values.dtype).max)
    return values.astype(np.uint8) if values.dtype.kind in "iu" or values.max(initial=0) > 1 else as_bytes(values)


def _header(data: bytes) -> tuple[str, list[_Element], int]:
    """Byte order ("" for ASCII), elements, and where the body begins."""
    start = re.match(rb"(?:\xef\xbb\xbf)?ply[ \t]*(\r\n|\n|\r)", data)
    # Lines end as the first one does: after "\r", a "\n" belongs to the body.
    end = start and re.search(start[1] + rb"end_header[ \t]*" + start[1], data)
    if not end:
        raise ValueError("it has no PLY header" if not start else "its header has no end")
    order, elements = None, []
    for line in data[: end.start()].decode("utf-8", "replace").splitlines()[1:]:
        words = line.split()
        if not words or words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "format" and words[1] in _ORDERS:
            order = _ORDERS[words[1]]
        elif words[0] == "element" and len(words) == 3 and words[2].isascii() and words[2].isdigit():
            elements.append(_Element(words[1], int(words[2]), []))
        elif words[0] == "property" and elements and len(words) == 3:
            elements[-1].properties.append(_Property(words[2], _TYPES[words[1]]))
        elif words[0] == "property" and elements and words[1] == "list" and len(words) == 5:
            elements[-1].properties.append(_Property(words[4], _TYPES[words[3]], _TYPES[words[2]]))
        else:
            raise ValueError(f"its header has the line {line[:60]!r}")
    if order is None:
        raise ValueError("its header names no format")
    return order, elements, end.end()


def _indices(rows: _Rows) -> _Lists:
    """Lists of vertices of the faces or strips."""
    for name in _INDICES:
        if isinstance(rows.get(name), tuple):
            counts, items = rows[name]
            return counts, items.astype(np.int64)
    raise ValueError(f"its faces have no {' or '.join(_INDICES)}")


def _read_binary(data: bytes, at: int, element: _Element, order: str) -> tuple[_Rows, int]:
    """Columns of an element and where the next one begins."""
    lengths = _first_lengths(data, at, element, order)
    fields: list[tuple] = []
    for i, one in enumerate(element.properties):
        fields += (
            [(f"{i}n", order + one.length), (f"{i}", order + one.kind, (lengths[i],))]
            if one.length
            else [(f"{i}", order + one.kind)]
        )
    row = np.dtype(fields)
    if at + element.count * row.itemsize <= len(data):
        table = (
            np.frombuffer(data, row, element.count, at)
            if element.count and row.itemsize
            else np.empty(element.count, row)
        )
        if all((table[f"{i}n"] == lengths[i]).all() for i in lengths):
            columns = {
                one.name: (table[f"{i}n"].astype(np.int64), table[f"{i}"].reshape(-1)) if one.length else table[f"{i}"]
                for i, one in enumerate(element.properties)
            }
            return columns, at + table.nbytes
    if not lengths:
        raise ValueError(
            f"{element.count} rows of {element.name} are promised, and there are {(len(data) - at) // max(row.itemsize, 1)}"
        )
    return _walk(data, at, element, order)


def _first_lengths(data: bytes, at: int, element: _Element, order: str) -> dict[int, int]:
    """Number of items of the lists in the first row, by property."""
    lengths = {}
    for i, one in enumerate(element.properties):
        if one.length:
            lengths[i] = _length(data, at, one, order) if element.count else 0
            at += np.dtype(one.length).itemsize
        at += np.dtype(one.kind).itemsize * lengths.get(i, 1)
    return lengths


def _length(data: bytes, at: int, one: _Property, order: str) -> int:
    size = np.dtype(one.length).itemsize
    count = int.from_bytes(data[at : at + size], "little" if order == "<" else "big", signed=one.length[0] == "i")
    if at + size > len(data) or count < 0:
        raise ValueError(f"it ends within the lists {one.name}")
    return count


def _walk(data: bytes, at: int, element: _Element, order: str) -> tuple[_Rows, int]:
    """``_read_binary`` where lists differ in length: row by row."""
    steps = [
        (one, np.dtype(one.length or "u1").itemsize, np.dtype(one.kind).itemsize, [], []) for one in element.properties
    ]
    for _ in range(element.count):
        for one, length_size, size, counts, pieces in steps:
            count = 1
            if one.length:
                count = _length(data, at, one, order)
                counts.append(count)
                at += length_size
            pieces.append(data[at : at + count * size])
            at += count * size
        if at > len(data):
            raise ValueError(f"it ends within the rows of {element.name}")
    columns: _Rows = {}
    for one, _, _, counts, pieces in steps:
        items = np.frombuffer(b"".join(pieces), order + one.kind)
        columns[one.name] = (np.array(counts, dtype=np.int64), items) if one.length else items
    return columns, at


def _read_text(lines: list[list[str]], at: int, element: _Element) -> tuple[_Rows, int]:
    """Columns of an element of an ASCII file, a row a line, and where the next one begins."""
    rows = lines[at : at + element.count]
    if len(rows) < element.count:
        raise ValueError(f"{element.count} rows of {element.name} are promised, and there are {len(rows)}")
    wanted: list[tuple[list[int], list[float]]] = [([], []) for _ in element.properties]
    for number, words in enumerate(rows, 1):
        place = 0
        for one, (counts, items) in zip(element.properties, wanted):
            count = 1
            if one.length and place < len(words):
                count = int(words[place])
                counts.append(count)
                place += 1
            items.extend(map(float, words[place : place + count]))
            place += count
        if place != len(words):
            raise ValueError(f"row {number} of {element.name} has {len(words)} numbers, expected {place}")
    columns: _Rows = {}
    for one, (counts, items) in zip(element.properties, wanted):
        values = np.array(items, dtype=np.float64)
        if one.length:
            columns[one.name] = np.array(counts, dtype=np.int64), values
        else:
            # bytes stay bytes: of a colour, 1 means another thing than 1.0
            columns[one.name] = values.clip(0, 255).astype(np.uint8) if one.kind == "u1" else values
    return columns, at + element.count
