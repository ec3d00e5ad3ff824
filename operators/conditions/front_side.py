"""Sketches from the front and from the side as one input: the cells that both silhouettes leave (visual hull)."""

import bpy
from bpy.props import PointerProperty

from ..capture import silhouettes
from ..capture.plain import Capture, Choice, bad_input
from ..capture.spec import CaptureSpec
from ..jobs import sources
from ..scene import compatibility
from .sketch import visible_strokes

MISSING = "Choose a Grease Pencil sketch of the front and one of the side"


def choose(context, settings) -> Choice:
    """The two sketches in the settings."""
    chosen = (settings.front_sketch, settings.side_sketch)
    if None in chosen or any(item.name not in context.scene.objects for item in chosen):
        return Choice(missing=MISSING)
    if chosen[0] == chosen[1]:
        return Choice(missing="The front and the side are the same sketch: draw another one")
    return Choice(chosen, f"“{chosen[0].name}” from the front, “{chosen[1].name}” from the right")


def capture(context, settings) -> Capture:
    """The cells that both silhouettes fill, and their box in the world. Raises JobFailed: no sketches, no strokes, not
    finite, flat, nothing in common."""
    choice = choose(context, settings)
    if choice.missing:
        raise bad_input("There are not two sketches", choice.missing)
    front, side = (visible_strokes(context, item) for item in choice.items)
    hull = silhouettes.hull_of(front, side)
    return Capture(
        choice.items[0].name,
        {"occupancy": "inputs/occupancy.npy"},
        {"kind": "box", "box": hull.box.tolist()},
        {"occupancy.npy": hull.cells},
        sources.references(choice.items),
    )


def draw(layout, settings) -> None:
    """The two sketches."""
    column = layout.column(align=True)
    column.prop(settings, "front_sketch", text="", placeholder="Front")
    column.prop(settings, "side_sketch", text="", placeholder="Side")


class Properties:
    """Of the settings."""

    front_sketch: PointerProperty(
        name="Front",
        description="Grease Pencil sketch of the thing from the front: closed outlines, drawn in the front view",
        type=bpy.types.Object,
        poll=compatibility.is_sketch,
    )
    side_sketch: PointerProperty(
        name="Side",
        description="Grease Pencil sketch of the thing from the right: closed outlines, drawn in the right view, or "
        "beside the front with the thing's front to the left",
        type=bpy.types.Object,
        poll=compatibility.is_sketch,
    )


SPEC = CaptureSpec(
    identifier="FRONT_SIDE",
    number=11,
    order=1,
    condition="voxels",
    title="Front and Side",
    description="From two sketches with closed outlines, of the thing from the front and from the right",
    icon="MOD_LATTICE",
    choose=choose,
    capture=capture,
    draw=draw,
    properties=Properties,
    fits=True,
)
