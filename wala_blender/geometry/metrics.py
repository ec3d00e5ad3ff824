"""Metrics of shapes: overlap of solids and silhouettes, distances and normals of surfaces, components; and of sets of
shapes."""

import igl
import numpy as np
import scipy

from .surface import component_labels

SAMPLES = 10_000  # points a surface
F_SCORE_DISTANCE = 0.05  # two samplings of one surface with an area up to 4π are nearly everywhere closer than this
VIEWS = 20
Mesh = tuple[np.ndarray, np.ndarray]  # vertices (V, 3), faces (F, 3)


def iou(a, b) -> float:
    """Intersection over union of two solids given as boolean arrays (numpy or torch) of one shape; 1 when both are
    empty."""
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0


def sample_surface(
    vertices: np.ndarray, faces: np.ndarray, count: int, rng: np.random.Generator, with_faces: bool = False
):
    """Points (count, 3) spread evenly over the area of a mesh; in the order drawn, independent of each other.
    with_faces: and the triangle (count,) of each."""
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).astype(
        np.float64
    )
    chosen = rng.choice(len(faces), size=count, p=area / area.sum())
    a, b = rng.random((2, count, 1))
    flip = (a + b) > 1
    a, b = np.where(flip, 1 - a, a), np.where(flip, 1 - b, b)
    c = corners[chosen]
    points = c[:, 0] + a * (c[:, 1] - c[:, 0]) + b * (c[:, 2] - c[:, 0])
    return (points, chosen) if with_faces else points


def chamfer_and_f_score(a: Mesh, b: Mesh, threshold: float = F_SCORE_DISTANCE, seed: int = 0) -> tuple[float, float]:
    """Chamfer distance and F-score from 10,000 samples of each surface.

    The first: the mean distance to the other surface, averaged over both directions, in the meshes' units; two
    samplings of one surface are not 0 but about half the samples' spacing apart: 0.018 for a sphere of radius 1. The
    second: the harmonic mean of the shares (0…1) of each surface's samples within ``threshold`` of the other's.
    """
    rng = np.random.default_rng(seed)
    points_a, points_b = sample_surface(*a, SAMPLES, rng), sample_surface(*b, SAMPLES, rng)
    there, back = scipy.spatial.cKDTree(points_b).query(points_a)[0], scipy.spatial.cKDTree(points_a).query(points_b)[0]
    precision, recall = float((there <= threshold).mean()), float((back <= threshold).mean())
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return float((there.mean() + back.mean()) / 2), harmonic


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (F, 3) float64; (0, 0, 0) for triangles without an area."""
    corners = np.asarray(vertices, dtype=np.float64)[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(length > 0, length, 1)


def _angles(a: Mesh, b: Mesh, rng: np.random.Generator) -> np.ndarray:
    """Angles in degrees between the normals at random points of ``a`` and at the points of ``b`` nearest to them."""
    points, own = sample_surface(*a, SAMPLES, rng, with_faces=True)
    vertices, faces = np.ascontiguousarray(b[0], dtype=np.float64), np.ascontiguousarray(b[1], dtype=np.int64)
    _, nearest, _ = igl.point_mesh_squared_distance(np.ascontiguousarray(points, dtype=np.float64), vertices, faces)
    one, other = face_normals(a[0], a[1][own]), face_normals(vertices, faces[nearest.ravel()])
    known = other.any(axis=1)  # a triangle without an area has no normal
    return np.degrees(np.arccos(np.clip((one * other).sum(axis=1)[known], -1, 1)))


def normal_angle(a: Mesh, b: Mesh, seed: int = 0) -> float:
    """Mean angle in degrees, 0 … 180, between outward normals at nearest points of two surfaces: from 10,000 random
    points of each to the nearest point of the other, averaged over both directions."""
    rng = np.random.default_rng(seed)
    return float((_angles(a, b, rng).mean() + _angles(b, a, rng).mean()) / 2)


def count_pieces(vertices: np.ndarray, faces: np.ndarray) -> int:
    """Number of solids that a closed, outward mesh bounds: its connected components but for those turned inward, which
    are cavities."""
    count, labels = component_labels(faces, len(vertices))
    a, b, c = np.asarray(vertices, dtype=np.float64)[faces].transpose(1, 0, 2)
    volumes = np.bincount(labels[faces[:, 0]], np.einsum("ij,ij->i", a, np.cross(b, c)), count)
    return int((volumes > 0).sum())


def view_directions(count: int = VIEWS) -> np.ndarray:
    """Unit vectors (count, 3) spread evenly over the upper half of the sphere: opposite directions see the same
    silhouette."""
    height = (np.arange(count) + 0.5) / count
    angle = np.pi * (1 + 5**0.5) * np.arange(count)
    around = np.sqrt(1 - height**2)
    return np.stack([around * np.cos(angle), height, around * np.sin(angle)], 1)


def silhouettes(solid: np.ndarray) -> np.ndarray:
    """Silhouettes (VIEWS, S, S) bool of a solid (R, R, R) bool over [-1, 1]³, seen orthographically; S = 5/8 R, a pixel
    is 2.8 voxels wide."""
    R = solid.shape[0]
    size, reach = R * 5 // 8, 1.75  # the cube's corners are 1.73 from its middle
    shell = solid.copy()
    core = solid[1:-1, 1:-1, 1:-1].copy()
    for axis in range(3):
        for shifted in (slice(0, -2), slice(2, None)):
            core &= solid[tuple(shifted if a == axis else slice(1, -1) for a in range(3))]
    shell[1:-1, 1:-1, 1:-1] &= ~core
    points = np.argwhere(shell) * (2 / R) - 1
    pictures = np.zeros((VIEWS, size, size), dtype=bool)
    for picture, direction in zip(pictures, view_directions()):
        right = np.cross((0, 1, 0), direction)
        right /= np.linalg.norm(right)
        at = np.floor((points @ np.stack([np.cross(direction, right), right]).T / reach + 1) * (size / 2)).astype(int)
        picture[tuple(at.T)] = True
    return pictures


def silhouette_iou(a: np.ndarray, b: np.ndarray) -> float:
    """Mean overlap of two solids' silhouettes, both (VIEWS, S, S) bool."""
    return float(np.mean([iou(one, other) for one, other in zip(a, b)]))


def coverage_and_distance(results: list[np.ndarray], references: list[np.ndarray]) -> tuple[float, float]:
    """How much of a set of references a set of results covers: the share of references that are the nearest one of some
    result, and the mean over references of the distance to the nearest result. Both sets are points (n, 3) of surfaces;
    distances are chamfer's."""
    return coverage_of(chamfer_distances(results, references))


def coverage_of(distances: np.ndarray) -> tuple[float, float]:
    """coverage_and_distance, of the distances (results, references)."""
    return len(np.unique(distances.argmin(axis=1))) / distances.shape[1], float(distances.min(axis=0).mean())


def chamfer_distances(some: list[np.ndarray], others: list[np.ndarray]) -> np.ndarray:
    """Chamfer distances (N, M) of N sets of points (n, D) to M others: the mean distance to the nearest point of the
    other set, averaged over both directions."""
    trees = [[scipy.spatial.cKDTree(points) for points in shapes] for shapes in (some, others)]
    return np.array(
        [
            [(tree.query(b)[0].mean() + other.query(a)[0].mean()) / 2 for b, other in zip(others, trees[1])]
            for a, tree in zip(some, trees[0])
        ]
    )
