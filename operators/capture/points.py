"""A point cloud: the vertices of the selection. Knows the selection; nothing about how many points a model wants."""

import numpy as np

from .. import frames
from . import meshes
from .plain import Capture, bad_input, require_finite

MISSING = "Select a point cloud, or a mesh whose vertices are the points"


def missing(context, settings) -> str:
    """What is missing before a capture can work."""
    return "" if meshes.is_selected(context) else MISSING


def capture(context, settings) -> Capture:
    """Every vertex, in the model's axes. Raises JobFailed: nothing selected, no vertices, not finite, all in one place."""
    if missing(context, settings):
        raise bad_input("Nothing is selected that has points", MISSING)
    title = meshes.title(context)
    vertices, _ = meshes.gather(context)
    if not len(vertices):
        raise bad_input("The selection has no vertices", MISSING)
    require_finite(vertices, "The selection")
    if not np.ptp(vertices, axis=0).max() > 0:
        raise bad_input(f"All {len(vertices)} points of the selection are in one place", "Select points that lie on a surface")
    return Capture(title, {"points": "inputs/points.npy"}, {"kind": "input"},
                   {"points.npy": frames.to_model(vertices).astype(np.float32)})
