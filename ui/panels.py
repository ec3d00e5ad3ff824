"""The sidebar. Draws what the property groups say; changes nothing, looks nothing up, and never raises."""

import textwrap

import bpy

from .properties import GREASE_PENCIL_TYPES

STATES = {"STOPPED": "Not running", "STARTING": "Starting", "READY": "Ready", "BUSY": "Working"}
INPUTS = {
    "SKETCH": ("sketch", "", "GREASEPENCIL"),
    "VOXELS": ("", "The selected meshes are the blockout", "MESH_CUBE"),
    "TEXT": ("prompt", "The shape stands on the 3D cursor", "FONT_DATA"),
    "POINTS": ("", "The selection's vertices are the points", "POINTCLOUD_DATA"),
}


class Tab:
    """All panels are in one tab of the 3D view's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "WaLa"


class WALA_PT_main(Tab, bpy.types.Panel):
    bl_idname = "WALA_PT_main"
    bl_label = "WaLa"

    def draw(self, context):
        layout, settings, session = self.layout, context.scene.wala, context.window_manager.wala
        layout.prop(settings, "condition", text="")
        draw_input(layout, context, settings)
        if session.busy:
            draw_progress(layout, context, session)
            return
        row = layout.row()
        row.scale_y = 1.5
        row.operator("wala.generate", icon="MESH_MONKEY")
        if session.worker_problem:
            draw_lines(layout, session.worker_problem, "ERROR", _characters(context))
            layout.operator("wala.setup_worker", icon="IMPORT")
            if not bpy.app.online_access:
                draw_lines(layout, "Set Up needs Online Access: Preferences, System, Network", "INTERNET", _characters(context))
        draw_outcome(layout, context, session)


class WALA_PT_settings(Tab, bpy.types.Panel):
    bl_idname = "WALA_PT_settings"
    bl_label = "Settings"
    bl_parent_id = "WALA_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.layout, context.scene.wala
        layout.use_property_split = True
        layout.use_property_decorate = False
        row = layout.row(align=True)
        field = row.row(align=True)
        field.active = not settings.randomise_seed
        field.prop(settings, "seed")
        row.prop(settings, "randomise_seed", text="", icon="FILE_REFRESH")
        layout.prop(settings, "scale")
        layout.prop(settings, "steps")
        if not (settings.scale and settings.steps):
            layout.label(text="0 is the model's own choice", icon="INFO")


class WALA_PT_worker(Tab, bpy.types.Panel):
    bl_idname = "WALA_PT_worker"
    bl_label = "Worker"
    bl_parent_id = "WALA_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        draw_worker(self.layout, context)


def draw_input(layout, context, settings) -> None:
    """The one thing the chosen condition needs next."""
    name, words, icon = INPUTS[settings.condition]
    if name:
        layout.prop(settings, name, text="")
    if settings.condition == "SKETCH":
        words = sketch_words(context, settings)
    if settings.condition in ("VOXELS", "POINTS") and not context.selected_objects:
        words = "Nothing is selected"
    if words:
        draw_lines(layout, words, "INFO", _characters(context))


def sketch_words(context, settings) -> str:
    """Which sketch is used, and who looks at it."""
    active = context.active_object
    if settings.sketch is None and (active is None or active.type not in GREASE_PENCIL_TYPES):
        return "Draw a Grease Pencil sketch and select it"
    region = context.space_data.region_3d if context.space_data else None
    eye = "as the camera sees it" if region is None or region.view_perspective == "CAMERA" else "as this view sees it"
    return eye.capitalize() if settings.sketch else f"“{active.name}”, {eye}"


def draw_progress(layout, context, session) -> None:
    """How far the task is, and the way to stop it."""
    row = layout.row(align=True)
    row.progress(factor=session.progress, text=session.message)
    row.operator("wala.cancel", text="", icon="X")
    draw_lines(layout, session.detail, "NONE", _characters(context))


def draw_outcome(layout, context, session) -> None:
    """How the last task went."""
    if session.problem:
        box = layout.box()
        draw_lines(box, session.problem, "ERROR", _characters(context))
        draw_lines(box, session.hint, "NONE", _characters(context))
        for line in session.detail.splitlines()[-4:]:
            draw_lines(box, line, "NONE", _characters(context))
        box.operator("wala.open_log", icon="TEXT")
    elif session.message:
        draw_lines(layout, session.message, "CHECKMARK", _characters(context))


def draw_worker(layout, context) -> None:
    """How the worker stands and what can be done about it."""
    session = context.window_manager.wala
    layout.label(text=f"Worker: {STATES.get(session.worker_state, session.worker_state)}")
    column = layout.column(align=True)
    column.operator("wala.setup_worker", icon="IMPORT")
    column.operator("wala.check_worker", icon="VIEWZOOM")
    column.operator("wala.unload", icon="CANCEL")
    column.operator("wala.open_log", icon="TEXT")


def draw_lines(layout, text: str, icon: str, width: int) -> None:
    """A text in as many lines as it needs; nothing for an empty one."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, max(width, 16))):
        column.label(text=line, icon=icon if number == 0 else "BLANK1" if icon != "NONE" else "NONE")


def _characters(context) -> int:
    """How many characters fit into a line of the sidebar."""
    scale = context.preferences.system.ui_scale
    return int((context.region.width if context.region else 300) / scale / 7.2) - 5


CLASSES = (WALA_PT_main, WALA_PT_settings, WALA_PT_worker)
