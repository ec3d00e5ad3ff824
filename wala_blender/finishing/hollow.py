"""Hollow: a cavity inside a solid, one wall thickness below its surface."""

import numpy as np

from ..errors import InputError
from ..geometry.distance import RESOLUTION, mesh_to_distance
from ..geometry.surface import component_labels, field_to_mesh
from ..geometry.topology import compact

MARGIN_CELLS = 3  # beyond the wall, that distances are computed to
FINE_BELOW_CELLS = 5  # of the full grid: a thinner wall needs that


def cavity(vertices: np.ndarray, faces: np.ndarray, wall: float) -> tuple[np.ndarray, np.ndarray] | None:
    """The surface of the inside that is deeper than ``wall`` (model units) below a closed mesh's, facing into the
    cavity; None where all is thinner."""
    cells = wall * RESOLUTION / 2
    resolution = RESOLUTION if cells < FINE_BELOW_CELLS else RESOLUTION // 2
    try:
        field = mesh_to_distance(vertices, faces, resolution, truncation=wall + MARGIN_CELLS * 2 / resolution)
        inner, inner_faces = field_to_mesh(field + np.float32(wall))
    except InputError:  # no grid point lies inside, or none that deep
        return None
    return inner.astype(np.float64), inner_faces[:, ::-1].astype(np.int64)


def hollowed(vertices: np.ndarray, faces: np.ndarray, wall: float) -> tuple[np.ndarray, np.ndarray, bool]:
    """The mesh with its cavity in place of any that it had, and whether there is one."""
    vertices, faces = _without_cavities(vertices, faces)
    inside = cavity(vertices, faces, wall)
    if inside is None:
        return vertices, faces, False
    return np.concatenate([vertices, inside[0]]), np.concatenate([faces, inside[1] + len(vertices)]), True


def _without_cavities(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The components that enclose something solid: those of a cavity are wound the other way."""
    count, labels = component_labels(faces, len(vertices))
    a, b, c = vertices[faces].transpose(1, 0, 2)
    volumes = np.bincount(labels[faces[:, 0]], np.einsum("fc,fc->f", a, np.cross(b, c)), count)
    return compact(vertices, faces[volumes[labels[faces[:, 0]]] > 0])
