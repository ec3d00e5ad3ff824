"""Operators on the finished jobs of the history: import, settings, remove; and on those that nobody took."""

import bpy

from ...runtime import history, job_retention, jobs
from ...runtime.messages import JobFailed
from .. import preferences
from ..poll import allowed
from . import session, stored_settings
from .history import import_result, settings_of


class HistoryOperator:
    """Base of operators on a job of the history, by its id."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return allowed(cls, session.why_not())

    def execute(self, context):
        folder = preferences.folder("jobs") / self.job
        try:
            if not jobs.ID.fullmatch(self.job):
                raise JobFailed("job-missing", f"“{self.job}” is no job")
            self.change(context, folder)
        except JobFailed as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        session.hurry()
        return {"FINISHED"}


class WALA_OT_import_result(HistoryOperator, bpy.types.Operator):
    """Add this shape to the scene once more, in the place that it was made for"""

    bl_idname = "wala.import_result"
    bl_label = "Import"

    job: bpy.props.StringProperty(name="Job", options={"SKIP_SAVE"})

    def change(self, context, folder):
        item = import_result(folder, context.scene)
        self.report({"INFO"}, f"“{item.name}” is in the scene")


class WALA_OT_restore_settings(HistoryOperator, bpy.types.Operator):
    """Take over the input, the words, the seed and all settings that this shape was made with"""

    bl_idname = "wala.restore_settings"
    bl_label = "Settings"

    job: bpy.props.StringProperty(name="Job", options={"SKIP_SAVE"})

    def change(self, context, folder):
        kept = settings_of(history.read_origin(folder))
        if not kept:
            raise JobFailed("job-missing", "The settings of this shape are not kept")
        stored_settings.restore(context.scene.wala, {**kept, "view": "", "edit": "", "randomise_seed": False})


class WALA_OT_remove_result(HistoryOperator, bpy.types.Operator):
    """Remove this shape's job from the disk, with its variations. Objects stay, but cannot be adjusted or made anew"""

    bl_idname = "wala.remove_result"
    bl_label = "Remove from History"
    bl_options = {"REGISTER"}

    job: bpy.props.StringProperty(name="Job", options={"SKIP_SAVE"})

    def invoke(self, context, event):
        return context.window_manager.invoke_confirm(self, event)

    def change(self, context, folder):
        if folder in session.current.queue.folders:
            raise JobFailed("job-running", "This job is in the queue", "Remove it there first")
        history.remove(folder)


class WaitingResults:
    """Base of operators on the results of earlier sessions that nobody took."""

    @classmethod
    def poll(cls, context):
        is_there = session.current is not None and session.current.history.offered
        return allowed(cls, "" if is_there else "No shape of an earlier session is waiting")


class WALA_OT_import_waiting(WaitingResults, bpy.types.Operator):
    """Add the shapes that were finished after Blender had ended, each in the place that it was made for"""

    bl_idname = "wala.import_waiting"
    bl_label = "Import"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context):
        for folder in session.current.history.offered:
            try:
                import_result(folder, context.scene)
            except JobFailed as error:
                self.report({"WARNING"}, str(error))
                job_retention.mark_delivered(folder)
        session.current.queue.concluded += 1
        session.hurry()
        return {"FINISHED"}


class WALA_OT_dismiss_waiting(WaitingResults, bpy.types.Operator):
    """Leave them in the history"""

    bl_idname = "wala.dismiss_waiting"
    bl_label = "Dismiss"

    def execute(self, context):
        for folder in session.current.history.offered:
            job_retention.mark_delivered(folder)
        session.current.queue.concluded += 1
        session.hurry()
        return {"FINISHED"}


CLASSES = (
    WALA_OT_import_result,
    WALA_OT_restore_settings,
    WALA_OT_remove_result,
    WALA_OT_import_waiting,
    WALA_OT_dismiss_waiting,
)
