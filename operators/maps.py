"""The list of depth maps in the settings. Knows which views the models want; nothing about pixels."""

import bpy

from . import cameras


class WALA_OT_list_maps(bpy.types.Operator):
    """Make room for as many depth maps, one for each camera of the models that take as many; maps that are listed already stay"""

    bl_idname = "wala.list_maps"
    bl_label = "List Depth Maps"
    bl_options = {"REGISTER", "UNDO"}

    count: bpy.props.EnumProperty(name="Count", items=[("4", "Four", "Views 3, 6, 10 and 26"), ("6", "Six", "Also from above and below: 49 and 50")])

    def execute(self, context):
        maps = context.scene.wala.maps
        there = {item.view: item.image for item in maps}
        maps.clear()
        for view in cameras.read().sets[int(self.count)]:
            item = maps.add()
            item.view, item.image = view, there.get(view)
        return {"FINISHED"}


CLASSES = (WALA_OT_list_maps,)
