"""Iso-surface extraction: distance field → mesh at level 0, closed, oriented outward, without tiny components."""

import numpy as np
import torch
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from skimage.measure import marching_cubes

from ..errors import InputError

_CLEARANCE = (
    1e-5  # grid values nearer to 0 are moved off it: a vertex on a grid point would make triangles without area
)
_BORDER = 1.0  # what lies outside the grid: far off any surface, so that a cut shape ends at the grid's border
_DUST_VOLUME, _DUST_SURFACE = 0.01, 0.05  # of the largest component's: a ball of a fifth of its radius has both


def field_to_mesh(field: np.ndarray | torch.Tensor, remove_dust: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Iso-surface at 0 of field (R, R, R), positive outside, axis order x, y, z, index i at 2·i/R − 1.

    Returns vertices (V, 3) float32 in model space and faces (F, 3) int32, wound so that normals point outward. The mesh
    is closed: where the shape touches the grid's border it ends there. remove_dust leaves out components that are tiny
    beside the main one. Raises InputError when the field is not finite or has no negative value.
    """
    field = np.asarray(field.detach().cpu() if isinstance(field, torch.Tensor) else field, dtype=np.float32)
    if field.ndim != 3 or len(set(field.shape)) != 1:
        raise InputError(f"expected a cubic field, got an array of shape {field.shape}")
    R = field.shape[0]
    lower, upper = _solid_box(field)
    # One more grid point on every side, with a made-up value beyond the grid.
    inner = tuple(slice(max(a - 1, 0), min(b + 1, R)) for a, b in zip(lower, upper))
    missing = [(int(a == 0), int(b == R)) for a, b in zip(lower, upper)]
    volume = np.pad(field[inner], missing, constant_values=_BORDER)
    volume = np.where(volume < 0, np.minimum(volume, -_CLEARANCE), np.maximum(volume, _CLEARANCE))
    vertices, faces, _, _ = marching_cubes(volume, 0.0)
    vertices = ((vertices + (lower - 1)) * (2 / R) - 1).astype(np.float32)
    faces = faces.astype(np.int32)
    return main_components(vertices, faces)[:2] if remove_dust else (vertices, faces)


def _solid_box(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and one past the last index of negative values along every axis, two (3,) arrays."""
    if not np.isfinite(field).all():
        bad = int((~np.isfinite(field)).sum())
        raise InputError(f"the distance field has {bad} values that are not finite numbers", "Try another seed")
    inside = field < 0
    filled = [np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not len(filled[0]):
        raise InputError(
            "the distance field has no inside, so that there is no surface",
            "Try another seed, more steps or another input",
        )
    return np.array([f[0] for f in filled]), np.array([f[-1] + 1 for f in filled])


def component_labels(faces: np.ndarray, vertex_count: int) -> tuple[int, np.ndarray]:
    """Number of connected components of a mesh, and the component (V,) of every vertex."""
    edges = faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = coo_matrix(
        (np.ones(len(edges), dtype=bool), (edges[:, 0], edges[:, 1])), shape=(vertex_count, vertex_count)
    )
    return connected_components(graph, directed=False)


def component_shares(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The component (F,) of every triangle, and the components' volumes and surface areas (C,) as shares of the largest
    volume and area."""
    count, labels = component_labels(faces, len(vertices))
    labels = labels[faces[:, 0]]
    corners = vertices.astype(np.float64)[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # Relative to the component's own corner, so that an open one's volume does not depend on its position.
    first = np.zeros(count, dtype=np.int64)
    first[labels[::-1]] = np.arange(len(faces))[::-1]
    volumes = np.abs(np.bincount(labels, ((corners[:, 0] - corners[first[labels], 0]) * across).sum(axis=1), count)) / 6
    areas = np.bincount(labels, np.linalg.norm(across, axis=1), count) / 2
    return labels, volumes / max(volumes.max(), 1e-30), areas / max(areas.max(), 1e-30)


def has_parts(inside: np.ndarray) -> bool:
    """Whether a solid (R, R, R) bool has several parts that do not touch, each more than a hundredth of the whole."""
    labels, _ = ndimage.label(inside, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    return bool((sizes > 0.01 * sizes.sum()).sum() > 1)


def main_components(
    vertices: np.ndarray, faces: np.ndarray, one_piece: bool = False
) -> tuple[np.ndarray, np.ndarray, int]:
    """The mesh without its dust, or with ``one_piece`` its main component alone, and how many components that are no
    dust were left out.

    The main component is largest in volume and surface together. Dust is small in both beside the largest: a thin part
    has little volume, and is none. A closed cavity is a component too: left out, it is filled. Unused vertices go as
    well.
    """
    labels, volumes, areas = component_shares(vertices, faces)
    present = (volumes >= _DUST_VOLUME) | (areas >= _DUST_SURFACE)
    kept = np.arange(len(volumes)) == np.argmax(volumes + areas) if one_piece else present
    left_out = int((present & ~kept).sum())
    if kept.all():
        return vertices, faces, 0
    faces = faces[kept[labels]]
    used = np.zeros(len(vertices), dtype=bool)
    used[faces] = True
    return vertices[used], (np.cumsum(used) - 1)[faces].astype(faces.dtype), left_out
