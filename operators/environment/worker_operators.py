"""The operators that look after the worker. Knows the session and the preferences; nothing about shapes."""

import time

import bpy

from ...runtime.messages import JobFailed
from ...runtime.process import session_log
from .. import preferences
from ..jobs import panel_state, session
from ..models import model_task
from ..poll import allowed
from . import environment_task


class Task:
    """What Set Up and Check share: one at a time, polled by the timer, or waited for in scripts and in background
    mode."""

    @classmethod
    def poll(cls, context):
        return allowed(cls, session.why_not() or model_task.why_not())

    def execute(self, context):
        if not self._begin():
            return {"CANCELLED"}
        while environment_task.is_busy():
            session.tick()
            time.sleep(0.05)
        ok, message = environment_task.outcome or (False, "Cancelled")
        self.report({"INFO"} if ok else {"ERROR"}, message)
        return {"FINISHED"} if ok else {"CANCELLED"}

    def invoke(self, context, event):
        if bpy.app.background:
            return self.execute(context)
        begun = self._begin()
        session.hurry()
        return {"INTERFACE"} if begun else {"CANCELLED"}

    def _begin(self) -> bool:
        try:
            self.begin()
        except JobFailed as error:
            self.report({"ERROR"}, str(error))
            panel_state.problem(error.message, error.hint)
            return False
        return True


class WALA_OT_setup_worker(Task, bpy.types.Operator):
    """Build a Python environment with PyTorch for the worker, in Blender's user files. Downloads up to 3 GB"""

    bl_idname = "wala.setup_worker"
    bl_label = "Set Up Worker"

    @classmethod
    def poll(cls, context):
        offline = "Allow Online Access in the preferences (System, Network) first, or choose a Python that has PyTorch"
        return allowed(cls, "" if bpy.app.online_access else offline) and super().poll(context)

    def begin(self):
        session.unload()
        environment_task.build(bpy.app.online_access)


class WALA_OT_check_worker(Task, bpy.types.Operator):
    """Run the worker's Python once and see whether it has what it needs"""

    bl_idname = "wala.check_worker"
    bl_label = "Check Worker"

    def begin(self):
        environment_task.check()


class WALA_OT_unload(bpy.types.Operator):
    """Stop the worker, and free at once the memory that it and its model hold. The next shape starts it again"""

    bl_idname = "wala.unload"
    bl_label = "Unload Model"

    @classmethod
    def poll(cls, context):
        runs = session.current is not None and session.current.supervisor.state != "stopped"
        return allowed(cls, "" if runs else "The worker is not running")

    def execute(self, context):
        session.unload()
        return {"FINISHED"}


class WALA_OT_open_log(bpy.types.Operator):
    """Open the log of this Blender's worker; before its first start, the folder with the older ones"""

    bl_idname = "wala.open_log"
    bl_label = "Open Logs"

    def execute(self, context):
        log = session_log(preferences.log_folder())
        path = log if log.is_file() else log.parent
        if bpy.app.background:
            self.report({"INFO"}, str(path))
        else:
            bpy.ops.wm.path_open(filepath=str(path))
        return {"FINISHED"}


CLASSES = (WALA_OT_setup_worker, WALA_OT_check_worker, WALA_OT_unload, WALA_OT_open_log)
