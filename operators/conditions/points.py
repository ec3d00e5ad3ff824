"""Point cloud: the vertices of the selected objects."""

import numpy as np

from ..capture import meshes
from ..capture.plain import Capture, Choice, bad_input, require_finite
from ..capture.spec import CaptureSpec
from ..jobs import sources
from ..scene import frames

MISSING = "Select a point cloud, or a mesh whose vertices are the points"


def choose(context, settings) -> Choice:
    """The objects whose vertices are the points."""
    return meshes.choose(context, settings, meshes.has_points, "The points are the vertices of {}", MISSING)


def capture(context, settings) -> Capture:
    """Every vertex, in the model's axes. Raises JobFailed: nothing selected, no vertices, not finite, all in one
    place."""
    choice = choose(context, settings)
    if choice.missing:
        raise bad_input("Nothing is selected that has points", choice.missing)
    vertices, _ = meshes.gather(context, choice.items)
    if not len(vertices):
        raise bad_input("The selection has no vertices", MISSING)
    require_finite(vertices, "The selection")
    if not np.ptp(vertices, axis=0).max() > 0:
        raise bad_input(
            f"All {len(vertices)} points of the selection are in one place", "Select points that lie on a surface"
        )
    return Capture(
        choice.items[0].name,
        {"points": "inputs/points.npy"},
        {"kind": "input"},
        {"points.npy": frames.to_model(vertices).astype(np.float32)},
        sources.references(choice.items),
    )


SPEC = CaptureSpec(
    identifier="POINTS",
    number=3,
    order=4,
    condition="points",
    title="Points",
    description="From a point cloud: the vertices of the selected objects",
    icon="POINTCLOUD_DATA",
    choose=choose,
    capture=capture,
    fits=True,
    selects=True,
)
