"""The selected meshes, for reconstruction from a model's latents."""

from bpy.props import EnumProperty

from ..capture import meshes
from ..capture.plain import Capture, Choice
from ..capture.spec import CaptureSpec

MISSING = "Select the meshes to make again"


def choose(context, settings) -> Choice:
    """The meshes to reconstruct."""
    return meshes.choose(context, settings, meshes.has_surface, "Mesh: {}", MISSING)


def capture(context, settings) -> Capture:
    """The joined meshes in the model's axes; the result is placed where they are. Raises JobFailed: nothing selected,
    no faces, not finite."""
    surface = meshes.surface(context, choose(context, settings))
    return Capture(
        surface.title,
        {"mesh": "inputs/mesh.npz", "resolution": int(settings.resolution)},
        {"kind": "input"},
        {"mesh.npz": surface.mesh},
        surface.source,
    )


def draw(layout, settings) -> None:
    """The resolution of the surface."""
    layout.prop(settings, "resolution", expand=True)
    layout.label(text="Takes minutes without a graphics card", icon="TIME")


class Properties:
    """Of the settings."""

    resolution: EnumProperty(
        name="Resolution",
        description="Points a side of the grid that the surface is read on",
        items=[
            ("129", "129³", "A third of the time"),
            ("257", "257³", "Finer"),
        ],
    )


SPEC = CaptureSpec(
    identifier="MESH",
    number=10,
    order=11,
    condition="mesh",
    title="Mesh",
    description="From the selected meshes themselves, which are made again from the model's latents",
    icon="MESH_DATA",
    choose=choose,
    capture=capture,
    draw=draw,
    properties=Properties,
    selects=True,
)
