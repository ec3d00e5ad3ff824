"""Content of a mesh file: geometry, and colours that are read on demand."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MeshFile:
    """Vertices (V, 3) float64 and triangles (F, 3) int64 as stored in the file. ``face_colours``: reads the triangles'
    colours (F, 3), sRGB bytes; None where the file has none."""

    vertices: np.ndarray
    faces: np.ndarray
    face_colours: Callable[[], np.ndarray | None] = lambda: None
