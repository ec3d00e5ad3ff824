"""Orientation of seats.

Kits disagree about the front of chairs, sofas and beds, and captions do not mention it: trained as authored, "a chair"
becomes a mean of chairs with different fronts. Seats are therefore turned so that their backs are at −Z and they face
+Z, as in glTF.
"""

import numpy as np

from ...geometry.metrics import sample_surface

SEATS = frozenset(("armchair", "bed", "bench", "chair", "couch", "sofa", "throne"))
_BACK_FROM = 0.65  # of the height: what lies above is the back
_CLEAR = 0.3  # of half a side: how far from the middle the back must be, or the seat has none
_PROBES = 5000


def to_front(vertices: np.ndarray, faces: np.ndarray, head: str) -> np.ndarray:
    """Vertices (V, 3) of a shape in model space, turned about +Y by a multiple of 90° if it is a seat (``head`` is one
    of SEATS) whose back is elsewhere than at −Z; else as they are. faces (F, 3)."""
    if head not in SEATS:
        return vertices
    points = sample_surface(vertices, faces, _PROBES, np.random.default_rng(0))
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    back = points[points[:, 1] > low[1] + _BACK_FROM * (high[1] - low[1])]
    if len(back) == 0:
        return vertices
    x, _, z = (back.mean(axis=0) - (low + high) / 2) / ((high - low) / 2)
    if max(abs(x), abs(z)) < _CLEAR:
        return vertices
    if abs(z) >= abs(x):
        return vertices if z < 0 else vertices * (-1, 1, -1)
    sign = 1 if x > 0 else -1  # a back at +X goes to −Z: x' = z, z' = −x
    return vertices[:, [2, 1, 0]] * (sign, 1, -sign)
