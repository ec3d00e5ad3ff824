"""Mesh files: reads what artists have, writes .glb, .obj and .ply with normals and provenance. Knows formats; not fields or models.

Coordinates stay as the file has them: +Y up is what glTF says and what model space expects.
"""

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import trimesh

from ..errors import InputError, NoSurface, OutputError
from ..files import check_destination, write_whole

READABLE = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")
GENERATOR = "WaLa"
_REPAIR = "Export it again, as .glb or .obj"
_GLB_MAGIC, _GLB_JSON, _GLB_BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942
_FLOAT, _UINT, _VERTEX_BUFFER, _INDEX_BUFFER, _TRIANGLES = 5126, 5125, 34962, 34963, 4

Provenance = Mapping[str, object]


def _parse(path: Path, kinds: tuple[str, ...], parse: Callable[[Path], np.ndarray | tuple]) -> np.ndarray | tuple:
    """parse(path), with everything that goes wrong as InputError."""
    if path.suffix.lower() not in kinds:
        raise InputError(f"{path.name}: unknown kind of file {path.suffix!r}", f"Give one of {', '.join(kinds)}")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror or error})", "Check the path") from error
    if size == 0:
        raise InputError(f"{path.name} is empty (0 bytes)", _REPAIR)
    try:
        return parse(path)
    except Exception as error:  # readers of a dozen formats meet damaged files in countless ways
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(f"{path.name} cannot be read ({reason})", f"The file is damaged or incomplete. {_REPAIR}") from error


def _parse_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    loaded = trimesh.load(path, process=False)
    mesh = loaded.to_mesh() if isinstance(loaded, trimesh.Scene) else loaded
    faces = np.asarray(getattr(mesh, "faces", ()), dtype=np.int64).reshape(-1, 3)
    return np.asarray(mesh.vertices, dtype=np.float64).reshape(-1, 3), faces


def _parse_points(path: Path) -> np.ndarray:
    loaded = trimesh.load(path, process=False)
    parts = loaded.dump() if isinstance(loaded, trimesh.Scene) else [loaded]
    return np.concatenate([np.asarray(part.vertices, dtype=np.float64).reshape(-1, 3) for part in parts] or [np.empty((0, 3))])


def read_mesh(path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float64 and triangles (F, 3) int64 of a mesh file: all its objects in their places, joined, polygons split.

    Raises InputError: missing, empty, truncated, of an unknown kind, without faces, with coordinates that are not finite.
    """
    path = Path(path)
    vertices, faces = _parse(path, READABLE, _parse_mesh)
    if not len(faces):
        raise NoSurface(f"{path.name} has no faces", "Give a mesh with a surface; if it has one, the file is damaged")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise InputError(f"{path.name}: a face names vertex {int(faces.max())} of {len(vertices)}", _REPAIR)
    _check_finite(path, vertices)
    return vertices, faces


def read_points(path: Path | str) -> np.ndarray:
    """Points (N, 3) float64: the vertices of a .ply file, with or without faces. Raises InputError like read_mesh."""
    path = Path(path)
    points = _parse(path, (".ply",), _parse_points)
    if not len(points):
        raise InputError(f"{path.name} has no points")
    _check_finite(path, points)
    return points


def _check_finite(path: Path, vertices: np.ndarray) -> None:
    bad = int((~np.isfinite(vertices).all(axis=1)).sum())
    if bad:
        raise InputError(f"{path.name}: {bad} of {len(vertices)} vertices are not finite numbers", "Remove NaN and infinite coordinates")


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3) float32, faces weighted by area; (0, 1, 0) where a vertex has no face with an area."""
    corners = np.asarray(vertices, dtype=np.float64)[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = np.stack([np.bincount(faces.ravel(), np.repeat(normals[:, axis], 3), len(vertices)) for axis in range(3)], 1)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(length > 0, sums / np.where(length > 0, length, 1), (0, 1, 0)).astype(np.float32)


def check_mesh_destination(path: Path | str) -> Path:
    """The path, if a mesh can be written there. Raises OutputError: unknown kind of file, missing folder, no permission."""
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise OutputError(f"{path.name}: unknown kind of file {path.suffix!r}", f"Choose one of {', '.join(_WRITERS)}")
    return check_destination(path)


def write_mesh(path: Path | str, vertices: np.ndarray, faces: np.ndarray, provenance: Provenance) -> None:
    """Writes vertices (V, 3) and triangles (F, 3) with normals to .glb, .obj or .ply, whole or not at all.

    provenance: names → texts and numbers (model, seed, licence, …), kept in glTF's extras or in comments; None is left out.
    Raises OutputError.
    """
    path = check_mesh_destination(path)
    vertices = np.ascontiguousarray(vertices, dtype="<f4")
    faces = np.ascontiguousarray(faces, dtype="<u4")
    provenance = {name: value for name, value in provenance.items() if value is not None}
    content = _WRITERS[path.suffix.lower()](vertices, faces, vertex_normals(vertices, faces), provenance)
    write_whole(path, lambda stream: stream.write(content))


def provenance_of(record: Mapping, prompt: str | None = None) -> dict:
    """What a file tells of its origin, from a generation's record."""
    origin = {"generator": GENERATOR, "origin": "AI-generated", "prompt": prompt}
    told = ("model", "weight_hash", "condition", "seed", "scale", "steps", "fit", "licence", "non_commercial", "shape_model", "shape_weight_hash")
    return origin | {name: record.get(name) for name in told}


def _comments(provenance: Provenance) -> list[str]:
    """"name: value" lines, printable ASCII only: a prompt must not end a comment or a header."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in provenance.items()}
    lines = [f"{name}: {' '.join(text.split())}".replace("end_header", "end header") for name, text in texts.items()]
    return [line.encode("ascii", "backslashreplace").decode() for line in lines]


def _obj(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, provenance: Provenance) -> bytes:
    header = "".join(f"# {line}\n" for line in _comments(provenance))
    body = ("v %.6f %.6f %.6f\n" * len(vertices)) % tuple(vertices.ravel().tolist())
    body += ("vn %.4f %.4f %.4f\n" * len(normals)) % tuple(normals.ravel().tolist())
    body += ("f %d//%d %d//%d %d//%d\n" * len(faces)) % tuple((faces.repeat(2, axis=1) + 1).ravel().tolist())
    return (header + "o WaLa\n" + body).encode("ascii")


def _ply(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, provenance: Provenance) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", *(f"comment {line}" for line in _comments(provenance)),
             f"element vertex {len(vertices)}", *(f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")),
             f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", ""]
    rows = np.empty(len(faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    rows["count"], rows["corners"] = 3, faces
    return "\n".join(lines).encode("ascii") + np.hstack([vertices, normals]).astype("<f4").tobytes() + rows.tobytes()


def _glb(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, provenance: Provenance) -> bytes:
    parts = [(faces, _INDEX_BUFFER), (vertices, _VERTEX_BUFFER), (normals.astype("<f4"), _VERTEX_BUFFER)]
    offsets = np.cumsum([0] + [array.nbytes for array, _ in parts]).tolist()
    low, high = vertices.min(axis=0).tolist(), vertices.max(axis=0).tolist()
    document = {
        "asset": {"version": "2.0", "generator": GENERATOR, "extras": dict(provenance)},
        "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"name": GENERATOR, "mesh": 0, "extras": dict(provenance)}],
        "meshes": [{"name": GENERATOR, "extras": dict(provenance),
                    "primitives": [{"attributes": {"POSITION": 1, "NORMAL": 2}, "indices": 0, "mode": _TRIANGLES}]}],
        "accessors": [{"bufferView": 0, "componentType": _UINT, "count": faces.size, "type": "SCALAR"},
                      {"bufferView": 1, "componentType": _FLOAT, "count": len(vertices), "type": "VEC3", "min": low, "max": high},
                      {"bufferView": 2, "componentType": _FLOAT, "count": len(vertices), "type": "VEC3"}],
        "bufferViews": [{"buffer": 0, "byteOffset": offset, "byteLength": array.nbytes, "target": target}
                        for (array, target), offset in zip(parts, offsets)],
        "buffers": [{"byteLength": offsets[-1]}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary = b"".join(array.tobytes() for array, _ in parts)  # all of four-byte numbers: aligned as they are
    chunks = struct.pack("<II", len(text), _GLB_JSON) + text + struct.pack("<II", len(binary), _GLB_BINARY) + binary
    return struct.pack("<III", _GLB_MAGIC, 2, 12 + len(chunks)) + chunks


_WRITERS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, Provenance], bytes]] = {".glb": _glb, ".obj": _obj, ".ply": _ply}
