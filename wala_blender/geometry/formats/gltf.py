"""glTF 2.0 reader (.glb, .gltf): the geometry of a scene, with node transforms, instances and supported compressions
applied."""

import base64
import binascii
import json
import struct
import urllib.parse
from functools import partial
from pathlib import Path

import numpy as np

from ...errors import InputError
from .gltf_colours import primitive_colours
from .mesh_file import MeshFile
from .polygons import strip_triangles, triangulate

DRACO, INSTANCES, QUANTIZATION = "KHR_draco_mesh_compression", "EXT_mesh_gpu_instancing", "KHR_mesh_quantization"
# Those that do not change where a surface is.
_HARMLESS = (
    "KHR_materials_",
    "KHR_texture_",
    "EXT_texture_",
    "KHR_lights_",
    "EXT_lights_",
    "KHR_xmp",
    "KHR_animation_pointer",
    "ADOBE_materials_",
)
_POINTS, _TRIANGLES, _STRIP, _FAN = 0, 4, 5, 6
_NUMBERS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_MOST = 50_000_000  # vertices of all instances together, and numbers that no buffer holds
_PLAIN = "Export it again as .glb without"


def read_gltf(path: Path) -> MeshFile:
    """The file's scene, all nodes in their places; points and lines give vertices alone.

    Raises InputError: a buffer's file is missing, an extension is required or used that would change the shape and is
    not read; ValueError, KeyError, IndexError where the file contradicts itself.
    """
    document, binary = _parts(path.read_bytes())
    version = str(document.get("asset", {}).get("version", "")) if isinstance(document, dict) else ""
    if not version.startswith("2."):
        raise InputError(f"{path.name} is glTF {version or 'of no version'}, expected 2.0", "Export it again, as .glb")
    for name in document.get("extensionsRequired", []):
        if name not in (DRACO, INSTANCES, QUANTIZATION) and not str(name).startswith(_HARMLESS):
            raise InputError(f"{path.name} needs the glTF extension {name}, which is not read", f"{_PLAIN} it")
    file = _File(document, path, binary)
    vertices, faces, count = [], [], 0
    placed = _placed(file)
    for mesh, matrices in placed:
        for points, triangles in file.primitives(mesh):
            if count + len(points) * len(matrices) > _MOST:
                raise InputError(f"{path.name} has more than {_MOST:,} vertices", "Give a simpler mesh")
            for matrix in matrices:
                vertices.append(points @ matrix[:3, :3].T + matrix[:3, 3])
                # A mirrored part would be inside out.
                faces.append((triangles[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else triangles) + count)
                count += len(points)
    return MeshFile(
        np.concatenate([np.empty((0, 3)), *vertices]),
        np.concatenate([np.empty((0, 3), np.int64), *faces]),
        lambda: _face_colours(file, placed),
    )


def _face_colours(file: "_File", placed: list[tuple[int, list[np.ndarray]]]) -> np.ndarray | None:
    """Colours of all triangles in their order; white where only other parts have one."""
    parts, is_coloured = [np.empty((0, 3), np.uint8)], False
    for mesh, matrices in placed:
        for primitive, (_, triangles) in zip(file.item("meshes", mesh)["primitives"], file.primitives(mesh)):
            colours = primitive_colours(file, primitive, partial(file.attribute, primitive), triangles)
            is_coloured = is_coloured or colours is not None
            parts += [np.full((len(triangles), 3), 255, np.uint8) if colours is None else colours] * len(matrices)
    return np.concatenate(parts) if is_coloured else None


def _parts(data: bytes) -> tuple[dict, bytes | None]:
    """The JSON and the binary chunk of a .glb, or the JSON of a .gltf."""
    if data[:4] != b"glTF":
        return json.loads(data.decode("utf-8-sig")), None
    version, length = struct.unpack_from("<II", data, 4)
    if length > len(data):
        raise ValueError(f"{len(data)} of {length} bytes are there")
    if version != 2:
        return {"asset": {"version": f"{version}.0"}}, None
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + size > length:
            raise ValueError("a chunk reaches beyond the file's end")
        chunks.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    return json.loads(chunks[b"JSON"].decode("utf-8")), chunks.get(b"BIN\0")


class _File:
    """A document with its buffers: accessors as arrays, meshes as triangles."""

    def __init__(self, document: dict, path: Path, binary: bytes | None):
        self.document, self._path, self._binary = document, path, binary
        self._buffers: dict[int, bytes] = {}
        self._meshes: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}

    def item(self, kind: str, index: int) -> dict:
        if isinstance(index, bool) or not isinstance(index, int) or index < 0:
            raise ValueError(f"{index!r} is no number of one of the {kind}")
        return self.document[kind][index]

    def primitives(self, mesh: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Points (V, 3) float64 and triangles (F, 3) int64 of each part of a mesh."""
        if mesh not in self._meshes:
            self._meshes[mesh] = [self._primitive(one) for one in self.item("meshes", mesh)["primitives"]]
        return self._meshes[mesh]

    def _primitive(self, primitive: dict) -> tuple[np.ndarray, np.ndarray]:
        extensions, attributes = primitive.get("extensions", {}), primitive["attributes"]
        mode = primitive.get("mode", _TRIANGLES)
        if DRACO in extensions:
            points, indices = self._draco(extensions[DRACO], attributes)
        elif "POSITION" not in attributes:
            return np.empty((0, 3)), np.empty((0, 3), np.int64)
        else:
            points = self.array(attributes["POSITION"])
            indices = (
                self.array(primitive["indices"]).ravel().astype(np.int64)
                if "indices" in primitive
                else np.arange(len(points))
            )
        points = points.astype(np.float64)
        if points.shape[1] != 3:
            raise ValueError(f"positions have {points.shape[1]} numbers, expected 3")
        if mode == _TRIANGLES:
            triangles = indices[: len(indices) // 3 * 3].reshape(-1, 3)
        elif mode == _STRIP:
            triangles = strip_triangles(indices)
        elif mode == _FAN:
            triangles = np.stack(
                [np.full(max(len(indices) - 2, 0), indices[0] if len(indices) else 0), indices[1:-1], indices[2:]], 1
            )
        else:
            triangles = np.empty((0, 3), np.int64)
        return points, triangulate(points, np.full(len(triangles), 3), triangles.ravel())

    def attribute(self, primitive: dict, name: str) -> np.ndarray | None:
        """An attribute of a part's vertices (V, n), or None."""
        index = primitive["attributes"].get(name)
        if index is None:
            return None
        extension = primitive.get("extensions", {}).get(DRACO, {})
        if name in extension.get("attributes", {}):
            return _of_draco(self._decoded(extension), extension, name, self.item("accessors", index))
        return self.array(index)

    def picture(self, index: int) -> bytes:
        """The file of a picture."""
        picture = self.item("images", index)
        if "bufferView" in picture:
            return self._view(picture["bufferView"])
        uri = picture["uri"]
        return _embedded(uri) if uri.startswith("data:") else self._beside(uri).read_bytes()

    def _draco(self, extension: dict, attributes: dict) -> tuple[np.ndarray, np.ndarray]:
        decoded = self._decoded(extension)
        points = _of_draco(decoded, extension, "POSITION", self.item("accessors", attributes["POSITION"]))
        faces = getattr(decoded, "faces", None)
        return points, np.arange(0) if faces is None else np.asarray(faces, dtype=np.int64).ravel()

    def _decoded(self, extension: dict):
        try:
            import DracoPy
        except ImportError as error:
            raise InputError(
                f"{self._path.name} is compressed with Draco, and the package DracoPy that reads it is not installed",
                f"Set the worker up again, or: {_PLAIN.lower()} compression",
            ) from error
        return DracoPy.decode(self._view(extension["bufferView"]))

    def array(self, index: int) -> np.ndarray:
        """An accessor as (count, components): sparse values in place, normalised integers as float64 in -1 … 1."""
        accessor = self.item("accessors", index)
        columns, count = _COMPONENTS[accessor["type"]], accessor["count"]
        kind = np.dtype(_NUMBERS[accessor["componentType"]])
        if "bufferView" in accessor:
            stored = self._rows(accessor["bufferView"], accessor.get("byteOffset", 0), kind, count, columns)
        elif 0 <= count * columns <= _MOST:
            stored = np.zeros((count, columns), kind)
        else:
            raise ValueError(f"an accessor without data has {count} items")
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            where, values, changed = sparse["indices"], sparse["values"], sparse["count"]
            places = self._rows(
                where["bufferView"], where.get("byteOffset", 0), np.dtype(_NUMBERS[where["componentType"]]), changed, 1
            )
            stored = stored.copy()
            stored[places.ravel().astype(np.int64)] = self._rows(
                values["bufferView"], values.get("byteOffset", 0), kind, changed, columns
            )
        return _as_numbers(stored, accessor)

    def _rows(self, view: int, offset: int, kind: np.dtype, count: int, columns: int) -> np.ndarray:
        data, size = self._view(view), kind.itemsize * columns
        stride = self.item("bufferViews", view).get("byteStride", size)
        if min(offset, count) < 0 or stride < size or (count and offset + (count - 1) * stride + size > len(data)):
            raise ValueError(f"an accessor of {count} items reaches beyond its data")
        return np.ndarray((count, columns), kind, data, offset, (stride, kind.itemsize))

    def _view(self, index: int) -> bytes:
        view = self.item("bufferViews", index)
        packed = [name for name in view.get("extensions", {}) if "compression" in name]
        if packed:
            raise InputError(
                f"{self._path.name} is compressed with {packed[0]}, which is not read", f"{_PLAIN} compression"
            )
        start, buffer = view.get("byteOffset", 0), self._buffer(view["buffer"])
        if start < 0 or start + view["byteLength"] > len(buffer):
            raise ValueError(f"buffer view {index} reaches beyond its buffer of {len(buffer)} bytes")
        return buffer[start : start + view["byteLength"]]

    def _buffer(self, index: int) -> bytes:
        if index not in self._buffers:
            self._buffers[index] = self._load(self.item("buffers", index))
        return self._buffers[index]

    def _load(self, buffer: dict) -> bytes:
        name = self._path.name
        uri = buffer.get("uri")
        if uri is None:
            if self._binary is None:
                raise ValueError("its buffer is nowhere")
            data = self._binary
        elif uri.startswith("data:"):
            data = _embedded(uri)
        else:
            data = self._beside(uri).read_bytes()
        if len(data) < buffer["byteLength"]:
            raise InputError(
                f"{name}: the data {_shown(uri)} has {len(data)} bytes, expected {buffer['byteLength']}",
                "The file is damaged or incomplete. Export it again, as .glb",
            )
        return data

    def _beside(self, uri: str) -> Path:
        """The file that a URI names: percent-encoded as the specification has it, or plainly."""
        name = self._path.name
        if "://" in uri:
            raise InputError(
                f"{name} wants data from {uri[:80]}, and nothing is downloaded", "Export it again, as .glb"
            )
        for text in (urllib.parse.unquote(uri), uri, urllib.parse.unquote(uri, "latin-1")):
            relative = Path(text.replace("\\", "/"))
            if relative.is_absolute() or ".." in relative.parts or "\0" in text:
                raise InputError(
                    f"{name} wants data from {_shown(text)}, which is not beside it", "Export it again, as .glb"
                )
            if (self._path.parent / relative).is_file():
                return self._path.parent / relative
        missing = urllib.parse.unquote(uri)
        raise InputError(
            f"{name} needs {_shown(missing)}, and that file is missing",
            "Put it beside the .gltf, or export again as .glb, which is one file",
        )


def _shown(name: str | None) -> str:
    return "of the file itself" if name is None or name.startswith("data:") else repr(name[:120])


def _embedded(uri: str) -> bytes:
    head, _, text = uri.partition(",")
    try:
        data = urllib.parse.unquote_to_bytes(text)
        return base64.b64decode(data + b"=" * (-len(data) % 4)) if head.endswith(";base64") else data
    except binascii.Error as error:
        raise ValueError(f"its embedded data is no base64 ({error})") from error


def _as_numbers(stored: np.ndarray, accessor: dict) -> np.ndarray:
    """Normalised integers as the numbers they stand for (KHR_mesh_quantization), all else as it is."""
    if not accessor.get("normalized") or stored.dtype.kind not in "iu":
        return stored
    return np.maximum(stored.astype(np.float64) / np.iinfo(stored.dtype).max, -1)


def _of_draco(decoded, extension: dict, name: str, accessor: dict) -> np.ndarray:
    wanted = extension["attributes"][name]
    values = next(np.asarray(one["data"]) for one in decoded.attributes if one["unique_id"] == wanted)
    return _as_numbers(values, accessor)


def _placed(file: _File) -> list[tuple[int, list[np.ndarray]]]:
    """Number of a mesh and its (4, 4) matrices, for every node of the scene that has a mesh."""
    document = file.document
    nodes = document.get("nodes", [])
    if document.get("scenes"):
        roots = file.item("scenes", document.get("scene", 0)).get("nodes", [])
    else:
        roots = sorted(set(range(len(nodes))) - {child for node in nodes for child in node.get("children", [])})
    if not nodes:
        return [(mesh, [np.eye(4)]) for mesh in range(len(document.get("meshes", [])))]
    placed, seen, waiting = [], set(), [(root, np.eye(4)) for root in reversed(roots)]
    while waiting:
        index, parent = waiting.pop()
        node = file.item("nodes", index)
        if index in seen:
            raise ValueError(f"node {index} hangs in two places")
        seen.add(index)
        matrix = parent @ _matrix(node)
        if node.get("extensions", {}).get("KHR_node_visibility", {}).get("visible", True) is False:
            continue
        if "mesh" in node:
            instances = node.get("extensions", {}).get(INSTANCES)
            placed.append(
                (
                    node["mesh"],
                    [matrix @ one for one in _instances(file, instances["attributes"])] if instances else [matrix],
                )
            )
        waiting += [(child, matrix) for child in reversed(node.get("children", []))]
    return placed


def _matrix(node: dict) -> np.ndarray:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    return _trs(node.get("translation", (0, 0, 0)), node.get("rotation", (0, 0, 0, 1)), node.get("scale", (1, 1, 1)))


def _trs(translation, rotation, scale) -> np.ndarray:
    """(4, 4) of a translation (3,), a quaternion (4,) as x, y, z, w, and a scale (3,)."""
    x, y, z, w = np.asarray(rotation, dtype=np.float64) / max(np.linalg.norm(rotation), 1e-300)
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= np.asarray(scale, dtype=np.float64)
    matrix[:3, 3] = translation
    return matrix


def _instances(file: _File, attributes: dict) -> list[np.ndarray]:
    """Matrices (4, 4) of a node's instances."""
    columns = {
        name: file.array(attributes[name]) for name in ("TRANSLATION", "ROTATION", "SCALE") if name in attributes
    }
    counts = {len(column) for column in columns.values()}
    if len(counts) != 1:
        raise ValueError(f"its instances have {sorted(counts)} places, turns and sizes")
    count = counts.pop()
    defaults = {"TRANSLATION": (0, 0, 0), "ROTATION": (0, 0, 0, 1), "SCALE": (1, 1, 1)}
    rows = [
        columns.get(name, np.broadcast_to(np.array(value, dtype=np.float64), (count, len(value))))
        for name, value in defaults.items()
    ]
    return [_trs(*one) for one in zip(*rows)]
