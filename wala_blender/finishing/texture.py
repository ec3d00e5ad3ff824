"""Baking of colours into a texture for UVs."""

import numpy as np
from scipy import ndimage

SIZE = 1024  # texels of a side


def texel_places(
    vertices: np.ndarray, faces: np.ndarray, uvs: np.ndarray, size: int = SIZE
) -> tuple[np.ndarray, np.ndarray]:
    """Where on the triangles (F, 3) with UVs (F, 3, 2) the texels that they cover lie: points (N, 3), and the texels'
    row and column (N, 2) in a picture whose row 0 is at v = 1."""
    corners = uvs.astype(np.float64) * size
    corners[..., 1] = size - corners[..., 1]
    low = np.clip(np.floor(corners.min(axis=1)).astype(np.int64), 0, size - 1)
    high = np.clip(np.ceil(corners.max(axis=1)).astype(np.int64), 1, size)
    extent = np.maximum(high - low, 1)
    # one row for every texel in the rectangle round each triangle
    counts = extent[:, 0] * extent[:, 1]
    owner = np.repeat(np.arange(len(faces)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    column = low[owner, 0] + place % extent[owner, 0]
    row = low[owner, 1] + place // extent[owner, 0]
    weights = _barycentric(corners[owner], np.stack([column, row], axis=1) + 0.5)
    inside = (weights > -1e-6).all(axis=1)
    owner, weights = owner[inside], weights[inside]
    points = np.einsum("nk,nkc->nc", weights, np.asarray(vertices, np.float64)[faces[owner]])
    return points, np.stack([row[inside], column[inside]], axis=1)


def filled(texels: np.ndarray, colours: np.ndarray, size: int = SIZE) -> np.ndarray:
    """The texture (size, size, 3) uint8 with the texels' colours (N, 3); what no triangle covers has the nearest one's,
    so that no seam shows."""
    texture, is_covered = np.zeros((size, size, 3), np.uint8), np.zeros((size, size), bool)
    texture[texels[:, 0], texels[:, 1]] = colours
    is_covered[texels[:, 0], texels[:, 1]] = True
    if not is_covered.any():
        return texture
    nearest = ndimage.distance_transform_edt(~is_covered, return_distances=False, return_indices=True)
    return texture[tuple(nearest)]


def _barycentric(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Weights (N, 3) of triangles' corners (N, 3, 2) at points (N, 2); −1 for a triangle without area."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    first, second, offset = b - a, c - a, points - a
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (offset[:, 0] * second[:, 1] - offset[:, 1] * second[:, 0]) / area
        v = (first[:, 0] * offset[:, 1] - first[:, 1] * offset[:, 0]) / area
    weights = np.stack([1 - u - v, u, v], axis=1)
    weights[area == 0] = -1
    return weights
