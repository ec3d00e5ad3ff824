"""Volume-preserving smoothing (Taubin 1995)."""

import numpy as np
from scipy.sparse import csr_matrix

from ..geometry.topology import face_edges

SHRINK, GROW = 0.5, -0.53  # the factors of the two half-steps: together they pass what is longer than some ten edges


def smooth(vertices: np.ndarray, faces: np.ndarray, iterations: int) -> np.ndarray:
    """Vertices (V, 3) float64 after that many iterations, each a step towards the mean of the neighbours and a longer
    one back."""
    moved = np.asarray(vertices, np.float64)
    edges = face_edges(faces)
    weights = csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(moved),) * 2)
    count = np.maximum(np.asarray(weights.sum(axis=1)), 1)
    for _ in range(iterations):
        for factor in (SHRINK, GROW):
            moved = moved + factor * (weights @ moved / count - moved)
    return moved
