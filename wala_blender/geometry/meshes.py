"""Mesh files: reading what artists have, writing results with normals and provenance.

Coordinates stay as the file has them: +Y up is what glTF says and what model space expects.
"""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError, NoSurface, OutputError
from ..files import check_destination, write_whole
from .formats.gltf import read_gltf
from .formats.mesh_file import MeshFile
from .formats.obj import read_obj
from .formats.off import read_off
from .formats.ply import read_ply
from .formats.stl import read_stl
from .formats.writers import GENERATOR, WITH_UVS, WRITERS, MeshData, Provenance
from .topology import creased_normals, vertex_normals

PROVENANCE = (  # of a generation's record, in a file's metadata
    "prompt",
    "model",
    "model_version",
    "weight_hash",
    "condition",
    "seed",
    "scale",
    "steps",
    "fit",
    "refine",
    "precision",
    "licence",
    "non_commercial",
    "shape_model",
    "shape_weight_hash",
)
log = logging.getLogger(__name__)

_READERS: dict[str, Callable[[Path], MeshFile]] = {
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".obj": read_obj,
    ".ply": read_ply,
    ".stl": read_stl,
    ".off": read_off,
}
READABLE = tuple(_READERS)
WRITABLE = tuple(WRITERS)
_REPAIR = "Export it again, as .glb or .obj"
_LARGEST = 1e30  # a coordinate beyond it is not a place: its square would overflow


def _parse(path: Path) -> MeshFile:
    """What the reader of its kind makes of a file, checked, with everything that goes wrong as InputError."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path.name}: unknown kind of file {path.suffix!r}", f"Give one of {', '.join(READABLE)}")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror or error})", "Check the path") from error
    if size == 0:
        raise InputError(f"{path.name} is empty (0 bytes)", _REPAIR)
    try:
        with np.errstate(all="ignore"):  # the callers report values that are not finite
            return reader(path)
    except InputError as error:
        raise (
            error if path.name in error.message else InputError(f"{path.name}: {error.message}", error.hint)
        ) from error
    except Exception as error:  # damaged files contradict themselves in countless ways
        reason = (
            f"{type(error).__name__}: {error}"
            if isinstance(error, (LookupError, TypeError, AttributeError))
            else str(error)
        )
        reason = (reason.splitlines() or [type(error).__name__])[0][:160]
        raise InputError(
            f"{path.name} cannot be read ({reason})", f"The file is damaged or incomplete. {_REPAIR}"
        ) from error


def read_mesh(path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float64 and triangles (F, 3) int64 of a mesh file: all its objects in their places, joined,
    polygons split.

    Raises InputError: missing, empty, truncated, of an unknown kind, without faces, with coordinates that are not
    finite.
    """
    file = _read(Path(path))
    return file.vertices, file.faces


def read_coloured_mesh(path: Path | str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """``read_mesh`` and the triangles' colours (F, 3), sRGB bytes, of materials, textures at the triangles' centres, or
    vertex colours; None for a file without colours, or whose colours cannot be read. Raises InputError as read_mesh."""
    file = _read(Path(path))
    try:
        colours = file.face_colours()
    except Exception as error:  # a missing texture, a damaged picture: the shape is still of use
        log.warning("%s: its colours cannot be read (%s)", Path(path).name, error)
        colours = None
    return file.vertices, file.faces, colours


def _read(path: Path) -> MeshFile:
    file = _parse(path)
    vertices, faces = file.vertices, file.faces
    if not len(faces):
        raise NoSurface(f"{path.name} has no faces", "Give a mesh with a surface; if it has one, the file is damaged")
    with np.errstate(invalid="ignore"):
        bad = int((~(np.abs(vertices) < _LARGEST).all(axis=1)).sum())
    if bad:
        raise InputError(
            f"{path.name}: {bad} of {len(vertices)} vertices are not finite numbers below {_LARGEST:g}",
            "Remove NaN, infinite and huge coordinates",
        )
    return file


def read_points(path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) float64, the vertices of a mesh file with or without faces, and its triangles (F, 3) int64, if it
    has some.

    Coordinates may be NaN: some scanners write that for what they missed. Raises InputError like read_mesh.
    """
    path = Path(path)
    file = _parse(path)
    if not len(file.vertices):
        raise InputError(f"{path.name} has no points")
    return file.vertices, file.faces


def check_mesh_destination(path: Path | str, *inputs: Path, with_uvs: bool = False) -> Path:
    """The path, if a mesh can be written there without replacing one of the ``inputs``.

    Raises OutputError: a kind of file that is unknown or holds no UVs, missing folder, no permission, the
    file of an input (also by another name or through a link).
    """
    path = Path(path)
    if path.suffix.lower() not in WRITERS and not os.path.isdir(path):
        raise OutputError(f"{path.name}: unknown kind of file {path.suffix!r}", f"Choose one of {', '.join(WRITABLE)}")
    if with_uvs and path.suffix.lower() not in WITH_UVS:
        raise OutputError(
            f"{path.name}: this kind of file holds no UVs", f"Choose one of {', '.join(WITH_UVS)}, or leave UVs out"
        )
    check_destination(path)
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise OutputError(f"{path} is the input itself, which would be lost", "Choose another name")
    return path


def write_mesh(
    path: Path | str,
    vertices: np.ndarray,
    faces: np.ndarray,
    provenance: Provenance,
    uvs: np.ndarray | None = None,
    smooth_angle: float = 180.0,
    colours: np.ndarray | None = None,
    texture: np.ndarray | None = None,
) -> None:
    """Writes vertices (V, 3) and triangles or quads (F, 3 or 4) with normals to .glb, .obj, .ply or .stl, whole or not
    at all.

    Coordinates far from the origin keep their digits. provenance: names → texts and numbers (model, seed, licence, …),
    kept in glTF's extras, in comments or, as far as it fits, in the header of .stl; None is left out. uvs: (F, k, 2) of
    the corners. colours: (F, 3) sRGB bytes of the faces; .stl has none. texture: (H, W, 3) sRGB bytes that the UVs
    refer to, which .glb has in place of the colours. smooth_angle: edges that turn by more degrees are sharp in .glb
    and .obj, 0: all. Quads stay quads in .obj and .ply. Raises OutputError."""
    path = check_mesh_destination(path, with_uvs=uvs is not None)
    vertices = np.asarray(vertices, dtype=np.float64)
    faces = np.asarray(faces, dtype=np.int64)
    if smooth_angle >= 180:
        normals, corners = vertex_normals(vertices, faces), faces
    else:
        normals, corners = creased_normals(vertices, faces, smooth_angle)
    provenance = {name: value for name, value in provenance.items() if value is not None}
    content = WRITERS[path.suffix.lower()](
        MeshData(vertices, faces, normals, corners, uvs, colours, texture), provenance
    )
    write_whole(path, lambda stream: stream.write(content))


def provenance_of(record: Mapping) -> dict:
    """Provenance for a file's metadata, from a generation's record."""
    origin = {"generator": GENERATOR, "origin": "AI-generated"}
    return origin | {name: record.get(name) for name in PROVENANCE}
