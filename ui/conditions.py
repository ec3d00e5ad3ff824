"""What a shape can be made from, as the artist reads it. Knows words, icons and properties; not how anything is
captured.

A new condition is one row here, one in operators/capture and one in the library's table; a second way to capture one,
only the former two.
"""

from collections.abc import Callable
from dataclasses import dataclass

GREASE_PENCIL_TYPES = {"GREASEPENCIL", "GPENCIL"}


@dataclass(frozen=True)
class Row:
    """A condition. ``identifier`` and ``number`` of the property's value, never to change; ``condition``: its name in a
    job's request.

    ``draw(layout, settings)`` draws what the artist fills in; ``fits``: it says where the shape is, so that the shape
    can be fitted to it; ``selects``: it is made from the selection.
    """

    identifier: str
    number: int
    condition: str
    title: str
    description: str
    icon: str
    draw: Callable[..., None] = lambda layout, settings: None
    fits: bool = False
    selects: bool = False


def _field(name: str) -> Callable[..., None]:
    return lambda layout, settings: layout.prop(settings, name, text="")


def _picture(layout, settings) -> None:
    layout.template_ID(settings, "image", open="image.open")
    layout.prop(settings, "remove_background")


def _maps(layout, settings) -> None:
    row = layout.row(align=True)
    for count, title in (("4", "Four"), ("6", "Six")):
        row.operator("wala.list_maps", text=title).count = count
    for item in settings.maps:
        split = layout.split(factor=0.25)
        split.label(text=f"View {item.view}")
        split.template_ID(item, "image", open="image.open")


ROWS = (
    Row(
        "SKETCH",
        0,
        "sketch",
        "Sketch",
        "From the lines of a Grease Pencil sketch, seen as the camera or the 3D view sees them",
        "GREASEPENCIL",
        _field("sketch"),
    ),
    Row(
        "VOXELS",
        1,
        "voxels",
        "Voxels",
        "From a blockout: a few rough meshes, such as cubes",
        "MESH_CUBE",
        lambda layout, settings: layout.prop(settings, "hold", slider=True),
        fits=True,
        selects=True,
    ),
    Row("TEXT", 2, "text", "Text", "From words", "FONT_DATA", _field("prompt")),
    Row(
        "POINTS",
        3,
        "points",
        "Points",
        "From a point cloud: the vertices of the selected objects",
        "POINTCLOUD_DATA",
        fits=True,
        selects=True,
    ),
    Row(
        "IMAGE",
        4,
        "image",
        "Image",
        "From one picture of the thing, cut out or on a background of one colour",
        "IMAGE_DATA",
        _picture,
    ),
    Row(
        "DEPTH",
        5,
        "depth",
        "Depth",
        "From how far the selected meshes are, seen as the camera or the 3D view sees them",
        "VIEW_CAMERA",
        fits=True,
        selects=True,
    ),
    Row(
        "DEPTHS",
        6,
        "depths",
        "Depth Round About",
        "From how far the selected meshes are, seen by the model's own cameras round them",
        "ORIENTATION_GIMBAL",
        fits=True,
        selects=True,
    ),
    Row(
        "MAPS",
        9,
        "depths",
        "Depth Maps",
        "From four or six depth maps, painted over or made elsewhere",
        "RENDERLAYERS",
        _maps,
        fits=True,
    ),
    Row(
        "VIEWS",
        7,
        "views",
        "Views Round About",
        "From four renders of the selected objects by the model's own cameras round them",
        "RENDER_STILL",
        selects=True,
    ),
    Row("NONE", 8, "none", "Nothing", "Whatever the model makes of nothing; another seed, another shape", "SHADERFX"),
)
BY_IDENTIFIER = {row.identifier: row for row in ROWS}
