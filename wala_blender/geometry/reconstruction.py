"""Classical surface reconstruction from points and blocks: screened Poisson, estimated normals, voxel remesh."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree
from torch import Tensor

from ..errors import InputError
from .distance import RESOLUTION, mesh_to_distance
from .renderer import sample_field
from .surface import field_to_mesh

_OCTREE = 7  # levels of the Poisson solver: 128 cells a side
# Of the remeshed blocks: a voxel is 1/58 of the longest side, about what keeps a blockout's parts apart
_VOXELS, _SMOOTHED = 64, 5


def screened_poisson(points: np.ndarray, field: Tensor) -> Tensor:
    """Field of the screened Poisson surface (Kazhdan and Hoppe 2013) of points (N, 3) with normals taken from the
    reference's ``field``."""
    cloud = torch.from_numpy(np.asarray(points, dtype=np.float32))
    steps = torch.eye(3) * (3 / field.shape[0])
    normals = F.normalize(
        torch.stack([sample_field(field, cloud + step) - sample_field(field, cloud - step) for step in steps], -1),
        dim=-1,
    )
    return poisson_of(cloud.double().numpy(), normals.double().numpy(), field.shape[0])


def poisson_of(points: np.ndarray, normals: np.ndarray, resolution: int) -> Tensor:
    """Field (R, R, R) of the screened Poisson surface of points (N, 3) with outward normals (N, 3); 1 everywhere where
    it encloses nothing."""
    import lagrange

    surface = lagrange.poisson.mesh_from_oriented_points(points, normals, octree_depth=_OCTREE)
    try:
        return torch.from_numpy(mesh_to_distance(surface.vertices, surface.facets.astype(np.int64), resolution))
    except InputError:
        return torch.ones((resolution,) * 3)


def local_planes(points: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The plane through each of points (N, 3) and its nearest neighbours: unit normals (N, 3) of either direction, the
    mean squared distance from the plane as a share (N,) of that along the plane's shorter side, and the indices (N,
    neighbours + 1), the point itself first."""
    points = np.asarray(points, dtype=np.float64)
    from scipy.spatial import cKDTree  # here, as a shape from words needs none of it

    near = cKDTree(points).query(points, neighbours + 1)[1]
    around = points[near] - points[near].mean(axis=1, keepdims=True)
    spread, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))
    return axes[:, :, 0], spread[:, 0] / np.maximum(spread[:, 1], 1e-30), near


def estimated_normals(points: np.ndarray, neighbours: int = 12) -> np.ndarray:
    """Outward unit normals (N, 3) of points (N, 3) of a closed surface, as Hoppe et al. (1992, "Surface reconstruction
    from unorganized points") estimate them: across the plane through a point's neighbours, and turned alike along the
    minimum spanning tree of neighbours whose planes are the most parallel, from the highest point's upward one on. A
    cloud in several parts is turned in each alike."""
    points = np.asarray(points, dtype=np.float64)
    normals, _, near = local_planes(points, neighbours)
    start, end = np.repeat(np.arange(len(points)), neighbours), near[:, 1:].ravel()
    across = 1 - np.abs((normals[start] * normals[end]).sum(axis=1)) + 1e-6  # an edge of weight 0 would be none
    graph = minimum_spanning_tree(
        coo_matrix((across, (start, end)), shape=(len(points),) * 2)
        .tocsr()
        .maximum(coo_matrix((across, (end, start)), shape=(len(points),) * 2).tocsr())
    )
    graph = graph + graph.T
    for part in range((labels := connected_components(graph, directed=False))[0]):
        members = np.flatnonzero(labels[1] == part)
        top = members[points[members, 1].argmax()]
        normals[top] *= np.sign(normals[top, 1]) or 1
        order, parents = breadth_first_order(graph, top, directed=False)
        for one in order[1:]:
            if normals[one] @ normals[parents[one]] < 0:
                normals[one] *= -1
    return normals


def remeshed_and_smoothed(vertices: np.ndarray, faces: np.ndarray, resolution: int = RESOLUTION) -> Tensor:
    """Field (R, R, R) of what an artist makes of blocks, vertices (V, 3) and triangles (F, 3), in a few seconds in
    Blender: Voxel Remesh, the surface of their union's distance field at _VOXELS a side of [-1, 1]³, and the Smooth
    modifier, _SMOOTHED times at its factor 1/2, which moves a vertex half the way to the mean of its edges' middles."""
    vertices, faces = field_to_mesh(mesh_to_distance(vertices, faces, _VOXELS), remove_dust=False)
    a, b = np.concatenate(
        [faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]
    ).T  # closed: every edge in both directions
    beside = coo_matrix((np.ones(len(a)), (a, b)), shape=(len(vertices),) * 2).tocsr()
    edges = np.asarray(beside.sum(axis=1))
    for _ in range(_SMOOTHED):
        vertices = 0.75 * vertices + 0.25 * (beside @ vertices) / edges
    return torch.from_numpy(mesh_to_distance(vertices, faces.astype(np.int64), resolution))
