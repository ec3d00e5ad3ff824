"""Stray parts of an input: far points, unreferenced vertices, tiny distant components, open sheets beside a solid."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .distance import check_faces
from .metrics import sample_surface

_FEW_POINTS = 0.01  # of all: that many, and one more, may be far
_LITTLE_AREA = 0.001  # of a mesh's: a piece below it may be far
_SAMPLES = 20_000
_OPEN_SHARE = 0.005  # of a mesh's area: below it there is no note

# Where a part is far: farther from all the rest than the rest is long.


def near_points(points: np.ndarray) -> np.ndarray:
    """Which of the points (N, 3) belong to the shape, (N,) bool: all but at most one in a hundred, and one more, that
    lie far from all others."""
    few = 1 + int(_FEW_POINTS * len(points))
    if len(points) < 4 * few:
        return np.ones(len(points), dtype=bool)
    ordered = np.partition(points, (few, len(points) - 1 - few), axis=0)
    near = _reached(points, points, ordered[few], ordered[-1 - few])
    return near if (~near).sum() <= few else np.ones(len(points), dtype=bool)


def far_points_note(left: int, count: int) -> str:
    """Note on points left out."""
    return f"{left} of {count} points {'lies' if left == 1 else 'lie'} far from all the others and {'was' if left == 1 else 'were'} left out"


def without_strays(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A mesh without degenerate triangles, unreferenced vertices, and far pieces of at most a thousandth of the
    surface; and a note on those that would have made the shape smaller. Raises InputError as check_faces."""
    count = len(vertices)
    vertices, faces = check_faces(vertices, faces)
    every_low, every_high = vertices.min(axis=0), vertices.max(axis=0)
    vertices, faces = _used(vertices, faces)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    notes = []
    with np.errstate(invalid="ignore"):
        if not ((every_low >= low) & (every_high <= high)).all():
            notes.append(f"{count - len(vertices)} of {count} vertices are of no face and were left out")
    labels = _pieces(vertices, faces)
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    pieces = labels.max() + 1
    areas = np.bincount(labels, area, pieces)
    large = areas > _LITTLE_AREA * areas.sum()
    if large.all() or not large.any():
        return vertices, faces, notes
    lows, highs = np.full((pieces, 3), np.inf), np.full((pieces, 3), -np.inf)
    np.minimum.at(lows, labels, corners.min(axis=1))
    np.maximum.at(highs, labels, corners.max(axis=1))
    near = _reached(lows, highs, lows[large].min(axis=0), highs[large].max(axis=0))
    if not near.all():
        left = int((~near).sum())
        notes.append(
            f"{left} tiny {'piece' if left == 1 else 'pieces'} far from the rest {'was' if left == 1 else 'were'} left out"
        )
        vertices, faces = _used(vertices, faces[near[labels]])
    return vertices, faces, notes


def open_sheet_note(field: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> str:
    """Note on surface that the solid of a distance field (R, R, R) of a mesh in model space has lost: open sheets, and
    walls thinner than a grid cell. "" for a negligible loss."""
    R = len(field)
    points = sample_surface(vertices, faces, _SAMPLES, np.random.default_rng(0))
    cells = np.rint((points + 1) * (R / 2)).astype(np.int64)
    around = np.argwhere(np.ones((5, 5, 5))) - 2
    near = np.clip(cells[:, None] + around, 0, R - 1)
    lost = float(1 - (field[tuple(near.transpose(2, 0, 1))] < 0).any(axis=1).mean())
    if lost <= _OPEN_SHARE:
        return ""
    return f"{lost:.0%} of the mesh's surface encloses no volume (an open sheet) and is lost: give it thickness, with a Solidify modifier"


def _reached(lows: np.ndarray, highs: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which boxes (n, 3), (n, 3) lie no farther from a box (3,), (3,) than that is long, or so near to those that do,
    and so on: (n,) bool."""
    reach = float((high - low).max())
    if reach <= 0:
        return np.ones(len(lows), dtype=bool)
    near = np.zeros(len(lows), dtype=bool)
    while True:
        found = ((lows <= high + reach) & (highs >= low - reach)).all(axis=1)
        if (found == near).all():
            return near
        near = found
        low, high = np.minimum(low, lows[near].min(axis=0)), np.maximum(high, highs[near].max(axis=0))


def _pieces(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The connected piece (F,) of every triangle; vertices in one place are one, as hard edges and .stl have them."""
    _, same = np.unique(vertices, axis=0, return_inverse=True)
    corners = same.reshape(-1)[faces]
    edges = corners[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = coo_matrix((np.ones(len(edges), dtype=bool), (edges[:, 0], edges[:, 1])), shape=(len(vertices),) * 2)
    labels = connected_components(graph, directed=False)[1][corners[:, 0]]
    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def _used(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    used = np.zeros(len(vertices), dtype=bool)
    used[faces] = True
    return vertices[used], (np.cumsum(used) - 1)[faces]
