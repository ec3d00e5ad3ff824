"""Operators on a job of the queue: remove, move, try again."""

import bpy

from ...runtime.messages import JobFailed
from ..poll import allowed
from . import panel_state, results, session


class QueueOperator:
    """Base of queue operators: the job by its id, and an immediate update of the list."""

    @classmethod
    def poll(cls, context):
        return allowed(cls, session.why_not())

    def execute(self, context):
        queue = session.current.queue
        try:
            is_known = self.change(queue)
        except JobFailed as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        panel_state.show_queue(results.queue_rows(queue))
        session.hurry()
        if not is_known:
            self.report({"INFO"}, "That job is over")
        return {"FINISHED"} if is_known else {"CANCELLED"}


class WALA_OT_remove_job(QueueOperator, bpy.types.Operator):
    """Take this job out of the queue. One under way is cancelled"""

    bl_idname = "wala.remove_job"
    bl_label = "Remove"

    job: bpy.props.StringProperty(name="Job", options={"SKIP_SAVE"})

    def change(self, queue):
        return queue.remove(self.job)


class WALA_OT_move_job(QueueOperator, bpy.types.Operator):
    """Let this job go one place earlier or later"""

    bl_idname = "wala.move_job"
    bl_label = "Move"

    job: bpy.props.StringProperty(name="Job", options={"SKIP_SAVE"})
    places: bpy.props.IntProperty(name="Places", description="−1: earlier; 1: later", default=-1)

    def change(self, queue):
        return queue.move(self.job, self.places)


class WALA_OT_retry_job(QueueOperator, bpy.types.Operator):
    """Try this job once more, with the same input and settings"""

    bl_idname = "wala.retry_job"
    bl_label = "Try Again"

    job: bpy.props.StringProperty(name="Job", options={"SKIP_SAVE"})

    def change(self, queue):
        return queue.retry(self.job)


CLASSES = (WALA_OT_remove_job, WALA_OT_move_job, WALA_OT_retry_job)
