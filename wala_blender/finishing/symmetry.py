"""Exact mirror symmetry: one half, its mirror image, and a seam between them that is welded."""

import numpy as np

from ..geometry.topology import bad_vertices, compact, edge_keys, face_edges

CELL = 2 / 256
SNAP = 0.3  # of a vertex's shortest edge: nearer to the plane it becomes part of the seam
CLEARANCE = 1e-7  # model units: no other vertex lies nearer to the plane
SEARCH_CELLS, SAMPLES, TREE_POINTS = 8, 1000, 20_000
ATTEMPTS = 8


def plane_offset(vertices: np.ndarray, axis: int) -> float:
    """Where on the axis, near 0, the plane lies about which a shape is most nearly symmetric."""
    from scipy.spatial import cKDTree  # here, as what is not finished needs none of it

    some = np.random.default_rng(0).permutation(len(vertices))[:TREE_POINTS]
    points, tree = vertices[some[:SAMPLES]], cKDTree(vertices[some])

    def error(offset: float) -> float:
        mirrored = points.copy()
        mirrored[:, axis] = 2 * offset - mirrored[:, axis]
        return float(np.minimum(tree.query(mirrored)[0], SEARCH_CELLS * CELL).mean())

    offsets = np.arange(-SEARCH_CELLS, SEARCH_CELLS + 1) * CELL / 2
    return min(offsets.tolist(), key=lambda offset: (error(offset), abs(offset)))


def larger_side(vertices: np.ndarray, faces: np.ndarray, axis: int) -> int:
    """1 or -1: on which side of the plane through 0 more of a closed mesh's volume lies."""

    def volume(sign: int) -> float:
        half = np.array(vertices, np.float64)
        half[:, axis] = np.maximum(half[:, axis] * sign, 0) * sign
        a, b, c = half[faces].transpose(1, 0, 2)
        return float(np.einsum("fc,fc->", a, np.cross(b, c)) / 6)

    return 1 if volume(1) >= volume(-1) else -1


def mirrored(vertices: np.ndarray, faces: np.ndarray, axis: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The half of a closed triangle mesh on that side of the plane through 0, and its mirror image, as one closed mesh.

    Vertices near the plane are moved onto it, so that the seam has no slivers, but where that would leave the mesh less
    manifold.
    """
    points = np.array(vertices, np.float64)
    points[:, axis] *= side
    height = points[:, axis].copy()
    height[np.abs(height) < CLEARANCE] = CLEARANCE
    snapped = np.abs(height) < SNAP * _shortest_edges(points, faces)
    for _ in range(ATTEMPTS):
        points[:, axis] = np.where(snapped, 0.0, height)
        doubled, triangles, origin = _double(points, faces, axis)
        bad = bad_vertices(triangles)
        if not len(bad):
            break
        loose = origin[bad]
        loose = loose[loose >= 0]
        snapped[loose[snapped[loose]]] = False
        if not snapped[loose].size or not snapped.any():
            snapped[:] = False
    doubled[:, axis] *= side
    return doubled, triangles


def mirrored_quads(
    vertices: np.ndarray, faces: np.ndarray, axis: int, side: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """The same for quads (F, 4): those of that side, their border moved onto the plane. None where that is not
    manifold."""
    points = np.array(vertices, np.float64)
    points[:, axis] *= side
    kept = faces[points[faces][:, :, axis].mean(axis=1) > 0]
    _, first, counts = np.unique(edge_keys(face_edges(kept)), return_index=True, return_counts=True)
    border = np.unique(face_edges(kept)[first[counts == 1]])
    points[:, axis] = np.maximum(points[:, axis], CLEARANCE)
    points[border, axis] = 0.0
    doubled, quads, _ = _with_image(points, kept, axis)
    if len(bad_vertices(quads)):
        return None
    doubled[:, axis] *= side
    return doubled, quads


def _shortest_edges(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    edges = face_edges(faces)
    shortest = np.full(len(vertices), np.inf)
    np.minimum.at(
        shortest, edges.ravel(), np.repeat(np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1), 2)
    )
    return shortest


def _double(points: np.ndarray, faces: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of a mesh at or above 0 with its mirror image; and for each vertex that which it was, or -1."""
    sign = np.sign(points[faces][:, :, axis]).astype(int)
    whole = faces[(sign >= 0).all(axis=1) & (sign > 0).any(axis=1)]
    mixed = (sign > 0).any(axis=1) & (sign < 0).any(axis=1)
    cut, sign = faces[mixed], sign[mixed]
    # The corner that is alone on its side of the plane, or on the plane, comes first.
    zero = (sign == 0).any(axis=1)
    alone = np.where(zero, np.argmax(sign == 0, axis=1), np.argmax(sign * sign.sum(axis=1, keepdims=True) < 0, axis=1))
    order = (alone[:, None] + np.arange(3)) % 3
    cut, sign = np.take_along_axis(cut, order, 1), np.take_along_axis(sign, order, 1)

    crossing = np.concatenate([cut[:, [0, 1]], cut[:, [0, 2]], cut[:, [1, 2]]])
    opposite = np.concatenate([sign[:, 0] * sign[:, 1], sign[:, 0] * sign[:, 2], sign[:, 1] * sign[:, 2]]) < 0
    _, first, found = np.unique(edge_keys(crossing[opposite]), return_index=True, return_inverse=True)
    a, b = np.sort(crossing[opposite][first], axis=1).T
    share = points[a, axis] / (points[a, axis] - points[b, axis])
    between = points[a] + share[:, None] * (points[b] - points[a])
    between[:, axis] = 0.0
    number = np.full(len(crossing), -1)
    number[opposite] = found.ravel() + len(points)
    ab, ac, bc = number.reshape(3, -1)

    tip = ~zero & (sign[:, 0] > 0)
    trunk = ~zero & (sign[:, 0] < 0)
    left, right = zero & (sign[:, 1] > 0), zero & (sign[:, 2] > 0)
    pieces = [
        whole,
        np.stack([cut[tip, 0], ab[tip], ac[tip]], 1),
        np.stack([ab[trunk], cut[trunk, 1], cut[trunk, 2]], 1),
        np.stack([ab[trunk], cut[trunk, 2], ac[trunk]], 1),
        np.stack([cut[left, 0], cut[left, 1], bc[left]], 1),
        np.stack([cut[right, 0], bc[right], cut[right, 2]], 1),
    ]
    return _with_image(np.concatenate([points, between]), np.concatenate(pieces), axis, len(points))


def _with_image(
    points: np.ndarray, half: np.ndarray, axis: int, original: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A half above 0 with its mirror image, welded where it lies on 0; and for each vertex its number among the
    ``original`` ones, or -1."""
    used = np.unique(half)
    points, half = compact(points, half)
    above = points[:, axis] != 0
    image = np.where(above, len(points) + np.cumsum(above) - 1, np.arange(len(points)))
    reflected = points[above].copy()
    reflected[:, axis] *= -1
    origin = np.where(used < (len(points) if original is None else original), used, -1)
    return (
        np.concatenate([points, reflected]),
        np.concatenate([half, image[half][:, ::-1]]),
        np.concatenate([origin, origin[above]]),
    )
