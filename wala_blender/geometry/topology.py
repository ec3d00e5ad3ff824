"""Mesh topology: edges, neighbours, manifoldness, normals across edges."""

import igl
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def face_edges(faces: np.ndarray) -> np.ndarray:
    """The directed edges (F·k, 2) of faces (F, k), k = 3 or 4, face by face."""
    return np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)


def edge_keys(edges: np.ndarray) -> np.ndarray:
    """One int64 (E,) for each undirected edge (E, 2)."""
    edges = np.sort(np.asarray(edges, dtype=np.int64), axis=1)
    return edges[:, 0] << 32 | edges[:, 1]


def edge_pairs(faces: np.ndarray) -> np.ndarray:
    """The pairs (P, 2) of directed edges, rows of ``face_edges``, that two faces share; an edge that has not exactly
    two faces is in none."""
    keys = edge_keys(face_edges(faces))
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    starts = starts[np.diff(starts, append=len(keys)) == 2]
    return np.stack([order[starts], order[starts + 1]], axis=1)


def face_neighbours(faces: np.ndarray) -> np.ndarray:
    """The face (F, k) across each edge of faces (F, k), in the order of ``face_edges``; -1 where an edge has not two
    faces."""
    across = np.full(faces.size, -1, dtype=np.int64)
    first, second = edge_pairs(faces).T
    across[first], across[second] = second // faces.shape[1], first // faces.shape[1]
    return across.reshape(faces.shape)


def bad_vertices(faces: np.ndarray) -> np.ndarray:
    """The vertices, an array of indices, at which closed faces (F, k) are not manifold: an edge there has not exactly
    two faces of opposite direction, or the faces round a vertex are more than one fan."""
    edges = face_edges(faces)
    keys, where, counts = np.unique(edge_keys(edges), return_index=True, return_counts=True)
    forward = np.bincount(np.searchsorted(keys, edge_keys(edges)), edges[:, 0] < edges[:, 1], len(keys))
    bad = edges[where[(counts != 2) | (forward != 1)]].ravel()
    if len(bad):
        return np.unique(bad)
    return np.flatnonzero(~_is_one_fan(faces))


def _is_one_fan(faces: np.ndarray) -> np.ndarray:
    """For each vertex (V,) of edge-manifold faces, whether the faces round it are one fan; True for unused ones."""
    used, numbers = np.unique(triangulated(faces), return_inverse=True)
    result = igl.is_vertex_manifold(np.ascontiguousarray(numbers.reshape(-1, 3), dtype=np.int64))
    single = np.ones(int(faces.max()) + 1, dtype=bool)
    single[used] = np.asarray(result).ravel()
    return single


def is_manifold(faces: np.ndarray) -> bool:
    """Whether faces (F, k) are a closed, consistently wound manifold surface."""
    return not len(bad_vertices(faces))


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals (F, 3) and areas (F,) float64 of faces (F, k); a normal of zeros where a face has no area."""
    corners = np.asarray(vertices, dtype=np.float64)[faces]
    if faces.shape[1] == 4:
        across = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    else:
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(across, axis=1)
    return across / np.where(length > 0, length, 1)[:, None], length / 2


def triangulated(faces: np.ndarray) -> np.ndarray:
    """Faces (F, 3) as they are, quads (F, 4) as two triangles each, one after the other: (2 F, 3)."""
    return faces if faces.shape[1] == 3 else faces[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3) float32, faces weighted by area; (0, 1, 0) where a vertex has no face with an area."""
    normals, areas = face_normals(vertices, faces)
    return _mean_normals(normals, areas, faces, len(vertices))


def _mean_normals(normals: np.ndarray, areas: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    """The unit normals (count, 3) of what the corners (F, k) of faces belong to."""
    sums = np.stack(
        [np.bincount(owners.ravel(), np.repeat(normals[:, axis] * areas, owners.shape[1]), count) for axis in range(3)],
        axis=1,
    )
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(length > 0, sums / np.where(length > 0, length, 1), (0, 1, 0)).astype(np.float32)


def creased_normals(vertices: np.ndarray, faces: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals (N, 3) float32, and which of them each corner (F, k) has: smooth across the edges at which the faces
    turn by at most ``angle`` degrees, weighted by area."""
    normals, areas = face_normals(vertices, faces)
    k = faces.shape[1]
    first, second = edge_pairs(faces).T
    smooth = np.einsum("ec,ec->e", normals[first // k], normals[second // k]) >= np.cos(np.radians(angle)) - 1e-9
    first, second = first[smooth & (angle > 0)], second[smooth & (angle > 0)]
    after = np.arange(faces.size).reshape(-1, k)[:, [*range(1, k), 0]].ravel()
    # The two run against each other: one's start is the other's end.
    one, other = np.concatenate([first, after[first]]), np.concatenate([after[second], second])
    graph = coo_matrix((np.ones(len(one), dtype=bool), (one, other)), shape=(faces.size,) * 2)
    count, corner = connected_components(graph, directed=False)
    corner = corner.reshape(faces.shape)
    return _mean_normals(normals, areas, corner, count), corner


def compact(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mesh without the vertices that no face uses."""
    used = np.zeros(len(vertices), dtype=bool)
    used[faces] = True
    return vertices[used], (np.cumsum(used) - 1)[faces].astype(faces.dtype)


def welded(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mesh with vertices in one place made one, as files with hard edges, seams or loose triangles have them apart;
    faces without area there are left out."""
    places, numbers = np.unique(vertices, axis=0, return_inverse=True)
    faces = numbers.reshape(-1)[faces]
    following = np.roll(faces, -1, axis=1)
    return compact(places, faces[(faces != following).all(axis=1)])
