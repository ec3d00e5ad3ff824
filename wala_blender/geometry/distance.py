"""Mesh → truncated signed distance field.

Unsigned distances are exact (libigl's bounding-volume hierarchy) wherever the wavelet coefficients depend on them. The
sign is from a flood fill from outside, which is robust to face orientation, intersecting shells and double faces; where
an opening lets the flood in, generalised winding numbers (Barill et al. 2018) close it.
"""

from dataclasses import dataclass

import igl
import numpy as np
from scipy import ndimage

from ..errors import InputError, NoSurface

RESOLUTION = 256
TRUNCATION = 0.1
EXTENT = 0.9  # longest side of a normalised shape spans [-EXTENT, EXTENT]

_BARRIER = 0.6  # in voxels: a flood cannot pass surfaces, nor gaps narrower than twice this
_LEAK_SHARE = 0.02  # of the enclosed volume: larger disagreement with winding numbers is an opening


@dataclass(frozen=True)
class Frame:
    """Similarity between a user's coordinates and model space: model = (user − center) · scale."""

    center: np.ndarray
    scale: float

    def to_model(self, points: np.ndarray) -> np.ndarray:
        return (np.asarray(points, dtype=np.float64) - self.center) * self.scale

    def from_model(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(points, dtype=np.float64) / self.scale + self.center


def frame_of(vertices: np.ndarray) -> Frame:
    """Frame that centres the bounding box of vertices (n, 3) and makes its longest side span [-0.9, 0.9].

    Raises InputError when there is nothing to normalise: no points, NaN or infinity, or all in one place.
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or len(vertices) == 0:
        raise InputError(f"expected points of shape (n, 3), got {vertices.shape}", "Give at least one 3-D point.")
    if not np.isfinite(vertices).all():
        bad = int((~np.isfinite(vertices).all(axis=1)).sum())
        raise InputError(
            f"{bad} of {len(vertices)} points are not finite numbers", "Remove NaN and infinite coordinates."
        )
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    longest = float((high - low).max())
    if longest <= 1e-12 * float(np.abs(vertices).max()):
        raise InputError("all points lie in one place", "The shape needs a size of more than zero.")
    return Frame((low + high) / 2, 2 * EXTENT / longest)


def grid_coordinates(resolution: int = RESOLUTION) -> np.ndarray:
    """Coordinates of the grid's indices along one axis: index i lies at 2·i/resolution − 1. Shape (resolution,),
    float64."""
    return 2 * np.arange(resolution) / resolution - 1


def check_faces(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n, 3) float64 and faces (m, 3) int64 without degenerate triangles; InputError if none is left or an
    index is out of range."""
    vertices = np.ascontiguousarray(vertices, dtype=np.float64)
    faces = np.ascontiguousarray(faces, dtype=np.int64)
    if faces.ndim != 2 or faces.shape[1] != 3 or len(faces) == 0:
        raise NoSurface("the mesh has no triangles", "Give a mesh with faces, not only points or edges.")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise InputError(
            f"a face names vertex {int(faces.max())}, but there are {len(vertices)} vertices",
            "The mesh is damaged: export it again.",
        )
    corners = vertices[faces]
    if not np.isfinite(corners).all():
        raise InputError("the mesh has vertices that are not finite numbers", "Remove NaN and infinite coordinates.")
    faces = faces[has_area(corners)]
    if len(faces) == 0:
        raise NoSurface("all triangles of the mesh have an area of zero", "Give a mesh with a real surface.")
    return vertices, faces


def has_area(corners: np.ndarray) -> np.ndarray:
    """Whether the triangles with these corners (m, 3, 3) have an area, (m,) bool."""
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) > 0


def mesh_to_distance(
    vertices: np.ndarray, faces: np.ndarray, resolution: int = RESOLUTION, truncation: float = TRUNCATION
) -> np.ndarray:
    """Truncated signed distance of a triangle mesh on a cubic grid over [-1, 1]³.

    vertices (n, 3) in model space, faces (m, 3); any orientation, open edges and intersecting shells are fine. Returns
    float32 (resolution,)*3, axis order x, y, z, positive outside, in model units, clipped to ±truncation. Exact within
    2 grid cells of the surface; farther off interpolated from exact values 2 (to 8 cells) and 4 cells apart. Raises
    InputError for a mesh without triangles, with non-finite or out-of-range data, or one that encloses no volume.
    """
    vertices, faces = check_faces(vertices, faces)
    distance = _unsigned(vertices, faces, resolution, truncation)
    inside = _inside(vertices, faces, distance, resolution)
    if not inside.any():
        raise InputError(
            "the mesh encloses no volume", "Give it thickness (a Solidify modifier), or close its openings."
        )
    _forget_hidden(distance, inside, 2 / resolution)
    np.negative(distance, out=distance, where=inside)
    return np.clip(distance, -truncation, truncation, out=distance)


def _points(indices: np.ndarray, resolution: int) -> np.ndarray:
    return 2.0 * indices / resolution - 1.0


def _exact(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    squared, _, closest = igl.point_mesh_squared_distance(np.ascontiguousarray(points), vertices, faces)
    return np.sqrt(squared), closest


def upsample(field: np.ndarray) -> np.ndarray:
    """Linear, from every second grid point to all: index i of the input is index 2·i of the output; the last plane is
    repeated."""
    for axis in range(3):
        after = np.concatenate([np.take(field, range(1, field.shape[axis]), axis), np.take(field, [-1], axis)], axis)
        field = np.stack([field, (field + after) / 2], axis + 1)
        shape = list(field.shape)
        shape[axis : axis + 2] = [shape[axis] * 2]
        field = field.reshape(shape)
    return field


def _unsigned(vertices: np.ndarray, faces: np.ndarray, resolution: int, truncation: float) -> np.ndarray:
    """Coarse to fine: every eighth grid point exactly, then, ever finer, only the points ever closer to the surface."""
    size = resolution // 8
    indices = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), -1).reshape(-1, 3)
    field = _exact(vertices, faces, _points(indices, size))[0].reshape(size, size, size).astype(np.float32)
    while size < resolution:
        # A distance changes by at most the step, so that interpolation is off by at most half a cell's diagonal.
        field, size, step = upsample(field), 2 * size, 1 / size
        band = min(truncation, 8 / size) + np.sqrt(3) * step if size < resolution else 4 / resolution
        near = np.argwhere(field < band)
        field[tuple(near.T)] = _exact(vertices, faces, _points(near, size))[0]
    return field


def _inside(vertices: np.ndarray, faces: np.ndarray, distance: np.ndarray, resolution: int) -> np.ndarray:
    voxel = 2 / resolution
    passable = distance > _BARRIER * voxel
    labels, _ = ndimage.label(passable)
    outside = labels == labels[0, 0, 0]
    enclosed = passable & ~outside
    leaked = _leak(vertices, faces, outside, enclosed, resolution)
    if leaked is not None:
        enclosed |= leaked
    inside = enclosed.copy()
    # A grid point within the barrier is on the side that lies ahead when one walks from the surface through it.
    barrier = np.argwhere(~passable)
    points = _points(barrier, resolution)
    length, closest = _exact(vertices, faces, points)
    direction = (points - closest) / np.maximum(length, 1e-12)[:, None]
    undecided = np.ones(len(barrier), dtype=bool)
    for step in (1.5, 2.2, 3.0):
        target = np.clip(np.rint(barrier + direction * step).astype(np.int64), 0, resolution - 1)
        here = undecided & passable[tuple(target.T)]
        inside[tuple(barrier[here].T)] = enclosed[tuple(target[here].T)]
        undecided &= ~here
    # On a face itself there is no direction. A face within the solid has only enclosed points around it.
    left = barrier[undecided]
    around = np.argwhere(np.ones((3, 3, 3))) * 2 - 2
    near = tuple(np.clip(left[:, None] + around, 0, resolution - 1).transpose(2, 0, 1))
    inside[tuple(left.T)] = enclosed[near].any(axis=1) & ~(passable[near] & ~enclosed[near]).any(axis=1)
    return inside


def _forget_hidden(distance: np.ndarray, inside: np.ndarray, voxel: float) -> None:
    """Raises the distance around shells hidden in the solid to that from the solid's own surface, which alone is the
    shape's."""
    coarse, near = inside[::2, ::2, ::2], distance[::2, ::2, ::2]
    deep = coarse[2:-2, 2:-2, 2:-2].copy()  # no surface of the solid is nearer than 4 / sqrt(3) voxels
    for axis in range(3):
        for shifted in (slice(0, -4), slice(4, None)):
            deep &= coarse[tuple(shifted if a == axis else slice(2, -2) for a in range(3))]
    if not (deep & (near[2:-2, 2:-2, 2:-2] < np.sqrt(3) * voxel)).any():
        return
    # To the nearest coarse grid point outside, which lies within a coarse cell's diagonal behind the surface. Twice as
    # coarse is enough so far inside, and eight times as fast.
    depth = ndimage.distance_transform_edt(coarse) * (2 * voxel) - 2 * np.sqrt(3) * voxel
    hidden, depth = (
        a.repeat(2, 0).repeat(2, 1).repeat(2, 2)
        for a in (ndimage.binary_dilation(near < depth - voxel), depth.astype(np.float32))
    )
    np.maximum(distance, depth, out=distance, where=hidden & inside)


def _leak(vertices, faces, outside, enclosed, resolution) -> np.ndarray | None:
    """Grid points that the flood reached through an opening although the winding number calls them inside; None if
    there are none to speak of."""
    step = resolution // 32
    probes = np.argwhere(outside[::step, ::step, ::step]) * step
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    points = _points(probes, resolution)
    points = points[((points > low) & (points < high)).all(axis=1)]
    if len(points) == 0:
        return None
    wound = np.abs(igl.fast_winding_number(vertices, faces, points)) > 0.5
    if wound.sum() * step**3 <= _LEAK_SHARE * enclosed.sum() + step**3:
        return None
    lower = np.clip(np.floor((low + 1) * resolution / 2).astype(int), 0, resolution - 1)
    upper = np.clip(np.ceil((high + 1) * resolution / 2).astype(int) + 1, 1, resolution)
    box = tuple(slice(a, b) for a, b in zip(lower, upper))
    candidates = np.argwhere(outside[box]) + lower
    # Every second grid point is enough away from the surface, where winding numbers are smooth.
    winding = np.abs(
        igl.fast_winding_number(vertices, faces, _points(candidates[(candidates % 2 == 0).all(axis=1)], resolution))
    )
    leaked = np.zeros((resolution // 2,) * 3, dtype=bool)
    even = candidates[(candidates % 2 == 0).all(axis=1)] // 2
    leaked[tuple(even.T)] = winding > 0.5
    return leaked.repeat(2, 0).repeat(2, 1).repeat(2, 2) & outside
