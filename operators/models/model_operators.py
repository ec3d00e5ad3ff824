"""Operators on models: refresh, fetch, add, verify, remove, cancel."""

import textwrap

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...runtime.downloads import add_arguments, fetch_arguments, list_arguments, remove_arguments, verify_arguments
from ...runtime.messages import JobFailed
from ..conditions import CAPTURES
from ..jobs import session
from ..jobs.blocking_operator import TaskOperator
from ..poll import allowed, offline
from . import catalog

DIALOG_WIDTH, LINE_LENGTH = 480, 80
ACCEPT = "I have read the licence and accept it"


def why_not() -> str:
    """Why no model operation can start now, "" if one can. Cheap."""
    if session.current is None:
        return session.why_not()
    return session.current.models.why_not() or session.current.environment.why_not() or session.worker_problem()


class ModelsOperator(TaskOperator):
    """Base of model operators: only one at a time; ``command(context)`` returns the arguments of `wala models`, the
    message during the run, and the one at its end, or raises JobFailed."""

    @classmethod
    def poll(cls, context):
        return allowed(cls, why_not())

    def begin(self, context):
        session.current.models.begin(*self.command(context))
        return session.current.models

    def refuse(self, error: JobFailed) -> None:
        """Report the error in the preferences, where the button is, not in the panel."""
        self.report({"ERROR"}, str(error))


def draw_text(layout, text: str, icon: str = "NONE") -> None:
    """A text in as many lines as it needs."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, LINE_LENGTH)):
        column.label(text=line, icon=icon if number == 0 else "NONE")


def draw_licence(layout, operator, model) -> None:
    """Terms that have to be accepted, once, before the first model under that licence."""
    layout.label(text=f"Licence: {model.licence}")
    if model.terms:
        draw_text(layout, model.terms)
        layout.operator("wm.url_open", text="Read the Whole Licence", icon="URL").url = model.link
        layout.prop(operator, "accept_licence")


class WALA_OT_refresh_models(ModelsOperator, bpy.types.Operator):
    """Ask the worker which models there are, and which of them are on this computer"""

    bl_idname = "wala.refresh_models"
    bl_label = "Refresh"

    def command(self, context):
        return (list_arguments(), "Reading the list of models", "The list is up to date")


class WALA_OT_fetch_model(ModelsOperator, bpy.types.Operator):
    """Download a published model, or go on with a download that was stopped; it is checked and converted at the end. \
A repository that is not open to everyone needs a token, which Blender never keeps: log in with Hugging Face's own
program, or set HF_TOKEN"""

    bl_idname = "wala.fetch_model"
    bl_label = "Fetch Model"

    name: StringProperty(name="Model", options={"SKIP_SAVE"})
    accept_licence: BoolProperty(name=ACCEPT, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return allowed(cls, offline("bring the files and add their folder")) and super().poll(context)

    def ask(self, context, event):
        return context.window_manager.invoke_props_dialog(
            self, width=DIALOG_WIDTH, title="Fetch Model", confirm_text="Fetch"
        )

    def draw(self, context):
        model = catalog.KNOWN.get(self.name)
        if model:
            self.layout.label(
                text=f"{model.title}: {model.size / catalog.GIGABYTE:.1f} GB, and half of that for the converted file"
            )
            draw_licence(self.layout, self, model)

    def command(self, context):
        model = catalog.KNOWN.get(self.name)
        if model is None or not model.can_fetch:
            raise JobFailed("bad-model", f"“{self.name}” is no model to fetch")
        if model.terms and not self.accept_licence:
            raise JobFailed("licence", f"The licence “{model.licence}” was not accepted, nothing was fetched")
        return (fetch_arguments(model.name, bool(model.terms)), f"Fetching {model.title}", f"{model.title}: fetched")


class WALA_OT_add_model(ModelsOperator, bpy.types.Operator):
    """Take in a folder with checkpoint.ckpt and args.json, on a server for example. Its files stay where they are"""

    bl_idname = "wala.add_model"
    bl_label = "Add Folder"

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    name: StringProperty(name="Name", description="Empty: the folder's name", options={"SKIP_SAVE"})
    condition: EnumProperty(
        name="From",
        description="What the model takes, where its settings do not tell",
        default="AUTO",
        options={"SKIP_SAVE"},
        items=[("AUTO", "As its Settings Say", "")]
        + [(name, name.capitalize(), "") for name in sorted({row.condition for row in CAPTURES.values()} - {"text"})],
    )
    accept_licence: BoolProperty(name=ACCEPT, options={"SKIP_SAVE"})

    def ask(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context):
        self.layout.prop(self, "name")
        self.layout.prop(self, "condition")
        published = next((model for model in catalog.KNOWN.values() if model.terms), None)
        if published:
            draw_licence(self.layout, self, published)

    def command(self, context):
        if not self.directory:
            raise JobFailed("bad-input", "Choose the folder")
        folder, condition = bpy.path.abspath(self.directory), "" if self.condition == "AUTO" else self.condition
        command = add_arguments(folder, self.name.strip(), condition, self.accept_licence)
        return (command, f"Adding {folder}", "The model was added")


class WALA_OT_verify_model(ModelsOperator, bpy.types.Operator):
    """Read every file of this model again and compare its checksum"""

    bl_idname = "wala.verify_model"
    bl_label = "Verify"

    name: StringProperty(name="Model", options={"SKIP_SAVE"})

    def command(self, context):
        return (verify_arguments(self.name), "Comparing checksums", "Every file is as it was")


class WALA_OT_remove_model(ModelsOperator, bpy.types.Operator):
    """Delete this model from the models folder. The files of a folder that was added stay where they are"""

    bl_idname = "wala.remove_model"
    bl_label = "Remove"

    name: StringProperty(name="Model", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return allowed(cls, session.why_not_alone()) and super().poll(context)

    def ask(self, context, event):
        return context.window_manager.invoke_confirm(
            self, event, title="Remove Model", message=f"Delete “{self.name}” from the models folder?"
        )

    def command(self, context):
        session.unload()  # a loaded model's file is in use
        return (remove_arguments(self.name), "Removing the model", "The model was removed")


class WALA_OT_cancel_models(bpy.types.Operator):
    """Stop. What has been downloaded stays, and the next fetch goes on from there"""

    bl_idname = "wala.cancel_models"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context):
        return allowed(
            cls,
            ""
            if session.current is not None and session.current.models.is_busy
            else "Nothing is being done with the models",
        )

    def execute(self, context):
        session.current.models.cancel()
        return {"FINISHED"}


CLASSES = (
    WALA_OT_refresh_models,
    WALA_OT_fetch_model,
    WALA_OT_add_model,
    WALA_OT_verify_model,
    WALA_OT_remove_model,
    WALA_OT_cancel_models,
)
