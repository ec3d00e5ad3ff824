"""A blockout: the selected meshes, for the worker to voxelise. Knows the selection and its box; nothing about grids."""

from . import meshes
from .plain import Capture, bad_input

MISSING = "Select the meshes of a blockout"
FLAT = 1e-4


def missing(context, settings) -> str:
    """What is missing before a capture can work."""
    return "" if meshes.is_selected(context) else MISSING


def capture(context, settings) -> Capture:
    """The joined meshes in the model's axes and their box in the world. Raises JobFailed: nothing selected, no faces, not finite, flat."""
    title, mesh, box = meshes.surface(context, MISSING)
    extent = box[1] - box[0]
    if not extent.min() > FLAT * extent.max():
        raise bad_input("The selection is flat and has no volume", "Select closed meshes with some thickness, such as cubes")
    return Capture(title, {"mesh": "inputs/mesh.npz"}, {"kind": "box", "box": box.tolist()}, {"mesh.npz": mesh})
