"""A blockout: the chosen meshes, for the worker to voxelise."""

from . import meshes
from .plain import Capture, Choice, bad_input

MISSING = "Select the meshes of a blockout"
FLAT = 1e-4


def choose(context, settings) -> Choice:
    """The meshes of the blockout."""
    return meshes.choose(context, settings, meshes.has_surface, "Blockout: {}", MISSING)


def capture(context, settings) -> Capture:
    """The joined meshes in the model's axes and their box in the world. Raises JobFailed: nothing selected, no faces,
    not finite, flat."""
    surface = meshes.surface(context, choose(context, settings))
    extent = surface.box[1] - surface.box[0]
    if not extent.min() > FLAT * extent.max():
        raise bad_input(
            "The selection is flat and has no volume", "Select closed meshes with some thickness, such as cubes"
        )
    return Capture(
        surface.title,
        {"mesh": "inputs/mesh.npz", "hold": round(settings.hold, 3)},
        {"kind": "box", "box": surface.box.tolist()},
        {"mesh.npz": surface.mesh},
        surface.source,
    )
