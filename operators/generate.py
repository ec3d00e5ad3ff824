"""The operators that make shapes. Knows the settings and the session; nothing about how a shape is made."""

import random

import bpy

from ..runtime.messages import Cancelled, JobFailed
from . import models, session
from .capture import CAPTURES

LARGEST_SEED = 2**31 - 1


def what_is_missing(context, settings) -> str:
    """What the artist has to choose or give first, "" when nothing is missing. Cheap."""
    row = CAPTURES[settings.condition]
    return models.why_not(settings.model, row.condition) or row.missing(context, settings)


class WALA_OT_generate(bpy.types.Operator):
    """Make a mesh from the sketch, the blockout, the points or the words"""

    bl_idname = "wala.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        settings = getattr(context.scene, "wala", None)
        reason = "There is no scene" if settings is None else session.why_not() or what_is_missing(context, settings) or session.worker_problem()
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context):
        """Make it now and wait for it: for scripts and background mode."""
        ticket = self._start(context)
        if ticket is None:
            return {"CANCELLED"}
        outcome = session.wait(ticket)
        if isinstance(outcome.error, JobFailed):
            self.report({"ERROR"}, str(outcome.error))
        elif isinstance(outcome.error, Cancelled):
            self.report({"INFO"}, "Cancelled")
        else:
            self.report({"WARNING" if outcome.note else "INFO"}, f"Made “{outcome.object}”. {outcome.note}".strip())
        return {"CANCELLED"} if outcome.error else {"FINISHED"}

    def invoke(self, context, event):
        """Start it and give the interface back at once; the session's timer brings the result, with an undo step of its own."""
        if bpy.app.background:
            return self.execute(context)
        return {"CANCELLED"} if self._start(context) is None else {"INTERFACE"}

    def _start(self, context):
        settings = context.scene.wala
        if settings.randomise_seed:
            settings.seed = random.randint(0, LARGEST_SEED)
        try:
            return session.start(context, settings)
        except JobFailed as error:
            self.report({"ERROR"}, str(error))
            return None


class WALA_OT_cancel(bpy.types.Operator):
    """Stop what WaLa is doing; nothing in the scene changes"""

    bl_idname = "wala.cancel"
    bl_label = "Cancel"

    only_jobs: bpy.props.BoolProperty(name="Only Jobs", description="Leave a set-up or a check of the worker alone", default=False,
                                      options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        if session.current is not None and session.why_not():
            return True
        cls.poll_message_set("Nothing is being made")
        return False

    def execute(self, context):
        if self.only_jobs and not session.current.tickets:
            return {"PASS_THROUGH"}
        session.cancel()
        return {"FINISHED"}


CLASSES = (WALA_OT_generate, WALA_OT_cancel)
