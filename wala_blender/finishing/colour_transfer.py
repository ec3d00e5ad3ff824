"""Colours of a surface, read where another one in its place needs them."""

from dataclasses import dataclass

import igl
import numpy as np


@dataclass
class ColouredSurface:
    """Vertices (V, 3) and triangles (F, 3) with ``colours`` (F, 3)."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray

    def at(self, points: np.ndarray) -> np.ndarray:
        """Colours (N, 3) of the triangles that are nearest to points (N, 3)."""
        _, nearest, _ = igl.point_mesh_squared_distance(
            np.asfortranarray(points, np.float64),
            np.asfortranarray(self.vertices, np.float64),
            np.asfortranarray(self.faces, np.int64),
        )
        return self.colours[np.asarray(nearest).ravel()]
