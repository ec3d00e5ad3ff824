"""Base classes of long-running operators: ``execute`` blocks until the end, ``invoke`` in a window does not."""

from dataclasses import dataclass

import bpy

from ...runtime.messages import JobFailed
from ..background_task import BackgroundTask
from . import panel_state, session


@dataclass(frozen=True)
class Report:
    """How it ended: ``level`` of the operator's report(), and whether there is anything to undo."""

    is_done: bool
    words: str
    level: str = "INFO"


class BlockingOperator:
    """``execute`` always blocks: scripts and background mode get the finished thing. ``invoke`` in a window starts it
    and gives the interface back at once; the session's timer polls it, and undo steps are the session's.

    Subclasses give ``begin(context)``, which starts it or raises JobFailed, and ``wait(started)``, which polls what
    begin() returned to its end and returns a Report.
    """

    is_interactive = False  # invoke() was called: an operator with a dialog is executed after it

    def execute(self, context):
        """Do it, and wait for the end unless the artist works on."""
        try:
            started = self.begin(context)
        except JobFailed as error:
            self.refuse(error)
            return {"CANCELLED"}
        session.hurry()
        if self.is_interactive:
            return {"FINISHED"}
        report = self.wait(started)
        self.report({report.level}, report.words)
        return {"FINISHED"} if report.is_done else {"CANCELLED"}

    def invoke(self, context, event):
        """Ask what has to be asked, and start it."""
        self.is_interactive = not bpy.app.background
        return self.ask(context, event)

    def ask(self, context, event):
        """Dialogs replace this; Blender executes the operator after them."""
        done = self.execute(context)
        return {"INTERFACE"} if self.is_interactive and done == {"FINISHED"} else done

    def refuse(self, error: JobFailed) -> None:
        """It could not be started."""
        panel_state.problem(error.message, error.hint)
        self.report({"ERROR"}, str(error))


class TaskOperator(BlockingOperator):
    """What starts a background task; ``begin`` returns it."""

    def wait(self, started: BackgroundTask) -> Report:
        session.poll_until(lambda: not started.is_busy, started.stop)
        outcome = started.outcome
        return Report(outcome.ok, outcome.message, "INFO" if outcome.ok else "ERROR")
