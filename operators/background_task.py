"""Background task: one subprocess at a time, and the outcome of its last run."""

from dataclasses import dataclass
from typing import Protocol

from ..runtime.events import Event


class Program(Protocol):
    """Interface of environment.Build, environment.Check and downloads.Command."""

    def poll(self) -> list[Event]:
        """The events since the last call; never blocks."""

    def cancel(self) -> None:
        """Cancel; a CancelledEvent comes from a later poll."""

    def abandon(self) -> None:
        """Stop at once, without further polls."""


@dataclass(frozen=True)
class TaskOutcome:
    """How a task ended, with the message for the artist."""

    ok: bool
    message: str


class BackgroundTask:
    """One subprocess at a time, polled by the session. Subclasses process its events in ``handle`` and call ``finish``
    at the last one."""

    busy_reason = ""

    def __init__(self) -> None:
        self.program: Program | None = None
        self.outcome: TaskOutcome | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a program runs."""
        return self.program is not None

    def why_not(self) -> str:
        """Why no other program can start now, "" if one can. Cheap."""
        return self.busy_reason if self.is_busy else ""

    def run(self, program: Program) -> None:
        """Take over a newly created program."""
        self.program, self.outcome = program, None

    def cancel(self) -> None:
        """Cancel the program; its last event comes from a later poll."""
        if self.program is not None:
            self.program.cancel()

    def stop(self) -> None:
        """Stop it at once, without another event."""
        if self.program is not None:
            self.program.abandon()
        self.program = None

    def poll(self) -> None:
        """Poll the program once; never blocks."""
        for event in self.program.poll() if self.program is not None else ():
            self.handle(event)

    def handle(self, event: Event) -> None:
        """Show an event; the last one ends with ``finish``."""
        raise NotImplementedError

    def finish(self, ok: bool, message: str) -> None:
        """The program has ended."""
        self.program, self.outcome = None, TaskOutcome(ok, message)
