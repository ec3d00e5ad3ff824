"""List of depth maps in the settings: the views that the model expects, and maps from an earlier job."""

import logging
from collections.abc import Sequence

import bpy

from ...runtime.jobs import View
from ..scene import cameras

log = logging.getLogger(__name__)

LISTED = "depths"  # the condition whose pictures the settings list


class WALA_OT_list_maps(bpy.types.Operator):
    """Make room for as many depth maps, one for each camera of the models that take as many; maps that are listed
    already stay"""

    bl_idname = "wala.list_maps"
    bl_label = "List Depth Maps"
    bl_options = {"REGISTER", "UNDO"}

    count: bpy.props.EnumProperty(
        name="Count",
        items=[("4", "Four", "Views 3, 6, 10 and 26"), ("6", "Six", "Also from above and below: 49 and 50")],
    )

    def execute(self, context):
        maps = context.scene.wala.maps
        there = {item.view: item.image for item in maps}
        maps.clear()
        for view in cameras.read().sets[int(self.count)]:
            item = maps.add()
            item.view, item.image = view, there.get(view)
        return {"FINISHED"}


def take_up(scene, views: Sequence[View], title: str) -> None:
    """Import a job's intermediate pictures as images of this file; depth maps are listed, so that they can be painted
    over and used again.

    Images that were listed before stay in the file. An unreadable picture is skipped with a warning in the console.
    """
    images = {view: image for view in views if (image := _image(view, title)) is not None}
    maps = {view.index: image for view, image in images.items() if view.condition == LISTED}
    if not maps:
        return
    for item in scene.wala.maps:
        if item.image is not None:
            item.image.use_fake_user = True
    scene.wala.maps.clear()
    for index, image in maps.items():
        item = scene.wala.maps.add()
        item.view, item.image = index, image


def _image(view: View, title: str):
    """The picture, packed into the file and kept even if unused, as its job's folder is removed one day."""
    try:
        image = bpy.data.images.load(str(view.path))
        image.pack()
    except RuntimeError as error:
        log.warning("%s cannot be read: %s", view.path, error)
        return None
    image.name, image.use_fake_user = f"View {view.index}, {title}", True
    return image


CLASSES = (WALA_OT_list_maps,)
