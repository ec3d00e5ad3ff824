"""Arrays of a job's mesh: vertices, faces and their attributes, read within limits and checked."""

import zipfile
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from .messages import JobFailed

MAX_MESH_BYTES = 2**30
KINDS = {
    "vertices": "float32",
    "faces": "int32",
    "uvs": "float32",
    "edges": "int32",
    "corner_edges": "int32",
    "colours": "uint8",
    "texture": "uint8",
}


def read_arrays(file: BinaryIO) -> dict[str, np.ndarray]:
    """The arrays of a mesh.npz, if unpacked they are no larger than MAX_MESH_BYTES. Raises ValueError and what zipfile
    and numpy raise."""
    with zipfile.ZipFile(file) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_MESH_BYTES:
        raise ValueError(f"unpacked it has {size} bytes; the limit is {MAX_MESH_BYTES}")
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in KINDS if name in ("vertices", "faces") or name in arrays.files}


def with_edges(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays with "edges" (E, 2), each once, and "corner_edges" (F, k): that from each corner to the next. Computed
    here to save Blender's main thread the time."""
    faces, count = arrays["faces"], len(arrays["vertices"])
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2).astype(np.int64)
    keys, numbers = np.unique(ends.min(axis=1) * count + ends.max(axis=1), return_inverse=True)
    edges = np.stack(np.divmod(keys, count), axis=1).astype(np.int32)
    return {**arrays, "edges": edges, "corner_edges": numbers.reshape(faces.shape).astype(np.int32)}


def checked_mesh(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The arrays in their types, validated, as Blender checks nothing itself. Raises JobFailed "result-invalid"."""
    arrays = {key: np.asarray(array) for key, array in arrays.items()}
    _check_faces(arrays["vertices"], arrays["faces"], name)
    faces, uvs = arrays["faces"], arrays.get("uvs")
    if uvs is not None and (uvs.shape != (*faces.shape, 2) or uvs.dtype.kind != "f" or not np.isfinite(uvs).all()):
        raise _invalid(name, f"uvs are {uvs.dtype} {uvs.shape}; expected finite floats {(*faces.shape, 2)}")
    _check_colours(arrays, name)
    if ("edges" in arrays) != ("corner_edges" in arrays) or ("edges" in arrays and not _are_edges_right(arrays)):
        raise _invalid(name, "the edges are not those of the faces")
    return {key: array.astype(KINDS[key], copy=False) for key, array in arrays.items()}


def _check_faces(vertices: np.ndarray, faces: np.ndarray, name: str) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or vertices.dtype.kind != "f":
        raise _invalid(name, f"vertices are {vertices.dtype} {vertices.shape}; expected float (V, 3)")
    if faces.ndim != 2 or faces.shape[1] not in (3, 4) or faces.dtype.kind not in "iu":
        raise _invalid(name, f"faces are {faces.dtype} {faces.shape}; expected integers (F, 3) or (F, 4)")
    if not len(vertices) or not len(faces):
        raise JobFailed("result-invalid", f"{name} is empty", "Try another seed or another input.")
    if not np.isfinite(vertices).all():
        raise JobFailed("result-invalid", f"{name} has vertices that are not finite numbers", "Try another seed.")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise _invalid(name, f"faces name vertices {faces.min()} to {faces.max()}; there are {len(vertices)}")


def _check_colours(arrays: Mapping[str, np.ndarray], name: str) -> None:
    colours, texture = arrays.get("colours"), arrays.get("texture")
    if colours is not None and (colours.shape != (len(arrays["faces"]), 3) or colours.dtype != np.uint8):
        raise _invalid(name, f"colours are {colours.dtype} {colours.shape}; expected bytes, three a face")
    if texture is not None and (texture.ndim != 3 or texture.shape[2] != 3 or texture.dtype != np.uint8):
        raise _invalid(name, f"the texture is {texture.dtype} {texture.shape}; expected bytes (H, W, 3)")


def _are_edges_right(arrays: Mapping[str, np.ndarray]) -> bool:
    edges, corners, faces = arrays["edges"], arrays["corner_edges"], arrays["faces"]
    if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu" or corners.dtype.kind not in "iu":
        return False
    if corners.shape != faces.shape or not len(edges) or corners.min() < 0 or corners.max() >= len(edges):
        return False
    following = np.roll(faces, -1, axis=1)
    low, high = edges[corners, 0], edges[corners, 1]
    is_here = (low == np.minimum(faces, following)) & (high == np.maximum(faces, following)) & (low != high)
    return bool(is_here.all()) and len(np.unique(corners)) == len(edges)


def _invalid(name: str, what: str) -> JobFailed:
    return JobFailed("result-invalid", f"{name}: {what}")
