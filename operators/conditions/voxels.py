"""Blockout: the selected meshes, voxelised by the worker."""

from bpy.props import FloatProperty

from ..capture import meshes
from ..capture.plain import Capture, Choice, bad_input
from ..capture.spec import CaptureSpec

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


def draw(layout, settings) -> None:
    """How much of the blockout is kept."""
    layout.prop(settings, "hold", slider=True)


class Properties:
    """Of the settings."""

    hold: FloatProperty(
        name="Hold",
        description="How much of the blockout's own surface is kept: at 0 the model shapes what fills its cells, at 1 its faces stay",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )


SPEC = CaptureSpec(
    identifier="VOXELS",
    number=1,
    order=2,
    condition="voxels",
    title="Voxels",
    description="From a blockout: a few rough meshes, such as cubes",
    icon="MESH_CUBE",
    choose=choose,
    capture=capture,
    draw=draw,
    properties=Properties,
    fits=True,
    selects=True,
)
