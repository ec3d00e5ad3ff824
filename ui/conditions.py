"""What a shape can be made from, as the artist reads it. Knows words, icons and properties; not how anything is captured.

A new condition is one row here, one in operators/capture and one in the library's table; a second way to capture one, only the former two.
"""

from collections.abc import Callable
from dataclasses import dataclass

GREASE_PENCIL_TYPES = {"GREASEPENCIL", "GPENCIL"}
SHAPELESS_TYPES = GREASE_PENCIL_TYPES | {"CAMERA", "LIGHT", "ARMATURE", "LATTICE", "SPEAKER"}
NOTHING_SELECTED = "No mesh is selected"


@dataclass(frozen=True)
class Row:
    """A condition. ``identifier`` and ``number`` of the property's value, never to change; ``condition``: its name in a job's request.

    ``words(context, settings)`` gives the sentence under it; ``draw(layout, settings)`` what the artist fills in; ``fits``: it says where the
    shape is, so that the shape can be fitted to it.
    """

    identifier: str
    number: int
    condition: str
    title: str
    description: str
    icon: str
    words: Callable[..., str]
    draw: Callable[..., None] = lambda layout, settings: None
    fits: bool = False


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


def _always(words: str) -> Callable[..., str]:
    return lambda context, settings: words


def _selection(words: str) -> Callable[..., str]:
    return lambda context, settings: words if _is_selected(context) else NOTHING_SELECTED


def _is_selected(context) -> bool:
    return any(item.type not in SHAPELESS_TYPES for item in context.selected_objects)


def _sketch(context, settings) -> str:
    """Which sketch is used, and who looks at it."""
    active = context.active_object
    if settings.sketch is None and (active is None or active.type not in GREASE_PENCIL_TYPES):
        return "Draw a Grease Pencil sketch and select it"
    eye = _eye(context)
    return eye.capitalize() if settings.sketch else f"“{active.name}”, {eye}"


def _view(context, settings) -> str:
    return f"The selected meshes, {_eye(context)}" if _is_selected(context) else NOTHING_SELECTED


def _eye(context) -> str:
    region = context.space_data.region_3d if context.space_data else None
    return "as the camera sees it" if region is None or region.view_perspective == "CAMERA" else "as this view sees it"


ROWS = (
    Row("SKETCH", 0, "sketch", "Sketch", "From the lines of a Grease Pencil sketch, seen as the camera or the 3D view sees them",
        "GREASEPENCIL", _sketch, _field("sketch")),
    Row("VOXELS", 1, "voxels", "Voxels", "From a blockout: a few rough meshes, such as cubes", "MESH_CUBE",
        _selection("The selected meshes are the blockout"), fits=True),
    Row("TEXT", 2, "text", "Text", "From words", "FONT_DATA", _always("The shape stands on the 3D cursor"), _field("prompt")),
    Row("POINTS", 3, "points", "Points", "From a point cloud: the vertices of the selected objects", "POINTCLOUD_DATA",
        _selection("The selection's vertices are the points"), fits=True),
    Row("IMAGE", 4, "image", "Image", "From one picture of the thing, cut out or on a background of one colour", "IMAGE_DATA",
        _always("The shape stands on the 3D cursor"), _picture),
    Row("DEPTH", 5, "depth", "Depth", "From how far the selected meshes are, seen as the camera or the 3D view sees them", "VIEW_CAMERA", _view,
        fits=True),
    Row("DEPTHS", 6, "depths", "Depth Round About", "From how far the selected meshes are, seen by the model's own cameras round them",
        "ORIENTATION_GIMBAL", _selection("The model's cameras look at the selected meshes"), fits=True),
    Row("MAPS", 9, "depths", "Depth Maps", "From four or six depth maps, painted over or made elsewhere", "RENDERLAYERS",
        _always("Near is white; far and the background are black"), _maps, fits=True),
    Row("VIEWS", 7, "views", "Views Round About", "From four renders of the selected objects by the model's own cameras round them",
        "RENDER_STILL", _selection("The selected objects are rendered from four sides, which takes seconds")),
    Row("NONE", 8, "none", "Nothing", "Whatever the model makes of nothing; another seed, another shape", "SHADERFX",
        _always("The shape stands on the 3D cursor")),
)
BY_IDENTIFIER = {row.identifier: row for row in ROWS}
