"""A ball's radius, at the 3D cursor."""

from bpy.props import FloatProperty

from ..capture.plain import AT_THE_CURSOR, Capture, Choice
from ..capture.spec import CaptureSpec, draw_field


def choose(context, settings) -> Choice:
    """Whether there is a radius."""
    return AT_THE_CURSOR if settings.radius else Choice(missing="Give a radius")


def capture(context, settings) -> Capture:
    """The radius, and the cursor's place."""
    location = list(context.scene.cursor.location)
    return Capture("Ball", {"radius": settings.radius}, {"kind": "point", "location": location})


class Properties:
    """Of the settings."""

    radius: FloatProperty(name="Radius", min=0.0, max=0.9, default=0.5)


SPEC = CaptureSpec(
    identifier="BALL",
    number=100,
    order=100,
    condition="ball",
    title="Ball",
    description="From a radius",
    icon="MESH_UVSPHERE",
    choose=choose,
    capture=capture,
    draw=draw_field("radius"),
    properties=Properties,
)
