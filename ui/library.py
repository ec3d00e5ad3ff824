"""Models in the preferences: the list, details of the selected model, its actions. Only draws."""

import bpy

from .panels import draw_lines, outcome_icon

LINE_LENGTH = 90


class WALA_UL_models(bpy.types.UIList):
    bl_idname = "WALA_UL_models"

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index=0, flags=0):
        row = layout.row()
        row.label(text=item.title, icon="ERROR" if item.problem else "CHECKMARK" if item.installed else "BLANK1")
        right = row.row()
        right.alignment = "RIGHT"
        right.label(text=item.size)


def draw_library(layout, session) -> None:
    """Draw the model list; needs the width of the preferences."""
    layout.label(text="Models")
    row = layout.row()
    row.template_list("WALA_UL_models", "", session, "models", session, "model_index", rows=5)
    column = row.column(align=True)
    column.operator("wala.refresh_models", text="", icon="FILE_REFRESH")
    column.operator("wala.add_model", text="", icon="ADD")
    if 0 <= session.model_index < len(session.models):
        draw_model(layout, session.models[session.model_index])
    if len(session.models) < 2:
        layout.label(text="Refresh lists the published models; nothing is downloaded by that", icon="INFO")
    draw_state(layout, session)


def draw_model(layout, model) -> None:
    """Draw the selected model."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for title, value in (
        ("Takes", model.conditions.replace(" ", ", ")),
        ("Memory", model.memory),
        ("Licence", model.licence),
    ):
        if value:
            column.label(text=f"{title}: {value}")
    if model.problem:
        draw_lines(layout, model.problem, "ERROR", LINE_LENGTH)
    row = layout.row(align=True)
    for operator, text, icon, is_possible in (
        ("wala.fetch_model", "Fetch…", "IMPORT", model.can_fetch),
        ("wala.verify_model", "Verify", "CHECKMARK", model.can_remove),
        ("wala.remove_model", "Remove", "TRASH", model.can_remove),
    ):
        cell = row.row(align=True)
        cell.enabled = is_possible
        cell.operator(operator, text=text, icon=icon).name = model.name


def draw_state(layout, session) -> None:
    """Draw the progress with a cancel button, or the outcome."""
    if session.models_busy:
        row = layout.row(align=True)
        row.progress(factor=session.models_progress, text=session.models_message)
        row.operator("wala.cancel_models", text="", icon="X")
    elif session.models_problem:
        draw_lines(layout, session.models_problem, "ERROR", LINE_LENGTH)
    else:
        draw_lines(layout, session.models_message, outcome_icon(session.models_message), LINE_LENGTH)


CLASSES = (WALA_UL_models,)
