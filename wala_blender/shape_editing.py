"""Shape editing: a generation that starts from existing shapes instead of noise, and what it keeps of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from .conditions.grid_features import CELLS, fine_coordinates
from .conditions.inputs import load_inputs
from .diffusion.samplers import Start
from .errors import InputError
from .geometry.distance import RESOLUTION, Frame, frame_of, grid_coordinates, mesh_to_distance, upsample
from .geometry.surface import has_parts
from .inputs import Mesh, MeshInput

BOX, SPHERE, POINTS = "box", "sphere", "points"
_REGION_GRID = 64  # points a side that a region is evaluated at, before interpolation
_SEAM = 16 / RESOLUTION  # width inside a region over which its new surface passes into the kept one: 8 cells
_REACH = 0.0625  # distance of a sampled latent cell's centre outside a region, at most: a quarter of a cell
_TOLERANCES = 0.04, 0.01  # difference of decoded fields at which the source fades, at strength 0 and at 1; model units
_FIELDS = (
    "mesh",
    "other",
    "strength",
    "mix",
    "details",
    "frame",
    "region",
    "region_matrix",
    "region_points",
    "region_radius",
)  # of an edit as plain data
_BLOCK = 4  # points a side, of a half field, of the blocks that are compared
_NEAR = 0.04  # distance of the surface within which fields are compared


@dataclass(frozen=True, eq=False)
class Region:
    """Part of space that is made anew, in the coordinates of the mesh. ``shape``: "box" or "sphere", the cube
    [-1, 1]³ or the unit ball moved by ``matrix`` (4, 4); or "points": what is within ``radius`` of one of ``points``
    (N, 3)."""

    shape: str
    matrix: np.ndarray | None = None
    points: np.ndarray | None = None
    radius: float = 0.0

    def __post_init__(self):
        if self.shape == POINTS:
            points = np.asarray(self.points, np.float64)
            usable = points.ndim == 2 and points.shape[1:] == (3,) and len(points) and np.isfinite(points).all()
            if not usable or not self.radius > 0:
                raise InputError("the region has no points, or a radius of zero", "Select the faces to make anew.")
        elif self.shape in (BOX, SPHERE):
            matrix = np.asarray(self.matrix, np.float64)
            if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not np.linalg.det(matrix[:3, :3]):
                raise InputError("the region is flat or its matrix is unusable", "Give it a size along every axis.")
        else:
            raise InputError(f"the region is a {self.shape!r}, expected {BOX}, {SPHERE} or {POINTS}")

    def depth(self, at: np.ndarray) -> np.ndarray:
        """Distance (…,) of points (…, 3) to the region's border, positive inside, in the mesh's unit; in a stretched
        sphere and outside a box approximate."""
        if self.shape == POINTS:
            from scipy.spatial import cKDTree  # here, as no other shape needs it

            return self.radius - cKDTree(self.points).query(at)[0]
        matrix = np.asarray(self.matrix, np.float64)
        inside = (at - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
        sides = np.linalg.norm(matrix[:3, :3], axis=0)
        if self.shape == SPHERE:
            return (1 - np.linalg.norm(inside, axis=-1)) * sides.min()
        return ((1 - np.abs(inside)) * sides).min(axis=-1)

    def depth_on(self, axis: np.ndarray, frame: Frame) -> np.ndarray:
        """Depth (R, R, R) in model units on the grid that has the model coordinates ``axis`` (R,) along every axis."""
        grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
        return (self.depth(frame.from_model(grid)) * frame.scale).astype(np.float32)

    def blend(self, frame: Frame) -> Tensor:
        """Share (256, 256, 256) of the new surface: 0 outside the region, 1 inside, smooth between."""
        depth = upsample(upsample(self.depth_on(grid_coordinates(_REGION_GRID), frame)))
        share = torch.from_numpy(depth).div_(_SEAM).clamp_(0, 1)
        return share * share * (3 - 2 * share)

    def cells(self, frame: Frame) -> Tensor:
        """Cells (12, 12, 12) bool of the latent that are sampled. Raises InputError for a region without any."""
        centers = fine_coordinates().reshape(CELLS, 2).mean(1).double().numpy()
        inside = torch.from_numpy(self.depth_on(centers, frame) > -_REACH)
        if not inside.any():
            raise InputError("the region is too small, or lies outside the shape", "Make it larger, or move it.")
        return inside


@dataclass(frozen=True, eq=False)
class Edit:
    """Shape that a generation starts from. ``mesh``: vertices (V, 3) and triangles (F, 3), a file of them, or its
    distance field (256, 256, 256).

    ``strength``: from 0, the shape itself, to 1, which keeps nothing but what the region and the details do. ``other``:
    a second shape, of whose latent ``mix`` (0 … 1) is mixed in. ``region``: what is made anew, None: all of it.
    ``details``: whether the surface of the shape itself stays where the new one agrees with it up to the
    autoencoder's loss. ``frame``: from the mesh's coordinates to model space; None: the frame of the condition's input,
    which then has the same coordinates, or else the mesh's own box.
    """

    mesh: Mesh | np.ndarray
    strength: float = 0.5
    other: Mesh | np.ndarray | None = None
    mix: float = 0.5
    region: Region | None = None
    details: bool = True
    frame: Frame | None = None

    def __post_init__(self):
        for name in ("strength", "mix"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"the {name} is {getattr(self, name)}, expected 0 … 1")

    def to_record(self) -> dict:
        """What a generation's record says of it."""
        mixed = {} if self.other is None else {"mix": self.mix}
        return {"strength": self.strength, "region": self.region and self.region.shape, **mixed}


def read_edit(plain: Mapping[str, Any], folder: Path | str) -> Edit:
    """An edit from plain data, as job folders and the command line have it; files are relative to the folder.

    "mesh" and "other": files of meshes; "strength", "mix"; "details": 1 or 0; "frame": [x, y, z, scale] of the mesh's
    coordinates; "region": "box", "sphere" or "points", with "region_matrix", 16 numbers row by row, or "region_points",
    a file (.npy), and "region_radius". Raises InputError.
    """
    unknown = ", ".join(sorted(set(plain) - set(_FIELDS)))
    if unknown or "mesh" not in plain:
        raise InputError(f"the edit has {unknown or 'no mesh'}", f"Known are {', '.join(_FIELDS)}.")
    frame = _numbers("frame", plain, 4)
    if frame is not None and not frame[3] > 0:
        raise InputError(f"the scale of the edit's frame is {frame[3]:g}, expected a number above 0")
    return Edit(
        _mesh_file(plain["mesh"], folder),
        _number("strength", plain.get("strength", 0.5)),
        _mesh_file(plain["other"], folder) if "other" in plain else None,
        _number("mix", plain.get("mix", 0.5)),
        _read_region(plain, folder) if "region" in plain else None,
        bool(_number("details", plain.get("details", 1))),
        None if frame is None else Frame(frame[:3], float(frame[3])),
    )


def _read_region(plain: Mapping[str, Any], folder: Path | str) -> Region:
    path, matrix = plain.get("region_points"), _numbers("region_matrix", plain, 16)
    return Region(
        str(plain["region"]),
        None if matrix is None else matrix.reshape(4, 4),
        None if path is None else load_inputs({"points": path}, folder)["points"],
        _number("region_radius", plain.get("region_radius", 0.0)),
    )


def _mesh_file(path: object, folder: Path | str) -> tuple[np.ndarray, np.ndarray]:
    raw = load_inputs({"mesh": path}, folder)
    return raw["vertices"], raw["faces"]


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(f"the edit's {name} is {value!r}, expected a number")
    return float(value)


def _numbers(name: str, plain: Mapping[str, Any], count: int) -> np.ndarray | None:
    if name not in plain:
        return None
    value = plain[name]
    if not isinstance(value, list | tuple) or len(value) != count:
        raise InputError(f"the edit's {name} is {value!r}, expected {count} numbers")
    return np.array([_number(name, item) for item in value])


@dataclass(frozen=True)
class Base:
    """A shape to start from: its distance field (256, 256, 256), its latent (4, 12, 12, 12), and the half field (128,
    128, 128) that is decoded from that."""

    field: Tensor
    latent: Tensor
    half: Tensor


@dataclass(frozen=True)
class EditedShape:
    """An encoded edit: its shapes, with the share of each."""

    edit: Edit
    frame: Frame | None
    bases: tuple[tuple[Base, float], ...]
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> Frame:
        """Frame of the region's coordinates: model space for a field without a frame."""
        return self.frame or Frame(np.zeros(3), 1.0)

    @property
    def start(self) -> Start:
        """Where sampling starts."""
        latent = sum(share * base.latent for base, share in self.bases)
        region = self.edit.region
        mask = None if region is None else region.cells(self.place).to(latent.device)
        return Start(latent, self.edit.strength, mask)

    @property
    def in_parts(self) -> bool:
        """Whether a shape has several parts, each more than a hundredth of the whole."""
        return any(share and has_parts(base.half.cpu().numpy() < 0) for base, share in self.bases)

    @cached_property
    def _blend(self) -> Tensor:
        region = self.edit.region
        return torch.ones((RESOLUTION,) * 3) if region is None else region.blend(self.place)

    def note_on(self, field: Tensor) -> str:
        """Remark on an edited field, as ``applied`` gives it: where the region is empty that was not; "" otherwise."""
        if self.edit.region is None:
            return ""
        step = RESOLUTION // len(field)
        inside = (self._blend[::step, ::step, ::step] > 0.9).to(field.device)
        before = self.bases[0][0].field[::step, ::step, ::step] < 0
        emptied = (before & inside).any() and not ((field < 0) & inside).any()
        return "Nothing of the shape is left in the region: try another seed, or other words" if emptied else ""

    def applied(self, field: Tensor, half: Tensor) -> Tensor:
        """The field (256, 256, 256), or (128, 128, 128) of every second grid point, of a new latent, with what stays of
        the shapes. ``half``: the half field that is decoded from the new latent, before any refinement."""
        step = RESOLUTION // len(field)
        fields = [(base, share, base.field[::step, ::step, ::step].to(field)) for base, share in self.bases]
        edited = field
        if self.edit.details:
            low, high = _TOLERANCES
            tolerance = low + (high - low) * self.edit.strength
            for base, share, own in fields:
                if share:
                    weight = agreement(base.half, half, tolerance).to(field)
                    edited = edited + share * resized(weight, len(field)) * (own - field)
        if self.edit.region is None:
            return edited
        blend = self._blend[::step, ::step, ::step].to(field)
        [(_, _, kept)] = fields
        return without_loose(torch.lerp(kept, edited, blend), blend)


def field_of(mesh: Mesh | np.ndarray, frame: Frame | None) -> tuple[Frame | None, np.ndarray, tuple[str, ...]]:
    """Frame, distance field (256, 256, 256) and remarks of a mesh (``frame`` None: its own box), or of such a field,
    which is in model space. Raises InputError: also for a mesh that does not lie in the given frame's box."""
    if isinstance(mesh, np.ndarray | Tensor):
        field = np.asarray(mesh, np.float32)
        if field.shape != (RESOLUTION,) * 3 or not np.isfinite(field).all():
            raise InputError(f"the distance field has the shape {field.shape}, expected {(RESOLUTION,) * 3}")
        return frame, field, ()
    raw = MeshInput(mesh).raw()
    frame = frame or frame_of(raw["vertices"])
    vertices = frame.to_model(raw["vertices"])
    if np.abs(vertices).max() > 1:
        raise InputError("the mesh does not lie where the input is", "Move them together, or give another input.")
    return frame, mesh_to_distance(vertices, raw["faces"]), tuple(raw.get("notes", ()))


def resized(grid: Tensor, side: int) -> Tensor:
    """A grid (R, R, R), trilinear, at ``side`` points along every axis."""
    return F.interpolate(grid[None, None], size=(side,) * 3, mode="trilinear", align_corners=False)[0, 0]


def agreement(a: Tensor, b: Tensor, tolerance: float) -> Tensor:
    """Agreement (32, 32, 32), 1 … 0, of two half fields (128, 128, 128): of their mean difference near a surface of
    either, in a neighbourhood, a Gaussian whose width is the tolerance, in model units."""
    near = torch.exp(-((torch.minimum(a.abs(), b.abs()) / _NEAR) ** 2))
    total, weight = (_blurred(F.avg_pool3d(grid[None, None], _BLOCK))[0, 0] for grid in ((a - b).abs() * near, near))
    return torch.exp(-((total / (weight + 1e-3) / tolerance) ** 2))


def _blurred(grid: Tensor) -> Tensor:
    for _ in range(2):
        grid = F.avg_pool3d(grid, 3, stride=1, padding=1)
    return grid


def without_loose(field: Tensor, blend: Tensor) -> Tensor:
    """The field (R, R, R) without the solid parts that lie in the region (``blend`` > 0) alone; as it is where nothing
    lies outside."""
    solid = (field < 0).cpu().numpy()
    labels, count = ndimage.label(solid, np.ones((3, 3, 3)))
    attached = np.zeros(count + 1, bool)
    attached[np.unique(labels[solid & (blend <= 0).cpu().numpy()])] = True
    if not attached[1:].any() or attached[1:].all():
        return field
    loose = torch.from_numpy(solid & ~attached[labels]).to(field.device)
    return torch.where(loose, field.abs(), field)
