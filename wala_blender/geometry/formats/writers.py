"""Writers of .glb, .obj, .ply and .stl with normals and provenance: mesh → the file's bytes."""

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..topology import triangulated, vertex_normals

GENERATOR = "WaLa"
_GLB_MAGIC, _GLB_JSON, _GLB_BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942
_FLOAT, _UINT, _VERTEX_BUFFER, _INDEX_BUFFER, _TRIANGLES = 5126, 5125, 34962, 34963, 4
_FAR = 1000  # times its size from the origin: there float32 keeps less than four digits of a shape

Provenance = Mapping[str, object]


@dataclass(frozen=True)
class MeshData:
    """What a file holds: vertices (V, 3) float64, faces (F, 3) or (F, 4) int64, normals (N, 3) float32 and which of
    them each corner has, as ``normal_corners`` like faces; ``uvs`` (F, k, 2) float32 of the corners, or None."""

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    normal_corners: np.ndarray
    uvs: np.ndarray | None = None


def _is_far(vertices: np.ndarray) -> bool:
    """Whether float32 coordinates would blur the shape, as survey coordinates (UTM) do."""
    return _distance(vertices) > _FAR


def _distance(vertices: np.ndarray) -> float:
    """Largest coordinate in longest sides of the bounding box, at least 1."""
    longest = float(np.ptp(vertices, axis=0).max()) if len(vertices) else 0.0
    return max(float(np.abs(vertices).max()) / longest, 1.0) if longest > 0 else 1.0


def _coordinate(vertices: np.ndarray) -> str:
    """Format of a coordinate in a text: nine digits of the shape's size, however far off it lies."""
    return f"%.{min(9 + math.ceil(math.log10(_distance(vertices))), 17)}g"


def _comments(provenance: Provenance) -> list[str]:
    """Lines "name: value", printable ASCII only: a prompt must not end a comment or a header."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in provenance.items()}
    lines = [f"{name}: {' '.join(text.split())}".replace("end_header", "end header") for name, text in texts.items()]
    return [line.encode("ascii", "backslashreplace").decode() for line in lines]


def _obj(mesh: MeshData, provenance: Provenance) -> bytes:
    header = "".join(f"# {line}\n" for line in _comments(provenance))
    number = _coordinate(mesh.vertices)
    body = (f"v {number} {number} {number}\n" * len(mesh.vertices)) % tuple(mesh.vertices.ravel().tolist())
    body += ("vn %.4f %.4f %.4f\n" * len(mesh.normals)) % tuple(mesh.normals.ravel().tolist())
    numbers = [mesh.faces, mesh.normal_corners]
    corner = "%d//%d"
    if mesh.uvs is not None:
        places, used = np.unique(mesh.uvs.reshape(-1, 2), axis=0, return_inverse=True)
        body += ("vt %.6f %.6f\n" * len(places)) % tuple(places.ravel().tolist())
        numbers.insert(1, used.reshape(mesh.faces.shape))
        corner = "%d/%d/%d"
    face = f"f {' '.join([corner] * mesh.faces.shape[1])}\n"
    body += (face * len(mesh.faces)) % tuple((np.stack(numbers, axis=-1) + 1).ravel().tolist())
    return (header + "o WaLa\n" + body).encode("ascii")


def _ply(mesh: MeshData, provenance: Provenance) -> bytes:
    """With one normal a vertex, and no creases."""
    vertices, faces, sides = mesh.vertices, mesh.faces, mesh.faces.shape[1]
    kind, code = ("double", "<f8") if _is_far(vertices) else ("float", "<f4")
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {line}" for line in _comments(provenance)),
        f"element vertex {len(vertices)}",
        *(f"property {kind} {name}" for name in ("x", "y", "z")),
        *(f"property float {name}" for name in ("nx", "ny", "nz")),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
        "",
    ]
    points = np.empty(len(vertices), dtype=[("place", code, 3), ("normal", "<f4", 3)])
    points["place"], points["normal"] = vertices, vertex_normals(vertices, faces)
    rows = np.empty(len(faces), dtype=[("count", "u1"), ("corners", "<i4", sides)])
    rows["count"], rows["corners"] = sides, faces
    return "\n".join(lines).encode("ascii") + points.tobytes() + rows.tobytes()


def _stl(mesh: MeshData, provenance: Provenance) -> bytes:
    """Binary; a text where the shape lies so far off that only a text keeps its coordinates. The origin is in the 80
    bytes of the header, as far as they go."""
    vertices, faces = mesh.vertices, triangulated(mesh.faces)
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    across = np.divide(across, length, out=np.zeros_like(across), where=length > 0)
    title = "; ".join([GENERATOR, *_comments(provenance)])[:79]
    if _is_far(vertices):
        number = _coordinate(vertices)
        facet = (
            "facet normal %.4f %.4f %.4f\nouter loop\n"
            + f"vertex {number} {number} {number}\n" * 3
            + "endloop\nendfacet\n"
        ) * len(faces)
        numbers = np.concatenate([across[:, None], corners], axis=1).ravel().tolist()
        return f"solid {title}\n{facet % tuple(numbers)}endsolid\n".encode("ascii")
    rows = np.zeros(len(faces), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    rows["normal"], rows["corners"] = across, corners
    return title.encode("ascii").ljust(80, b"\0") + struct.pack("<I", len(faces)) + rows.tobytes()


def _split(mesh: MeshData) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Vertices, triangles, normals and UVs with one normal and one UV a vertex, as glTF has them."""
    corners = np.stack([mesh.faces.ravel(), mesh.normal_corners.ravel()], axis=1)
    if mesh.uvs is not None:
        _, used = np.unique(mesh.uvs.reshape(-1, 2), axis=0, return_inverse=True)
        corners = np.concatenate([corners, used.reshape(-1, 1)], axis=1)
    _, first, numbers = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    uvs = None if mesh.uvs is None else mesh.uvs.reshape(-1, 2)[first]
    return (
        mesh.vertices[corners[first, 0]],
        triangulated(numbers.reshape(mesh.faces.shape)),
        mesh.normals[corners[first, 1]],
        uvs,
    )


def _glb(mesh: MeshData, provenance: Provenance) -> bytes:
    vertices, faces, normals, uvs = _split(mesh)
    node: dict = {"name": GENERATOR, "mesh": 0, "extras": dict(provenance)}
    if _is_far(vertices):
        # A buffer holds float32; the node's place is written with all digits.
        node["translation"] = ((vertices.min(axis=0) + vertices.max(axis=0)) / 2).tolist()
        vertices = vertices - node["translation"]
    vertices = vertices.astype("<f4")
    parts = [(faces.astype("<u4"), _INDEX_BUFFER), (vertices, _VERTEX_BUFFER), (normals.astype("<f4"), _VERTEX_BUFFER)]
    attributes = {"POSITION": 1, "NORMAL": 2}
    if uvs is not None:
        # glTF's v runs down.
        parts.append((np.stack([uvs[:, 0], 1 - uvs[:, 1]], axis=1).astype("<f4"), _VERTEX_BUFFER))
        attributes["TEXCOORD_0"] = 3
    offsets = np.cumsum([0] + [array.nbytes for array, _ in parts]).tolist()
    low, high = vertices.min(axis=0).tolist(), vertices.max(axis=0).tolist()
    document = {
        "asset": {"version": "2.0", "generator": GENERATOR, "extras": dict(provenance)},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [node],
        "meshes": [
            {
                "name": GENERATOR,
                "extras": dict(provenance),
                "primitives": [{"attributes": attributes, "indices": 0, "mode": _TRIANGLES}],
            }
        ],
        "accessors": [
            {"bufferView": 0, "componentType": _UINT, "count": faces.size, "type": "SCALAR"},
            {"bufferView": 1, "componentType": _FLOAT, "count": len(vertices), "type": "VEC3", "min": low, "max": high},
            {"bufferView": 2, "componentType": _FLOAT, "count": len(vertices), "type": "VEC3"},
            *(
                []
                if uvs is None
                else [{"bufferView": 3, "componentType": _FLOAT, "count": len(vertices), "type": "VEC2"}]
            ),
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": offset, "byteLength": array.nbytes, "target": target}
            for (array, target), offset in zip(parts, offsets)
        ],
        "buffers": [{"byteLength": offsets[-1]}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary = b"".join(array.tobytes() for array, _ in parts)  # all of four-byte numbers: aligned as they are
    chunks = struct.pack("<II", len(text), _GLB_JSON) + text + struct.pack("<II", len(binary), _GLB_BINARY) + binary
    return struct.pack("<III", _GLB_MAGIC, 2, 12 + len(chunks)) + chunks


WRITERS: dict[str, Callable[[MeshData, Provenance], bytes]] = {".glb": _glb, ".obj": _obj, ".ply": _ply, ".stl": _stl}
WITH_UVS = (".glb", ".obj")
