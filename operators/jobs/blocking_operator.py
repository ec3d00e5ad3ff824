"""Base classes of long-running operators: ``execute`` blocks until the end, ``invoke`` in a window does not."""

from dataclasses import dataclass

import bpy

from ...runtime.messages import JobFailed
from ..background_task import BackgroundTask
from . import panel_state, session


@dataclass(frozen=True)
class Report:
    """Outcome of an operator: ``level`` of its report(), and whether there is anything to undo."""

    is_done: bool
    message: str
    level: str = "INFO"


class BlockingOperator:
    """``execute`` blocks, so that scripts and background mode get the finished result. ``invoke`` in a window starts
    the task and returns at once; the session's timer polls it, and pushes the undo steps.

    Subclasses implement ``begin(context)``, which starts the task or raises JobFailed, and ``wait(started)``, which
    polls the value of begin() to its end and returns a Report.
    """

    is_interactive = False  # invoke() was called: an operator with a dialog is executed after it

    def execute(self, context):
        """Start the task, and wait for its end unless invoked in a window."""
        try:
            started = self.begin(context)
        except JobFailed as error:
            self.refuse(error)
            return {"CANCELLED"}
        session.hurry()
        if self.is_interactive:
            return {"FINISHED"}
        report = self.wait(started)
        self.report({report.level}, report.message)
        return {"FINISHED"} if report.is_done else {"CANCELLED"}

    def invoke(self, context, event):
        """Show the dialog if there is one, and start the task."""
        self.is_interactive = not bpy.app.background
        return self.ask(context, event)

    def ask(self, context, event):
        """Overridden by dialogs; Blender executes the operator after them."""
        done = self.execute(context)
        return {"INTERFACE"} if self.is_interactive and done == {"FINISHED"} else done

    def refuse(self, error: JobFailed) -> None:
        """Report that the task could not be started."""
        panel_state.fail(error.message, error.hint)
        self.report({"ERROR"}, str(error))


class TaskOperator(BlockingOperator):
    """Base of operators that start a background task; ``begin`` returns it."""

    def wait(self, started: BackgroundTask) -> Report:
        session.poll_until(lambda: not started.is_busy, started.stop)
        outcome = started.outcome
        return Report(outcome.ok, outcome.message, "INFO" if outcome.ok else "ERROR")
