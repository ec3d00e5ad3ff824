"""UV coordinates by xatlas, where its package is installed."""

import importlib.util

import numpy as np

from ..errors import InputError

PACKAGE = "xatlas"
WITHOUT = (
    f"UVs need the package {PACKAGE}, which is not installed in this Python; it has no build for Python 3.14 nor for Linux on ARM",
    "Leave UVs out, and unwrap in Blender: UV > Smart UV Project; where there is a build: pip install xatlas.",
)
QUADS = (
    "UVs of quads are not made here",
    "Leave UVs out, and unwrap in Blender: UV > Smart UV Project; or choose triangles.",
)


def has_unwrapping() -> bool:
    """Whether the package is there."""
    return importlib.util.find_spec(PACKAGE) is not None


def unwrap(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """UV coordinates (F, 3, 2) float32 in 0 … 1 of every corner of triangles (F, 3). Raises InputError: the package is
    missing."""
    if not has_unwrapping():
        raise InputError(*WITHOUT)
    import xatlas

    _, corners, coordinates = xatlas.parametrize(
        np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.uint32)
    )
    return coordinates.astype(np.float32)[corners.reshape(-1, 3)]
