"""Writers of .glb, .obj, .ply and .stl with normals and provenance: mesh → the file's bytes."""

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..colour_spaces import to_linear
from ..topology import triangulated, vertex_normals
from .textures import as_png

GENERATOR = "WaLa"
MATERIAL, ROUGHNESS = "WaLa Colour", 0.8
_GLB_MAGIC, _GLB_JSON, _GLB_BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942
_FLOAT, _UINT, _VERTEX_BUFFER, _INDEX_BUFFER, _TRIANGLES = 5126, 5125, 34962, 34963, 4
_FAR = 1000  # times its size from the origin: there float32 keeps less than four digits of a shape

Provenance = Mapping[str, object]


@dataclass(frozen=True)
class MeshData:
    """What a file holds: vertices (V, 3) float64, faces (F, 3) or (F, 4) int64, normals (N, 3) float32 and which of
    them each corner has, as ``normal_corners`` like faces. Each of these may be None: ``uvs`` (F, k, 2) float32 of the
    corners, ``colours`` (F, 3) sRGB bytes of the faces, ``texture`` (H, W, 3) sRGB bytes that the UVs refer to, which
    then has the colours."""

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    normal_corners: np.ndarray
    uvs: np.ndarray | None = None
    colours: np.ndarray | None = None
    texture: np.ndarray | None = None


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
    vertices, faces, colours = _split_by_colour(mesh)
    line = f"v {number} {number} {number}"
    if colours is not None:
        line += " %.4f %.4f %.4f"
        vertices = np.concatenate([vertices, colours / 255], axis=1)
    body = (line + "\n") * len(vertices) % tuple(vertices.ravel().tolist())
    body += ("vn %.4f %.4f %.4f\n" * len(mesh.normals)) % tuple(mesh.normals.ravel().tolist())
    numbers = [faces, mesh.normal_corners]
    corner = "%d//%d"
    if mesh.uvs is not None:
        places, used = np.unique(mesh.uvs.reshape(-1, 2), axis=0, return_inverse=True)
        body += ("vt %.6f %.6f\n" * len(places)) % tuple(places.ravel().tolist())
        numbers.insert(1, used.reshape(mesh.faces.shape))
        corner = "%d/%d/%d"
    face = f"f {' '.join([corner] * mesh.faces.shape[1])}\n"
    body += (face * len(mesh.faces)) % tuple((np.stack(numbers, axis=-1) + 1).ravel().tolist())
    return (header + "o WaLa\n" + body).encode("ascii")


def _split_by_colour(mesh: MeshData) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Vertices, faces, and a colour (V, 3) a vertex, those between faces of different colours once for each."""
    if mesh.colours is None:
        return mesh.vertices, mesh.faces, None
    _, kinds = np.unique(mesh.colours, axis=0, return_inverse=True)
    sides = mesh.faces.shape[1]
    keys = mesh.faces.ravel() * (int(kinds.max()) + 1) + np.repeat(kinds.ravel(), sides)
    _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
    return (
        mesh.vertices[mesh.faces.ravel()[first]],
        numbers.reshape(mesh.faces.shape),
        mesh.colours[first // sides],
    )


def _ply(mesh: MeshData, provenance: Provenance) -> bytes:
    """With one normal a vertex, and no creases."""
    vertices, faces, colours = _split_by_colour(mesh)
    normals, sides = vertex_normals(mesh.vertices, mesh.faces), faces.shape[1]
    kind, code = ("double", "<f8") if _is_far(vertices) else ("float", "<f4")
    names = () if colours is None else ("red", "green", "blue")
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {line}" for line in _comments(provenance)),
        f"element vertex {len(vertices)}",
        *(f"property {kind} {name}" for name in ("x", "y", "z")),
        *(f"property float {name}" for name in ("nx", "ny", "nz")),
        *(f"property uchar {name}" for name in names),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
        "",
    ]
    fields = [("place", code, 3), ("normal", "<f4", 3)] + [("colour", "u1", 3)] * bool(names)
    points = np.zeros(len(vertices), dtype=fields)
    points["place"] = vertices
    points["normal"][faces] = normals[mesh.faces]
    if colours is not None:
        points["colour"] = colours
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


@dataclass(frozen=True)
class _Split:
    """A mesh with one normal, one UV and one colour a vertex, as glTF has them; colours (V, 3) sRGB bytes."""

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    uvs: np.ndarray | None
    colours: np.ndarray | None


def _split(mesh: MeshData) -> _Split:
    columns = [mesh.faces.ravel(), mesh.normal_corners.ravel()]
    sides = mesh.faces.shape[1]
    colours = None if mesh.texture is not None else mesh.colours
    if mesh.uvs is not None:
        columns.append(np.unique(mesh.uvs.reshape(-1, 2), axis=0, return_inverse=True)[1].ravel())
    if colours is not None:
        columns.append(np.repeat(np.unique(colours, axis=0, return_inverse=True)[1].ravel(), sides))
    corners = np.stack(columns, axis=1)
    _, first, numbers = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    return _Split(
        mesh.vertices[corners[first, 0]],
        triangulated(numbers.reshape(mesh.faces.shape)),
        mesh.normals[corners[first, 1]],
        None if mesh.uvs is None else mesh.uvs.reshape(-1, 2)[first],
        None if colours is None else colours[first // sides],
    )


class _Buffer:
    """The binary part of a .glb with its views and accessors."""

    def __init__(self) -> None:
        self.data = b""
        self.views: list[dict] = []
        self.accessors: list[dict] = []

    def view(self, content: bytes, **further: object) -> int:
        self.data += b"\0" * (-len(self.data) % 4)
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(content), **further})
        self.data += content
        return len(self.views) - 1

    def vertices(self, array: np.ndarray, **further: object) -> int:
        """An accessor of float32 rows (V, 2 or 3)."""
        view = self.view(array.astype("<f4").tobytes(), target=_VERTEX_BUFFER)
        kind = f"VEC{array.shape[1]}"
        self.accessors.append(
            {"bufferView": view, "componentType": _FLOAT, "count": len(array), "type": kind, **further}
        )
        return len(self.accessors) - 1

    def indices(self, faces: np.ndarray) -> int:
        view = self.view(faces.astype("<u4").tobytes(), target=_INDEX_BUFFER)
        self.accessors.append({"bufferView": view, "componentType": _UINT, "count": faces.size, "type": "SCALAR"})
        return len(self.accessors) - 1


def _glb(mesh: MeshData, provenance: Provenance) -> bytes:
    split, buffer = _split(mesh), _Buffer()
    vertices = split.vertices
    node: dict = {"name": GENERATOR, "mesh": 0, "extras": dict(provenance)}
    if _is_far(vertices):
        # A buffer holds float32; the node's place is written with all digits.
        node["translation"] = ((vertices.min(axis=0) + vertices.max(axis=0)) / 2).tolist()
        vertices = vertices - node["translation"]
    vertices = vertices.astype("<f4")
    low, high = vertices.min(axis=0).tolist(), vertices.max(axis=0).tolist()
    indices = buffer.indices(split.faces)
    attributes = {"POSITION": buffer.vertices(vertices, min=low, max=high), "NORMAL": buffer.vertices(split.normals)}
    if split.uvs is not None:
        # glTF's v runs down.
        attributes["TEXCOORD_0"] = buffer.vertices(np.stack([split.uvs[:, 0], 1 - split.uvs[:, 1]], axis=1))
    if split.colours is not None:
        attributes["COLOR_0"] = buffer.vertices(to_linear(split.colours / 255))
    primitive: dict = {"attributes": attributes, "indices": indices, "mode": _TRIANGLES}
    document: dict = {
        "asset": {"version": "2.0", "generator": GENERATOR, "extras": dict(provenance)},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [node],
        "meshes": [{"name": GENERATOR, "extras": dict(provenance), "primitives": [primitive]}],
    }
    if mesh.colours is not None or mesh.texture is not None:
        primitive["material"] = 0
        document |= _materials(mesh.texture, buffer)
    document |= {"accessors": buffer.accessors, "bufferViews": buffer.views, "buffers": [{"byteLength": 0}]}
    binary = buffer.data + b"\0" * (-len(buffer.data) % 4)
    document["buffers"][0]["byteLength"] = len(binary)
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), _GLB_JSON) + text + struct.pack("<II", len(binary), _GLB_BINARY) + binary
    return struct.pack("<III", _GLB_MAGIC, 2, 12 + len(chunks)) + chunks


def _materials(texture: np.ndarray | None, buffer: _Buffer) -> dict:
    """The document's part with the one material, which has the texture where there is one."""
    surface: dict = {"metallicFactor": 0.0, "roughnessFactor": ROUGHNESS}
    part: dict = {"materials": [{"name": MATERIAL, "pbrMetallicRoughness": surface}]}
    if texture is not None:
        surface["baseColorTexture"] = {"index": 0}
        view = buffer.view(as_png(texture))
        part |= {"textures": [{"source": 0}], "images": [{"bufferView": view, "mimeType": "image/png"}]}
    return part


WRITERS: dict[str, Callable[[MeshData, Provenance], bytes]] = {".glb": _glb, ".obj": _obj, ".ply": _ply, ".stl": _stl}
WITH_UVS = (".glb", ".obj")
