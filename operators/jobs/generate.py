"""Operators that generate shapes, and the panel's sentence about the next input."""

import random

import bpy

from ...runtime.messages import JobFailed
from ..conditions import CAPTURES
from ..models import catalog
from ..poll import allowed
from . import regenerate, results, session, submit, update
from .blocking_operator import BlockingOperator, Report
from .job_queue import Ticket

LARGEST_SEED = 2**31 - 1


def what_is_missing(context, settings) -> str:
    """What the artist has to select or provide first, "" if nothing. Cheap."""
    row = CAPTURES[settings.condition]
    return catalog.why_not(settings.model, row.condition) or row.choose(context, settings).missing


def describe_input(_) -> str:
    """The panel's sentence: what is missing, as in Generate's report, or the input of the next shape."""
    context = bpy.context
    settings = getattr(context.scene, "wala", None)
    if settings is None:
        return ""
    return what_is_missing(context, settings) or CAPTURES[settings.condition].choose(context, settings).summary


def attach() -> None:
    """Add the panel's sentence, `window_manager.wala_input`."""
    bpy.types.WindowManager.wala_input = bpy.props.StringProperty(get=describe_input)


def detach() -> None:
    """Remove it."""
    del bpy.types.WindowManager.wala_input


def take_seed(settings) -> None:
    """Set a new seed, if each shape is to have its own."""
    if settings.randomise_seed:
        settings.seed = random.randint(0, LARGEST_SEED)


class JobOperator(BlockingOperator):
    """Base of operators that start a job; ``start(context, settings)`` returns its ticket or raises JobFailed."""

    bl_options = {"REGISTER", "UNDO"}

    def begin(self, context):
        return self.start(context, context.scene.wala)

    def wait(self, started: Ticket) -> Report:
        outcome = session.wait(started)
        if outcome.error is not None:
            return Report(False, str(outcome.error), "ERROR" if isinstance(outcome.error, JobFailed) else "INFO")
        return Report(True, f"Made “{outcome.object}”. {outcome.note}".strip(), "WARNING" if outcome.note else "INFO")


class WALA_OT_generate(JobOperator, bpy.types.Operator):
    """Make a mesh from the sketch, the blockout, the points or the words"""

    bl_idname = "wala.generate"
    bl_label = "Generate"

    @classmethod
    def poll(cls, context):
        settings = getattr(context.scene, "wala", None)
        reason = (
            "There is no scene"
            if settings is None
            else session.why_not()
            or what_is_missing(context, settings)
            or submit.why_not_further(context, settings)
            or session.worker_problem()
        )
        return allowed(cls, reason)

    def start(self, context, settings):
        take_seed(settings)
        return submit.start(context, settings)


class WALA_OT_regenerate(JobOperator, bpy.types.Operator):
    """Make another one like the active result: from the same input as it was then, with the same model and settings,
    and the next seed"""

    bl_idname = "wala.regenerate"
    bl_label = "Another One"

    @classmethod
    def poll(cls, context):
        reason = session.why_not() or session.worker_problem()
        return allowed(cls, reason or regenerate.why_not(context.active_object, "that you want another one of"))

    def start(self, context, settings):
        seed = random.randint(0, LARGEST_SEED) if settings.randomise_seed else None
        return regenerate.start(context, context.active_object, seed)


class WALA_OT_update(JobOperator, bpy.types.Operator):
    """Make the active result anew from its blockout, sketch or picture as it is now, in place: name, transform,
    materials, modifiers, parent and collections stay"""

    bl_idname = "wala.update"
    bl_label = "Update"

    @classmethod
    def poll(cls, context):
        return allowed(
            cls, session.why_not() or update.why_not(context, context.active_object) or session.worker_problem()
        )

    def start(self, context, settings):
        return update.start(context, context.active_object)


class WALA_OT_cancel(bpy.types.Operator):
    """Stop what WaLa is doing; nothing in the scene changes"""

    bl_idname = "wala.cancel"
    bl_label = "Cancel"

    only_jobs: bpy.props.BoolProperty(
        name="Only Jobs",
        description="Leave a set-up or a check of the worker alone",
        default=False,
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context):
        busy = session.current is not None and session.why_not_alone()
        return allowed(cls, "" if busy else "Nothing is being made")

    def execute(self, context):
        if self.only_jobs and not session.current.queue.unfinished:
            return {"PASS_THROUGH"}
        session.cancel()
        return {"FINISHED"}


class HeldResult:
    """Base of operators on a held result."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return allowed(cls, "" if session.current is not None and session.current.queue.held else "No shape is waiting")


class WALA_OT_place(HeldResult, bpy.types.Operator):
    """Add the shape to this scene, although it was made for another one"""

    bl_idname = "wala.place"
    bl_label = "Place It Here"

    def execute(self, context):
        results.place_held(session.current.queue)
        return {"FINISHED"}


class WALA_OT_discard(HeldResult, bpy.types.Operator):
    """Let go of the shape"""

    bl_idname = "wala.discard"
    bl_label = "Discard"
    bl_options = {"REGISTER"}

    def execute(self, context):
        results.discard_held(session.current.queue)
        return {"FINISHED"}


CLASSES = (WALA_OT_generate, WALA_OT_regenerate, WALA_OT_update, WALA_OT_cancel, WALA_OT_place, WALA_OT_discard)
