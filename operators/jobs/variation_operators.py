"""Operators on the variations of the active result: show one in its place, keep one, keep all in a row."""

import bpy

from ...runtime import jobs, variations
from ...runtime.messages import JobFailed
from ..poll import allowed, unchangeable
from . import regenerate, session, sources
from .deliver import deliver, replace_mesh
from .destination import ResultScene

GAP = 1.25  # between the middles of two in a row, in widths


def why_not(item) -> str:
    """Why the variations of an object cannot be used, "" if they can. Cheap."""
    if item is None or item.wala.variations < 2:
        return "Make a result active that has variations"
    return unchangeable(item) or ("" if regenerate.source_of(item) else "The variations are not kept any more")


class VariationOperator:
    """Base of variation operators: one undo step, and an error for damaged files."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return allowed(cls, why_not(context.active_object))

    def execute(self, context):
        item = context.active_object
        try:
            self.change(context, item, regenerate.source_of(item))
        except JobFailed as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        session.current.thumbnails.show(context.active_object)
        return {"FINISHED"}


class WALA_OT_show_variation(VariationOperator, bpy.types.Operator):
    """Show this variation in the place of the one that is seen; name, transform, materials and modifiers stay"""

    bl_idname = "wala.show_variation"
    bl_label = "Show Variation"

    number: bpy.props.IntProperty(name="Variation", min=0, options={"SKIP_SAVE"})

    def change(self, context, item, folder):
        if self.number >= item.wala.variations:
            raise JobFailed("bad-input", f"There is no variation {self.number + 1}", "Choose another one")
        result = jobs.read_result(variations.folder_of(folder, self.number))
        replace_mesh(item, result, jobs.read_request(folder))
        item.wala.variation = self.number


class WALA_OT_keep_variation(VariationOperator, bpy.types.Operator):
    """Keep the variation that is seen, and put the others away"""

    bl_idname = "wala.keep_variation"
    bl_label = "Keep This"

    def change(self, context, item, folder):
        item.wala.variations = 0


class WALA_OT_keep_all_variations(VariationOperator, bpy.types.Operator):
    """Keep all variations, as objects in a row along X"""

    bl_idname = "wala.keep_all_variations"
    bl_label = "Keep All"

    def change(self, context, item, folder):
        request, source = jobs.read_request(folder), sources.references(sources.find(item, context.scene))
        others = [number for number in range(item.wala.variations) if number != item.wala.variation]
        results = {number: jobs.read_result(variations.folder_of(folder, number)) for number in others}
        width = max(item.dimensions)
        for place, (number, result) in enumerate(results.items(), 1):
            other = deliver(result, request, item.name, ResultScene(context.scene))
            other.location.x += place * GAP * width
            sources.remember(other, source)
            other.wala.variation = number
        item.wala.variations = 0
        context.view_layer.objects.active = item


CLASSES = (WALA_OT_show_variation, WALA_OT_keep_variation, WALA_OT_keep_all_variations)
