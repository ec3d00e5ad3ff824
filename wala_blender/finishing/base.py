"""Flat base: levels the lowest part of a shape, so that it stands."""

import numpy as np

SHARE = 0.02  # of the longest side, that is cut level
NEAR = 0.25 * 2 / 256  # model units: after decimation, what lies this near to the base is on it
UP = 1


def base_height(vertices: np.ndarray) -> float:
    """The height at which a shape is cut level."""
    return float(vertices[:, UP].min() + SHARE * np.ptp(vertices, axis=0).max())


def level(vertices: np.ndarray, height: float, near: float = 0.0) -> np.ndarray:
    """Vertices (V, 3) with everything below height + near on it: the surface there becomes level, and the mesh keeps
    its edges."""
    levelled = np.array(vertices, np.float64)
    levelled[levelled[:, UP] < height + near, UP] = height
    return levelled
