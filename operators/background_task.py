"""Background task: one subprocess at a time, and the outcome of its last run."""

from dataclasses import dataclass
from typing import Protocol

from ..runtime.events import Event


class Program(Protocol):
    """What runs: environment.Build, environment.Check or downloads.Command."""

    def poll(self) -> list[Event]:
        """The events since the last call; never blocks."""

    def cancel(self) -> None:
        """Ask it to stop; a CancelledEvent comes from a later poll."""

    def abandon(self) -> None:
        """Stop it at once; nobody polls any more."""


@dataclass(frozen=True)
class TaskOutcome:
    """How a task ended, and the words for the artist."""

    ok: bool
    message: str


class BackgroundTask:
    """One program at a time, polled by the session. Subclasses say in ``handle`` what its events mean and call
    ``finish`` at the last one."""

    busy_reason = ""

    def __init__(self) -> None:
        self.program: Program | None = None
        self.outcome: TaskOutcome | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a program runs."""
        return self.program is not None

    def why_not(self) -> str:
        """Why no other program can start now, "" when one can. Cheap."""
        return self.busy_reason if self.is_busy else ""

    def run(self, program: Program) -> None:
        """Take over a program that was just made."""
        self.program, self.outcome = program, None

    def cancel(self) -> None:
        """Ask the program to stop; its last event comes from a later poll."""
        if self.program is not None:
            self.program.cancel()

    def stop(self) -> None:
        """Stop it at once, without another event."""
        if self.program is not None:
            self.program.abandon()
        self.program = None

    def poll(self) -> None:
        """One look at the program; never blocks."""
        for event in self.program.poll() if self.program is not None else ():
            self.handle(event)

    def handle(self, event: Event) -> None:
        """Show an event; the last one ends with ``finish``."""
        raise NotImplementedError

    def finish(self, ok: bool, message: str) -> None:
        """The program has ended."""
        self.program, self.outcome = None, TaskOutcome(ok, message)
