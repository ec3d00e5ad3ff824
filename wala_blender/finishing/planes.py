"""Crisp: plane fitting of nearly flat areas, with sharp edges between them.

Plane-like regions grow from flat seeds by normal and distance (region growing, as Rabbani et al. 2006), take in the
rounded edges between them, and their vertices move onto one plane, two planes' line or three planes' corner.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from scipy.sparse import block_diag, coo_matrix, csr_matrix, diags, identity
from scipy.sparse.linalg import cg

from ..geometry.topology import face_edges, face_neighbours, face_normals

CELL = 2 / 256  # of the model's grid, in model units
MIN_AREA_SHARE = 0.01  # of the surface: smaller regions are no planes
GROWTH_ANGLE = 20.0  # degrees between a face and its region's plane, at most
AXIS_ANGLE = 5.0  # degrees: a plane nearer to an axis is aligned with it
TOLERANCE = 3.0  # cells between a region's faces and its plane, at most
EDGE_WIDTH = 12.0  # cells that a rounded edge between two planes reaches, at most
CURVED = 8.0  # degrees that a region's own curvature turns it from its plane: more is round, not flat
MIN_WIDTH = 8.0  # cells: narrower strips are no planes
PULL, FADE = (
    100.0,
    0.1,
)  # weights of the planes and of the displacement's size, beside 1 for its differences along edges
ATTEMPTS = 4


@dataclass
class Plane:
    """Points p with normal · p = offset."""

    normal: np.ndarray
    offset: float


def snap_planes(vertices: np.ndarray, faces: np.ndarray, crispness: float = 1.0) -> tuple[np.ndarray, int]:
    """Vertices (V, 3) float64 of a closed manifold mesh, in model space, those of plane-like regions on their planes;
    and the count of planes.

    crispness 0 … 1 scales the tolerances. The faces stay as they are, and none is turned over by it.
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    normals, areas = face_normals(vertices, faces)
    neighbours = face_neighbours(faces)
    labels, planes = _grow(vertices, faces, normals, areas, neighbours, crispness)
    if not planes:
        return vertices, 0
    labels = _flood_edges(vertices, faces, normals, neighbours, labels, planes, crispness)
    return _moved(vertices, faces, labels, planes, crispness), len(planes)


def _grow(vertices, faces, normals, areas, neighbours, crispness) -> tuple[np.ndarray, list[Plane]]:
    """The region (F,) of every face, -1 for none, and the regions' planes; the flattest seeds first."""
    centres = vertices[faces].mean(axis=1)
    around = normals[neighbours]
    flatness = np.einsum("fkc,fc->fk", around, normals).min(axis=1)
    labels = np.full(len(faces), -1)
    planes: list[Plane] = []
    smallest = MIN_AREA_SHARE * areas.sum()
    tried = np.zeros(len(faces), dtype=bool)
    for seed in np.argsort(-(flatness + areas / areas.max())):
        if labels[seed] >= 0 or tried[seed] or areas[seed] == 0:
            continue
        region = _region(seed, centres, normals, areas, neighbours, labels, crispness)
        tried[region] = True
        if areas[region].sum() < smallest or _width(centres[region], areas[region]) < MIN_WIDTH * CELL:
            continue
        plane = _fitted(centres[region], normals[region], areas[region])
        if _bend(centres[region], areas[region], plane) > CURVED:
            continue
        labels[region] = len(planes)
        planes.append(_aligned(plane, vertices[faces[region]].reshape(-1, 3)))
    return labels, planes


def _region(seed, centres, normals, areas, neighbours, labels, crispness) -> np.ndarray:
    """The faces that grow from one, nearest in normal first, with the plane fitted again each time that their area has
    doubled."""
    cosine, reach = np.cos(np.radians(GROWTH_ANGLE)), TOLERANCE * crispness * CELL
    normal, offset = normals[seed], float(normals[seed] @ centres[seed])
    taken, fitted_area, area = [], areas[seed], 0.0
    seen = {int(seed)}
    queue = [(0.0, int(seed))]
    while queue:
        _, face = heapq.heappop(queue)
        if normals[face] @ normal < cosine or abs(normal @ centres[face] - offset) > reach:
            continue
        taken.append(face)
        area += areas[face]
        if area > 2 * fitted_area:
            plane = _fitted(centres[taken], normals[taken], areas[taken])
            normal, offset, fitted_area = plane.normal, plane.offset, area
        for other in neighbours[face].tolist():
            if other not in seen and labels[other] < 0:
                seen.add(other)
                heapq.heappush(queue, (1 - float(normals[other] @ normal), other))
    return np.array(taken, dtype=np.int64)


def _width(points: np.ndarray, areas: np.ndarray) -> float:
    """How wide a strip of the points' spread across is, along its middle axis."""
    centred = points - areas @ points / areas.sum()
    spread = np.linalg.eigvalsh((centred * areas[:, None]).T @ centred / areas.sum())
    return float(np.sqrt(12 * max(spread[1], 0)))


def _bend(points: np.ndarray, areas: np.ndarray, plane: Plane) -> float:
    """By how many degrees, root mean square, the quadric nearest to the points turns from their plane."""
    across = np.eye(3)[np.argmin(np.abs(plane.normal))]
    u = np.cross(plane.normal, across)
    u /= np.linalg.norm(u)
    x, y = ((points - points.mean(axis=0)) @ np.stack([u, np.cross(plane.normal, u)]).T).T
    weights = np.sqrt(areas / areas.sum())
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    found, *_ = np.linalg.lstsq(terms * weights[:, None], (points @ plane.normal - plane.offset) * weights, rcond=None)
    slope = np.hypot(found[1] + 2 * found[3] * x + found[4] * y, found[2] + found[4] * x + 2 * found[5] * y)
    return float(np.degrees(np.sqrt(np.average(np.arctan(slope) ** 2, weights=areas))))


def _fitted(centres: np.ndarray, normals: np.ndarray, areas: np.ndarray) -> Plane:
    """The plane through faces, weighted by their areas: the normal that faces have on the whole."""
    mean = areas @ normals
    normal = mean / max(np.linalg.norm(mean), 1e-30)
    return Plane(normal, float(areas @ (centres @ normal) / areas.sum()))


def _aligned(plane: Plane, points: np.ndarray) -> Plane:
    """The plane with the axis as its normal, where it is nearly so."""
    axis = np.zeros(3)
    largest = int(np.argmax(np.abs(plane.normal)))
    axis[largest] = np.sign(plane.normal[largest])
    if axis @ plane.normal < np.cos(np.radians(AXIS_ANGLE)):
        return plane
    heights = points @ axis
    return Plane(axis, float(np.median(heights)))


def _flood_edges(vertices, faces, normals, neighbours, labels, planes, crispness) -> np.ndarray:
    """The labels with the faces of rounded edges in them: each joins the plane beside it that it faces most, if it lies
    near enough to it."""
    labels = labels.copy()
    N, D = np.array([plane.normal for plane in planes]), np.array([plane.offset for plane in planes])
    centres = vertices[faces].mean(axis=1)
    reach = EDGE_WIDTH * crispness * CELL
    queue: list = []

    def offer(face: int) -> None:
        for other in neighbours[face].tolist():
            label = labels[face]
            if labels[other] < 0:
                turn = float(normals[other] @ N[label])
                if turn > 0 and abs(centres[other] @ N[label] - D[label]) < reach:
                    heapq.heappush(queue, (1 - turn, other, label))

    for face in np.flatnonzero(labels >= 0).tolist():
        offer(face)
    while queue:
        _, face, label = heapq.heappop(queue)
        if labels[face] < 0:
            labels[face] = label
            offer(face)
    return labels


def _moved(vertices, faces, labels, planes, crispness) -> np.ndarray:
    """The vertices moved by a smooth displacement that brings each onto the planes of the faces round it.

    Least squares: the distances to the planes, the displacement's differences along edges, and its size, which lets it
    fade in free areas. Where a face turned over, its vertices are let go of, and it is solved again.
    """
    N, D = np.array([plane.normal for plane in planes]), np.array([plane.offset for plane in planes])
    rows = np.flatnonzero(labels >= 0)
    pairs = np.unique(faces[rows].ravel() * len(planes) + np.repeat(labels[rows], 3))
    vertex, label = np.divmod(pairs, len(planes))
    distance = D[label] - np.einsum("nc,nc->n", N[label], vertices[vertex])
    held = np.abs(distance) < EDGE_WIDTH * crispness * CELL
    moved = vertices
    for _ in range(ATTEMPTS):
        moved = vertices + _displacement(len(vertices), faces, vertex[held], N[label[held]], distance[held])
        turned, _ = face_normals(moved, faces)
        before, _ = face_normals(vertices, faces)
        flipped = np.einsum("fc,fc->f", turned, np.where((labels >= 0)[:, None], N[labels], before)) < -0.1
        far = np.linalg.norm(moved - vertices, axis=1) > EDGE_WIDTH * crispness * CELL * np.sqrt(3)
        loose = (np.isin(vertex, faces[flipped | far[faces].any(axis=1)])) & held
        if not loose.any():
            break
        held &= ~loose
    return moved


def _displacement(
    count: int, faces: np.ndarray, vertex: np.ndarray, normals: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    """The displacement (count, 3) of least energy with normals · displacement[vertex] near distance."""
    edges = face_edges(faces)
    one = np.ones(len(edges))
    adjacency = coo_matrix((one, (edges[:, 0], edges[:, 1])), shape=(count, count))
    smooth = diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency + FADE * identity(count)
    index = np.arange(len(vertex))
    pull = csr_matrix(
        (normals.ravel(), (np.repeat(index, 3), (vertex[:, None] + count * np.arange(3)).ravel())),
        shape=(len(vertex), 3 * count),
    )
    matrix = (block_diag([smooth] * 3) + PULL * (pull.T @ pull)).tocsr()
    solved, _ = cg(matrix, PULL * (pull.T @ distance), rtol=1e-4, maxiter=2000, M=diags(1 / matrix.diagonal()))
    return solved.reshape(3, count).T
