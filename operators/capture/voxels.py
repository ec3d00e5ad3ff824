"""A blockout: the selected meshes, for the worker to voxelise. Knows the selection and its box; nothing about grids."""

import numpy as np

from .. import frames
from ..views import bounds
from . import meshes
from .plain import Capture, bad_input, require_finite

MISSING = "Select the meshes of a blockout"
FLAT = 1e-4


def missing(context, settings) -> str:
    """What is missing before a capture can work."""
    return "" if meshes.is_selected(context) else MISSING


def capture(context, settings) -> Capture:
    """The joined meshes in the model's axes and their box in the world. Raises JobFailed: nothing selected, no faces, not finite, flat."""
    if missing(context, settings):
        raise bad_input("Nothing is selected that could be a blockout", MISSING)
    title = meshes.title(context)
    vertices, faces = meshes.gather(context)
    if not len(faces):
        raise bad_input(f"The selection has {len(vertices)} vertices and no faces", "Select closed meshes, such as cubes; or choose Points")
    # Vertices without a face are no part of the volume.
    numbers, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[numbers], faces.reshape(-1, 3)
    require_finite(vertices, "The selection")
    box = bounds(vertices)
    extent = box[1] - box[0]
    if not extent.min() > FLAT * extent.max():
        raise bad_input("The selection is flat and has no volume", "Select closed meshes with some thickness, such as cubes")
    mesh = {"vertices": frames.to_model(vertices).astype(np.float32), "faces": faces.astype(np.int32)}
    return Capture(title, {"mesh": "inputs/mesh.npz"}, {"kind": "box", "box": box.tolist()}, {"mesh.npz": mesh})
