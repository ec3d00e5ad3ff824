"""Panel of the finished jobs of this and earlier sessions. Only draws."""

import bpy

from .panels import Tab, characters, draw_lines

ROWS = 4


class WALA_UL_history(bpy.types.UIList):
    bl_idname = "WALA_UL_history"

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index=0, flags=0):
        row = layout.row()
        row.label(text=item.name, icon_value=item.icon) if item.icon else row.label(text=item.name, icon="MESH_DATA")
        right = row.row()
        right.alignment = "RIGHT"
        right.active = False
        right.label(text=item.when, icon="INFO" if item.is_waiting else "NONE")


class WALA_PT_history(Tab, bpy.types.Panel):
    bl_idname = "WALA_PT_history"
    bl_label = "History"
    bl_parent_id = "WALA_PT_main"
    bl_order = 1
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, session = self.layout, context.window_manager.wala
        if not len(session.history):
            layout.label(text="Finished shapes are listed here", icon="INFO")
            return
        layout.template_list("WALA_UL_history", "", session, "history", session, "history_index", rows=ROWS)
        if 0 <= session.history_index < len(session.history):
            draw_entry(layout, context, session.history[session.history_index])


def draw_entry(layout, context, entry) -> None:
    """Draw the selected job: its picture, words and buttons."""
    row = layout.row()
    if entry.icon:
        row.template_icon(entry.icon, scale=4.0)
    column = row.column(align=True)
    column.scale_y = 0.8
    draw_lines(column, f"“{entry.words}”" if entry.words else entry.name, "NONE", characters(context) - 14)
    column.label(text=entry.condition)
    column.label(text=entry.when)
    row = layout.row(align=True)
    row.operator("wala.import_result", icon="IMPORT").job = entry.job
    cell = row.row(align=True)
    cell.enabled = entry.has_settings
    cell.operator("wala.restore_settings", icon="RECOVER_LAST").job = entry.job
    row.operator("wala.remove_result", text="", icon="TRASH").job = entry.job


CLASSES = (WALA_UL_history, WALA_PT_history)
