"""Existing depth maps, painted over or from other programs."""

import bpy
from bpy.props import CollectionProperty, IntProperty, PointerProperty

from ..capture.pictures import png
from ..capture.plain import Capture, Choice, bad_input
from ..capture.spec import CaptureSpec
from .image import pixels_of

MISSING = "Say how many depth maps there are"


def choose(context, settings) -> Choice:
    """The listed maps, once all are set."""
    lacking = next((item.view for item in settings.maps if item.image is None), None)
    if lacking is not None or not len(settings.maps):
        return Choice(missing=MISSING if lacking is None else f"Choose the depth map of view {lacking}")
    return Choice(summary="Near is white; far and the background are black")


def capture(context, settings) -> Capture:
    """Every map as a PNG, its view, and the cursor's location. Raises JobFailed: one is missing or has no pixels."""
    hint = choose(context, settings).missing
    if hint:
        raise bad_input("There are not all depth maps", hint)
    files = {f"depth_{item.view:02}.png": png(pixels_of(item.image)) for item in settings.maps}
    inputs = {"images": [f"inputs/{name}" for name in files], "views": [item.view for item in settings.maps]}
    return Capture(
        settings.maps[0].image.name, inputs, {"kind": "point", "location": list(context.scene.cursor.location)}, files
    )


def draw(layout, settings) -> None:
    """How many maps there are, and an image for each."""
    row = layout.row(align=True)
    for count, title in (("4", "Four"), ("6", "Six")):
        row.operator("wala.list_maps", text=title).count = count
    for item in settings.maps:
        split = layout.split(factor=0.25)
        split.label(text=f"View {item.view}")
        split.template_ID(item, "image", open="image.open")


class WalaMap(bpy.types.PropertyGroup):
    """A depth map and the number of the camera it is from."""

    image: PointerProperty(
        name="Depth Map", description="Near is white; far and the background are black", type=bpy.types.Image
    )
    view: IntProperty()


class Properties:
    """Of the settings."""

    maps: CollectionProperty(type=WalaMap)


SPEC = CaptureSpec(
    identifier="MAPS",
    number=9,
    order=8,
    condition="depths",
    title="Depth Maps",
    description="From four or six depth maps, painted over or made elsewhere",
    icon="RENDERLAYERS",
    choose=choose,
    capture=capture,
    draw=draw,
    properties=Properties,
    classes=(WalaMap,),
    fits=True,
)
