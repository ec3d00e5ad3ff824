"""Polygons and triangle strips → triangles."""

import mapbox_earcut
import numpy as np

from ...errors import InputError


def triangulate(vertices: np.ndarray, counts: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Triangles (F, 3) int64 of polygons, in their order and wound as they are.

    counts (P,): corners of each polygon; corners (sum of counts,): their vertices, one polygon after the other. Convex
    polygons become fans, others are cut into ears in the plane that fits them best; those of fewer than three corners
    are left out. Raises InputError when a corner names a vertex that is not there.
    """
    counts, corners = np.asarray(counts, dtype=np.int64), np.asarray(corners, dtype=np.int64)
    check_indices(corners, len(vertices))
    starts = np.cumsum(counts) - counts
    sizes = np.maximum(counts - 2, 0)
    offsets = np.cumsum(sizes) - sizes
    triangles = np.zeros((int(sizes.sum()), 3), dtype=np.int64)
    kept = np.ones(len(triangles), dtype=bool)
    for n in np.unique(counts[counts > 2]).tolist():
        which = np.flatnonzero(counts == n)
        rings = corners[starts[which, None] + np.arange(n)]
        fans = np.stack([np.broadcast_to(rings[:, :1], (len(rings), n - 2)), rings[:, 1:-1], rings[:, 2:]], -1)
        places = offsets[which, None] + np.arange(n - 2)
        triangles[places] = fans
        for i in np.flatnonzero(_is_folded(vertices, fans)) if n > 3 else ():
            ears = _cut_ears(vertices, rings[i])
            if len(ears):
                triangles[places[i, : len(ears)]] = ears
                kept[places[i, len(ears) :]] = False
    return triangles[kept]


def triangle_corners(vertices: np.ndarray, counts: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """As ``triangulate``, but which of the ``corners`` each triangle has, (F, 3): for attributes of corners."""
    corners = np.asarray(corners, dtype=np.int64)
    check_indices(corners, len(vertices))
    return triangulate(vertices[corners], counts, np.arange(len(corners)))


def strip_triangles(strip: np.ndarray) -> np.ndarray:
    """Triangles (F, 3) int64 of one triangle strip of vertices (n,): every second one turned, those of repeated
    vertices left out."""
    strip = np.asarray(strip, dtype=np.int64)
    triangles = np.stack([strip[:-2], strip[1:-1], strip[2:]], 1) if len(strip) > 2 else np.empty((0, 3), np.int64)
    triangles[1::2] = triangles[1::2, [1, 0, 2]]
    a, b, c = triangles.T
    return triangles[(a != b) & (b != c) & (a != c)]


def check_indices(indices: np.ndarray, count: int) -> None:
    """Raises InputError unless all indices are from 0 to count − 1."""
    if indices.size and (indices.min() < 0 or indices.max() >= count):
        wrong = int(indices.max() if indices.max() >= count else indices.min())
        raise InputError(
            f"a face names vertex {wrong} of {count} (counted from 0)",
            "The file is damaged: export it again, as .glb or .obj",
        )


def _is_folded(vertices: np.ndarray, fans: np.ndarray) -> np.ndarray:
    """Which fans (P, n − 2, 3) have a triangle that faces away from the polygon, whose normal is the sum of the fan's
    (Newell)."""
    a, b, c = (vertices[fans[..., k]] for k in range(3))
    with np.errstate(invalid="ignore", over="ignore"):
        normals = np.cross(b - a, c - a)
        return ((normals * normals.sum(axis=1, keepdims=True)).sum(axis=-1) < 0).any(axis=1)


def _cut_ears(vertices: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Triangles (at most n − 2, 3) of one polygon (n,); none where it has no plane."""
    places = vertices[ring] - vertices[ring].mean(axis=0)
    following = np.roll(places, -1, axis=0)
    normal = np.cross(places, following).sum(axis=0)
    length = np.linalg.norm(normal)
    if not np.isfinite(length) or length == 0:
        return np.empty((0, 3), np.int64)
    normal /= length
    right = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    right /= np.linalg.norm(right)
    flat = np.ascontiguousarray(np.stack([places @ right, places @ np.cross(normal, right)], 1))
    ears = (
        mapbox_earcut.triangulate_float64(flat, np.array([len(ring)], dtype=np.uint32)).reshape(-1, 3).astype(np.int64)
    )
    first, second = flat[ears[:, 1]] - flat[ears[:, 0]], flat[ears[:, 2]] - flat[ears[:, 0]]
    turned = first[:, 0] * second[:, 1] < first[:, 1] * second[:, 0]
    ears[turned] = ears[turned][:, [0, 2, 1]]
    return ring[ears]
