"""Sidebar panels. Draw the property groups only: no changes, no look-ups, no exceptions."""

import textwrap

import bpy
from bl_ui.utils import PresetPanel

from ..operators.conditions import CAPTURES

JOB_ICONS = {"RUNNING": "PLAY", "WAITING": "SORTTIME", "FINISHED": "CHECKMARK", "FAILED": "ERROR"}
PREVIEWED = ("sketch", "voxels", "depth", "points")  # conditions whose input can be shown as the model gets it
STATES = {"STOPPED": "Not running", "STARTING": "Starting", "READY": "Ready", "BUSY": "Working"}


class Tab:
    """Common base: all panels are in one tab of the 3D view's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "WaLa"

    def split_layout(self):
        """The layout with names left of their fields."""
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        return self.layout


class WALA_MT_models(bpy.types.Menu):
    bl_idname = "WALA_MT_models"
    bl_label = "Model"

    def draw(self, context):
        for model in context.window_manager.wala.models:
            if not model.offered:
                continue
            chosen = self.layout.operator("wm.context_set_string", text=model.title)
            chosen.data_path, chosen.value = "scene.wala.model", model.name


class WALA_MT_conditions(bpy.types.Menu):
    bl_idname = "WALA_MT_conditions"
    bl_label = "From"

    def draw(self, context):
        settings = context.scene.wala
        for row in offered(settings, context.window_manager.wala):
            self.layout.prop_enum(settings, "condition", row.identifier, icon=row.icon)


class WALA_PT_presets(PresetPanel, bpy.types.Panel):
    """Popover of the main panel's header."""

    bl_idname = "WALA_PT_presets"
    bl_label = "WaLa Presets"
    preset_subdir = "wala"
    preset_operator = "script.execute_preset"
    preset_add_operator = "wala.add_preset"


class WALA_PT_main(Tab, bpy.types.Panel):
    bl_idname = "WALA_PT_main"
    bl_label = "WaLa"

    def draw_header_preset(self, context):
        WALA_PT_presets.draw_panel_header(self.layout)

    def draw(self, context):
        layout, settings, session = self.layout, context.scene.wala, context.window_manager.wala
        draw_choices(layout, settings, session)
        draw_input(layout, context, settings, session)
        draw_ready(layout, context, session)
        draw_waiting(layout, context, session)
        draw_outdated(layout, context, session)
        if session.busy:
            draw_progress(layout, context, session)
        row = layout.row(align=True)
        row.prop(settings, "variations")
        row.prop(settings, "live", toggle=True, icon="PLAY")
        row = layout.row(align=True)
        row.scale_y = 1.5
        row.operator("wala.generate", icon="MESH_MONKEY")
        row.operator("wala.regenerate", text="", icon="FILE_REFRESH")
        if session.worker_problem:
            draw_lines(layout, session.worker_problem, "ERROR", characters(context))
            layout.operator("wala.setup_worker", icon="IMPORT")
            if not bpy.app.online_access:
                draw_lines(
                    layout, "Set Up needs Online Access: Preferences, System, Network", "INTERNET", characters(context)
                )
        draw_queue(layout, session)
        if not session.busy:
            draw_outcome(layout, context, session)


class WALA_PT_variations(Tab, bpy.types.Panel):
    bl_idname = "WALA_PT_variations"
    bl_label = "Variations"
    bl_parent_id = "WALA_PT_main"

    @classmethod
    def poll(cls, context):
        return bool(len(context.window_manager.wala.thumbnails)) and context.active_object is not None

    def draw(self, context):
        draw_variations(self.layout, context.active_object, context.window_manager.wala)


class WALA_PT_settings(Tab, bpy.types.Panel):
    bl_idname = "WALA_PT_settings"
    bl_label = "Settings"
    bl_parent_id = "WALA_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.split_layout(), context.scene.wala
        row = layout.row(align=True)
        field = row.row(align=True)
        field.active = not settings.randomise_seed
        field.prop(settings, "seed")
        row.prop(settings, "randomise_seed", text="", icon="FILE_REFRESH")
        layout.prop(settings, "colour")
        layout.prop(settings, "quality")
        layout.prop(settings, "scale")
        layout.prop(settings, "steps")
        if not (settings.scale and settings.steps):
            layout.label(text="0 is the model's own choice", icon="INFO")
        if CAPTURES[settings.condition].fits:
            layout.prop(settings, "fit")
        if CAPTURES[settings.condition].selects:
            layout.prop(settings, "take_results")
        layout.prop(settings, "source_display")
        layout.prop(settings, "mark_as_asset")


class WALA_PT_mesh(Tab, bpy.types.Panel):
    """How the surface becomes a mesh one can use, now and afterwards."""

    bl_idname = "WALA_PT_mesh"
    bl_label = "Mesh"
    bl_parent_id = "WALA_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.split_layout(), context.scene.wala
        column = layout.column(align=True)
        column.prop(settings, "topology")
        if settings.topology != "FULL":
            column.prop(settings, "low_poly_faces" if settings.topology == "LOW_POLY" else "faces")
        column = layout.column(align=True)
        column.prop(settings, "crisp")
        column.prop(settings, "smoothing")
        layout.row().prop(settings, "symmetry", expand=True)
        layout.prop(settings, "flat_base")
        layout.prop(settings, "one_piece")
        row = layout.row(heading="Hollow")
        row.prop(settings, "hollow", text="")
        wall = row.row()
        wall.active = settings.hollow
        wall.prop(settings, "wall", text="")
        row = layout.row()
        row.enabled = settings.topology != "QUADS"
        row.prop(settings, "unwrap")
        layout.row().prop(settings, "origin", expand=True)
        layout.operator("wala.finish", icon="MOD_REMESH")


class WALA_PT_inputs(Tab, bpy.types.Panel):
    """A second input, and how much each counts."""

    bl_idname = "WALA_PT_inputs"
    bl_label = "Second Input"
    bl_parent_id = "WALA_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.layout, context.scene.wala
        layout.prop(settings, "also")
        column = layout.column()
        if settings.also != "NONE":
            CAPTURES[settings.also].draw(column, settings)
        column = layout.column(align=True)
        if settings.also != "NONE":
            column.prop(settings, "own_weight", text=CAPTURES[settings.condition].title)
            column.prop(settings, "also_weight", text=CAPTURES[settings.also].title)
        words = column.row()
        words.active = bool(settings.subject.strip())
        words.prop(settings, "words_weight")


class WALA_PT_edit(Tab, bpy.types.Panel):
    """Vary a mesh, make a region of it anew, blend two."""

    bl_idname = "WALA_PT_edit"
    bl_label = "Edit Shape"
    bl_parent_id = "WALA_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.split_layout(), context.scene.wala
        layout.row().prop(settings, "edit_guide", expand=True)
        if settings.edit_guide == "WORDS":
            layout.prop(settings, "edit_words", placeholder="What it becomes (optional)")
            draw_unknown_words(layout, context.window_manager.wala, "edit_words")
        layout.row().prop(settings, "edit_region", expand=True)
        if settings.edit_region == "EMPTY":
            row = layout.row(align=True)
            row.prop(settings, "region", text="Empty")
            row.operator("wala.add_region", text="", icon="ADD")
        elif settings.edit_region == "FACES":
            layout.prop(settings, "region_radius")
        layout.prop(settings, "strength" if settings.edit_region == "ALL" else "region_strength")
        layout.operator("wala.vary", icon="MOD_NOISE")
        layout.separator()
        layout.prop(settings, "mix")
        layout.operator("wala.blend", icon="MOD_BOOLEAN")


class WALA_PT_details(Tab, bpy.types.Panel):
    """Make a mesh's details anew, where there is a model that can."""

    bl_idname = "WALA_PT_details"
    bl_label = "Vary Details"
    bl_parent_id = "WALA_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        return context.window_manager.wala_details

    def draw(self, context):
        layout, settings = self.split_layout(), context.scene.wala
        layout.prop(settings, "detail_keep")
        layout.prop(settings, "detail_strength")
        layout.prop(settings, "detail_variants")
        layout.operator("wala.vary_details", icon="MOD_NOISE")


class WALA_PT_worker(Tab, bpy.types.Panel):
    bl_idname = "WALA_PT_worker"
    bl_label = "Worker"
    bl_parent_id = "WALA_PT_main"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        draw_worker(self.layout, context)


def offered(settings, session) -> list:
    """Conditions of the selected model; all of them while no model is known."""
    model = session.models.get(settings.model)
    return [row for row in CAPTURES.values() if model is None or row.condition in model.conditions.split()]


def draw_choices(layout, settings, session) -> None:
    """Draw the model, if there is a choice, and the condition."""
    model = session.models.get(settings.model)
    if sum(item.offered for item in session.models) > 1 or (session.models and not (model and model.offered)):
        layout.menu("WALA_MT_models", text=model.title if model else settings.model)
    row = CAPTURES[settings.condition]
    choice = layout.row(align=True)
    choice.menu("WALA_MT_conditions", text=row.title, icon=row.icon)
    if row.condition in PREVIEWED:
        choice.prop(settings, "preview", text="", icon="HIDE_OFF" if settings.preview else "HIDE_ON")


def draw_input(layout, context, settings, session) -> None:
    """Draw the input of the selected condition, and a prompt beside it if the model takes both."""
    row = CAPTURES[settings.condition]
    row.draw(layout, settings)
    model = session.models.get(settings.model)
    if model and row.condition in model.prompted.split():
        layout.prop(settings, "subject", text="", icon="FONT_DATA", placeholder="What it is (optional)")
    draw_unknown_words(layout, session, "subject" if row.condition != "text" else "prompt")
    draw_lines(layout, context.window_manager.wala_input, "INFO", characters(context))
    if settings.preview and session.preview_icon:
        layout.template_icon(session.preview_icon, scale=7.0)
    draw_lines(layout, session.preview_note if settings.preview else "", "NONE", characters(context))


def draw_unknown_words(layout, session, field: str) -> None:
    """Draw a line for each word that the model does not know, with buttons that replace it by known ones."""
    for word in session.unknown_words:
        if word.field != field:
            continue
        column = layout.column(align=True)
        column.label(text=f"“{word.name}” is not known" + (", but" if word.nearest else ""), icon="QUESTION")
        row = column.row(align=True)
        for known in word.nearest.split():
            button = row.operator("wala.replace_word", text=known)
            button.field, button.word, button.by = field, word.name, known


def draw_variations(layout, item, session) -> None:
    """Draw the thumbnails of a result's variations, each with its button, and the buttons to keep them."""
    grid = layout.grid_flow(row_major=True, columns=4, even_columns=True, even_rows=True, align=True)
    for number, thumbnail in enumerate(session.thumbnails):
        cell = grid.column(align=True)
        cell.template_icon(thumbnail.icon, scale=3.0)
        chosen = cell.operator("wala.show_variation", text=str(number + 1), depress=number == item.wala.variation)
        chosen.number = number
    row = layout.row(align=True)
    row.operator("wala.keep_variation", icon="CHECKMARK")
    row.operator("wala.keep_all_variations", icon="DUPLICATE")


def draw_queue(layout, session) -> None:
    """Draw one line a job, if there is more than the progress bar shows."""
    if len(session.queue) < 2 and not any(job.state == "FAILED" for job in session.queue):
        return
    column = layout.column(align=True)
    for job in session.queue:
        row = column.row(align=True)
        row.label(
            text=f"{job.title}: {job.problem}" if job.problem else job.title, icon=JOB_ICONS.get(job.state, "NONE")
        )
        if job.state == "FAILED":
            row.operator("wala.retry_job", text="", icon="FILE_REFRESH").job = job.name
        elif job.state == "WAITING":
            for places, icon in ((-1, "TRIA_UP"), (1, "TRIA_DOWN")):
                move = row.operator("wala.move_job", text="", icon=icon)
                move.job, move.places = job.name, places
        row.operator("wala.remove_job", text="", icon="X").job = job.name


def draw_outdated(layout, context, session) -> None:
    """Draw the note that the active result's sources have changed."""
    if session.outdated:
        draw_lines(layout, session.outdated, "FILE_REFRESH", characters(context))
        layout.operator("wala.update")


def draw_waiting(layout, context, session) -> None:
    """Draw the offer of results that were finished after an earlier session had ended."""
    if not session.waiting:
        return
    what = "A shape was" if session.waiting == 1 else f"{session.waiting} shapes were"
    draw_lines(layout, f"{what} finished after Blender had ended", "INFO", characters(context))
    row = layout.row(align=True)
    row.operator("wala.import_waiting", icon="IMPORT")
    row.operator("wala.dismiss_waiting")


def draw_ready(layout, context, session) -> None:
    """Draw the question about a result whose scene is gone."""
    if not session.ready:
        return
    box = layout.box()
    draw_lines(
        box, f"A shape is ready that was made for another scene: “{session.ready}”", "QUESTION", characters(context)
    )
    row = box.row(align=True)
    row.operator("wala.place")
    row.operator("wala.discard")


def draw_progress(layout, context, session) -> None:
    """Draw the progress of the task, with a cancel button."""
    row = layout.row(align=True)
    row.progress(factor=session.progress, text=session.message)
    row.operator("wala.cancel", text="", icon="X")
    draw_lines(layout, session.detail, "NONE", characters(context))


def draw_outcome(layout, context, session) -> None:
    """Draw the outcome of the last task."""
    if session.problem:
        box = layout.box()
        draw_lines(box, session.problem, "ERROR", characters(context))
        draw_lines(box, session.hint, "NONE", characters(context))
        for line in session.detail.splitlines()[-4:]:
            draw_lines(box, line, "NONE", characters(context))
        row = box.row(align=True)
        row.operator("wala.report", icon="URL")
        row.operator("wala.open_log", icon="TEXT")
    elif session.message:
        draw_lines(layout, session.message, outcome_icon(session.message), characters(context))


def outcome_icon(message: str) -> str:
    """Icon for the outcome of a task without an error."""
    return "X" if message == "Cancelled" else "CHECKMARK"


def draw_worker(layout, context) -> None:
    """Draw the state of the worker, with its buttons."""
    session = context.window_manager.wala
    layout.label(text=f"Worker: {STATES.get(session.worker_state, session.worker_state)}")
    column = layout.column(align=True)
    column.operator("wala.setup_worker", icon="IMPORT")
    column.operator("wala.check_worker", icon="VIEWZOOM")
    column.operator("wala.unload", icon="CANCEL")
    column.operator("wala.open_log", icon="TEXT")
    column.operator("wala.report", icon="URL")


def draw_lines(layout, text: str, icon: str, width: int) -> None:
    """Draw a text wrapped into lines; nothing for an empty one."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, max(width, 16))):
        column.label(text=line, icon=icon if number == 0 else "BLANK1" if icon != "NONE" else "NONE")


def characters(context) -> int:
    """Number of characters in a line of the sidebar."""
    scale = context.preferences.system.ui_scale
    return int((context.region.width if context.region else 300) / scale / 7.2) - 5


CLASSES = (
    WALA_MT_models,
    WALA_MT_conditions,
    WALA_PT_presets,
    WALA_PT_main,
    WALA_PT_variations,
    WALA_PT_inputs,
    WALA_PT_mesh,
    WALA_PT_edit,
    WALA_PT_details,
    WALA_PT_settings,
    WALA_PT_worker,
)
