"""Detection of duplicate geometry by moments of the surface, which do not depend on its triangulation."""

import numpy as np
from scipy.spatial import cKDTree

from ...geometry.distance import check_faces, frame_of

_ALIKE = 2e-3  # largest difference of two fingerprints of one shape; a file format's rounding makes 1e-4
_DEGREES = [(a, b, c) for n in (1, 2, 3, 4) for a in range(n + 1) for b in range(n + 1 - a) for c in (n - a - b,)]


def fingerprint(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Extents and surface moments (37,) float64 of a mesh, its size and place taken out: equal for every triangulation
    of one surface and for double faces, different for a turned, mirrored or stretched one.

    Raises InputError for a mesh without a surface.
    """
    vertices, faces = check_faces(vertices, faces)
    vertices = frame_of(vertices[np.unique(faces)]).to_model(vertices)
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    # A rule of six points that integrates polynomials of degree four over a triangle exactly (Strang and Fix).
    points = np.einsum("pk,fkd->fpd", _POINTS, corners)
    weight = area[:, None] * _WEIGHTS / area.sum()
    powers = np.stack([np.ones_like(points), points, points**2, points**3, points**4])
    moments = [(weight * powers[a, ..., 0] * powers[b, ..., 1] * powers[c, ..., 2]).sum() for a, b, c in _DEGREES]
    used = corners.reshape(-1, 3)
    return np.concatenate([used.max(axis=0) - used.min(axis=0), moments])


def _triangle_rule() -> tuple[np.ndarray, np.ndarray]:
    """Barycentric points (6, 3) and weights (6,)."""
    points, weights = [], []
    for a, weight in ((0.445948490915965, 0.223381589678011), (0.091576213509771, 0.109951743655322)):
        for position in range(3):
            points.append([1 - 2 * a if i == position else a for i in range(3)])
            weights.append(weight)
    return np.array(points), np.array(weights)


_POINTS, _WEIGHTS = _triangle_rule()


def first_alike(fingerprints: np.ndarray) -> np.ndarray:
    """For each row of fingerprints (N, 37) the index of the first row that is the same shape: (N,) int64, its own where
    it is the first."""
    first = np.arange(len(fingerprints))
    if len(fingerprints) > 1:
        for a, b in sorted(cKDTree(fingerprints).query_pairs(_ALIKE, p=np.inf)):
            first[b] = min(first[b], first[a])
    return first


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two fingerprints are of the same shape."""
    return bool(np.abs(a - b).max() <= _ALIKE)
