"""Operators on the worker: set up, check, unload, open its log."""

import bpy

from ...runtime import environment
from ...runtime.process import session_log
from ...runtime.supervisor import WorkerState
from .. import preferences
from ..jobs import session
from ..jobs.blocking_operator import TaskOperator
from ..models.catalog import GIGABYTE
from ..poll import allowed, offline

DIALOG_WIDTH = 420
BUILDS = {
    environment.CUDA_BUILD: "PyTorch for your NVIDIA card",
    environment.CPU_BUILD: "PyTorch for the processor",
    "": "PyTorch",
}


class EnvironmentOperator(TaskOperator):
    """Base of Set Up and Check: only one at a time, and none during a job or a download."""

    @classmethod
    def poll(cls, context):
        return allowed(cls, session.why_not_alone() or session.current.models.why_not())


class WALA_OT_setup_worker(EnvironmentOperator, bpy.types.Operator):
    """Build a Python environment with PyTorch for the worker, in Blender's user files. Says first how much it
    downloads"""

    bl_idname = "wala.setup_worker"
    bl_label = "Set Up Worker"

    @classmethod
    def poll(cls, context):
        return allowed(cls, offline("choose a Python that has PyTorch")) and super().poll(context)

    def ask(self, context, event):
        return context.window_manager.invoke_props_dialog(
            self, width=DIALOG_WIDTH, title="Set Up Worker", confirm_text="Download"
        )

    def draw(self, context):
        folder = preferences.environment_folder()
        needed = environment.demand(folder)
        column = self.layout.column(align=True)
        column.label(text=f"Downloads about {needed.download / GIGABYTE:.1f} GB: {BUILDS[needed.build]}")
        free = "" if needed.free is None else f", of {needed.free / GIGABYTE:.0f} GB that are free"
        column.label(
            text=f"Needs {needed.disk / GIGABYTE:.0f} GB of the disk{free}", icon="NONE" if needed.fits else "ERROR"
        )
        column.label(text="It goes into a Python of its own, and takes some minutes")
        column.label(text="What has arrived is kept when you cancel")

    def begin(self, context):
        session.unload()
        session.current.environment.build(bpy.app.online_access)
        return session.current.environment


class WALA_OT_check_worker(EnvironmentOperator, bpy.types.Operator):
    """Run the worker's Python once and see whether it has what it needs"""

    bl_idname = "wala.check_worker"
    bl_label = "Check Worker"

    def begin(self, context):
        session.current.environment.check()
        return session.current.environment


class WALA_OT_unload(bpy.types.Operator):
    """Stop the worker, and free at once the memory that it and its model hold. The next shape starts it again"""

    bl_idname = "wala.unload"
    bl_label = "Unload Model"

    @classmethod
    def poll(cls, context):
        runs = session.current is not None and session.current.queue.supervisor.state != WorkerState.STOPPED
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
