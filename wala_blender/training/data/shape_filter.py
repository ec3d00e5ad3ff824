"""Filter of training shapes, and the part of a mesh that is its shape's surface."""

from dataclasses import dataclass

import numpy as np
import torch

from ...errors import InputError, NoSurface
from ...geometry.distance import RESOLUTION, check_faces, frame_of, mesh_to_distance
from ...geometry.metrics import iou, sample_surface
from ...wavelet import field_to_tree, tree_to_field
from .blend_files import NoBlender
from .duplicates import fingerprint
from .mesh_datasets import Record, load_mesh

_MAYBE_THIN = 0.03  # share of the grid; bulkier shapes survive the tree, so that the check is spared
_OPEN_EDGES = 0.01  # of all edges: a mesh with fewer that encloses nothing is thin rather than open
_PROBES = 20_000


@dataclass(frozen=True)
class Limits:
    """What a shape must satisfy. min_side: of its thinnest side to its longest; max_lost: the share of its surface that
    bounds no volume; min_volume: share of the grid; min_tree_iou: of the wavelet tree's field with the field."""

    min_side: float = 0.005
    max_lost: float = 0.25
    min_volume: float = 0.0015
    min_tree_iou: float = 0.9


class Unfit(InputError):
    """A rejected shape. reason: "unreadable", "needs Blender", "empty", "flat", "too open", "too thin" or
    "duplicate"."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason} ({detail})")
        self.reason = reason
        self.args = (reason, detail)  # arguments for unpickling in another process


def read_fit(record: Record, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """A record's used vertices (V, 3) in model space and its triangles (F, 3) that have an area. Raises Unfit."""
    try:
        vertices, faces = check_faces(*load_mesh(record))
        used, faces = np.unique(faces, return_inverse=True)
        vertices, faces = vertices[used], faces.reshape(-1, 3)
        vertices = frame_of(vertices).to_model(vertices)
    except NoBlender as error:
        raise Unfit("needs Blender", error.message) from error
    except NoSurface as error:
        raise Unfit("empty", error.message) from error
    except InputError as error:
        raise Unfit("unreadable", error.message) from error
    sides = vertices.max(axis=0) - vertices.min(axis=0)
    if sides.min() < limits.min_side * sides.max():
        raise Unfit("flat", f"its thinnest side is {sides.min() / sides.max():.2%} of its longest")
    return vertices, faces


def fingerprint_of(record: Record, limits: Limits) -> np.ndarray:
    """See duplicates.fingerprint. Raises Unfit."""
    return fingerprint(*read_fit(record, limits))


def fit_field(
    vertices: np.ndarray, faces: np.ndarray, limits: Limits, truncation: float, resolution: int = RESOLUTION
) -> torch.Tensor:
    """Distance field (R, R, R) of a mesh in model space. Raises Unfit: too open or too thin."""
    try:
        field = mesh_to_distance(vertices, faces, resolution, truncation)
    except InputError as error:
        opened = open_share(vertices, faces)
        raise Unfit(
            "too open" if opened > _OPEN_EDGES else "too thin",
            f"it encloses no volume; {opened:.0%} of its edges are open",
        ) from error
    visible, lost = bounds_volume(sample_surface(vertices, faces, _PROBES, np.random.default_rng(0)), field < 0)
    share = lost.sum() / max(1, lost.sum() + visible.sum())
    if share > limits.max_lost:
        raise Unfit("too open", f"{share:.0%} of its surface bounds no volume")
    field = torch.from_numpy(field)
    volume = float((field < 0).float().mean())
    if volume < limits.min_volume:
        raise Unfit("too thin", f"{volume:.2%} of the grid is solid")
    return field


def check_tree(field: torch.Tensor, tree: torch.Tensor | None, limits: Limits) -> None:
    """Raises Unfit where the wavelet tree, computed if None, cannot hold the field (R, R, R)."""
    inside = field < 0
    if inside.float().mean() < _MAYBE_THIN:
        tree = field_to_tree(field[None])[0] if tree is None else tree
        agreement = iou(tree_to_field(tree[None])[0] < 0, inside)
        if agreement < limits.min_tree_iou:
            raise Unfit("too thin", f"of the wavelet tree's shape and its own only {agreement:.2f} is common to both")


def open_share(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Share of a mesh's edges that only one triangle has, vertices in one place counted as one."""
    _, merged = np.unique(np.round(vertices, 6), axis=0, return_inverse=True)
    edges = np.sort(merged.reshape(-1)[faces[:, [0, 1, 1, 2, 2, 0]]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0, return_counts=True)
    return float((counts == 1).mean()) if len(counts) else 0.0


def bounds_volume(points: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For points (n, 3) on a mesh, which lie on the boundary of the solid ``inside`` (R, R, R), and which bound nothing
    since no grid point around them is inside: two (n,) bool. The others are hidden in the solid."""
    R = inside.shape[0]
    index = np.rint((points + 1) * R / 2).astype(int)
    around = np.argwhere(np.ones((3, 3, 3))) - 1
    filled = inside[tuple(np.clip(index[:, None] + around, 0, R - 1).transpose(2, 0, 1))]
    return filled.any(axis=1) & ~filled.all(axis=1), ~filled.any(axis=1)


def surface_points(
    vertices: np.ndarray, faces: np.ndarray, field: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Points (count, 3) float32 on the part of the mesh that is the field's surface: neither shells hidden inside
    others nor open sheets."""
    points = sample_surface(vertices, faces, count * 4, rng)
    visible = points[bounds_volume(points, field < 0)[0]]
    if len(visible) == 0:
        raise Unfit("too open", "no part of the mesh lies on the surface of its solid")
    return visible[rng.integers(0, len(visible), count)].astype(np.float32)
