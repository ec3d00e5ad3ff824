"""Queue of generation jobs: one in the worker, the others waiting, in plain data without bpy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime import kept_jobs
from ...runtime.events import CancelledEvent, DoneEvent, Event, FailedEvent
from ...runtime.messages import JobFailed
from ...runtime.pace import Pace
from ...runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from .destination import Home


FAILED_KEPT = 8


@dataclass(frozen=True)
class Origin:
    """What a job's result will say of itself, in plain data. ``title``: names it; ``source``: names and session uids of
    the objects it is from; ``settings``: what it was started with, of stored_settings.to_plain(); ``fingerprint``: of
    its input; ``replaces``: name and session uid of the object whose mesh it replaces, () for a new object;
    ``is_draft``: the next edit supersedes it."""

    title: str
    source: tuple = ()
    settings: Mapping = field(default_factory=dict)
    fingerprint: str = ""
    replaces: tuple = ()
    is_draft: bool = False


@dataclass(frozen=True)
class Ticket:
    """A job under way, in plain data that outlives the scene. ``pace``: follows how long it still takes;
    ``finishes_again``: whether the result is the mesh that an object has already, finished in another way."""

    job: str
    folder: Path
    origin: Origin
    home: "Home"
    pace: Pace
    finishes_again: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a job ended: ``object`` is the new object's name; or ``error`` a JobFailed or Cancelled. ``note`` is a remark
    for the artist."""

    object: str = ""
    error: Exception | None = None
    note: str = ""


class JobQueue:
    """Hands the jobs to the supervisor one after another.

    start_worker: starts a worker with the settings of now unless it runs; raises JobFailed. ``finished``: jobs that are
    done and whose results are not in the scene yet. ``held``: of these, the ones whose scene is gone. ``failed``: the
    last jobs that failed, with what went wrong, to be tried again. ``blocking``: the job that an operator waits for.
    """

    def __init__(self, supervisor: Supervisor, start_worker: Callable[[], None]):
        self.supervisor = supervisor
        self._start_worker = start_worker
        self.waiting: list[Ticket] = []
        self.running: Ticket | None = None
        self.finished: list[Ticket] = []
        self.held: list[Ticket] = []
        self.failed: list[tuple[Ticket, str]] = []
        self._cancelled: list[Ticket] = []
        self.blocking: str | None = None
        self._outcomes: dict[str, Outcome] = {}

    @property
    def unfinished(self) -> list[Ticket]:
        """The job in the worker and those that wait, in order."""
        return [self.running, *self.waiting] if self.running else list(self.waiting)

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to poll for."""
        return bool(self.running or self.waiting or self.finished)

    @property
    def folders(self) -> list[Path]:
        """The folders of all jobs that somebody waits for."""
        failed = [ticket for ticket, _ in self.failed]
        return [ticket.folder for ticket in (*self.unfinished, *self.finished, *self.held, *failed)]

    def submit(self, ticket: Ticket) -> None:
        """Add a job at the end. Raises JobFailed where it would be the next and cannot be started; then it is not
        added."""
        if self.unfinished:
            self.waiting.append(ticket)
        else:
            self._run(ticket)

    def _run(self, ticket: Ticket) -> None:
        self._start_worker()
        self.supervisor.submit(ticket.folder)
        self.running = ticket

    def cancel(self, job: str) -> bool:
        """Stop a job; its CancelledEvent comes from a later poll(). False if it is unknown or over."""
        for ticket in self.waiting:
            if ticket.job == job:
                self.waiting.remove(ticket)
                self._cancelled.append(ticket)
                kept_jobs.mark_cancelled(ticket.folder)
                return True
        return self.supervisor.cancel(job)

    def move(self, job: str, places: int) -> bool:
        """Let a waiting job go earlier (−1) or later (1). False if it does not wait."""
        at = next((number for number, ticket in enumerate(self.waiting) if ticket.job == job), None)
        if at is None:
            return False
        self.waiting.insert(max(at + places, 0), self.waiting.pop(at))
        return True

    def remove(self, job: str) -> bool:
        """Take a job out: one that failed is forgotten, another one cancelled. False if it is unknown or over."""
        kept = [(ticket, message) for ticket, message in self.failed if ticket.job != job]
        if len(kept) < len(self.failed):
            self.failed = kept
            return True
        return self.cancel(job)

    def retry(self, job: str) -> bool:
        """Run a job that failed once more, after those that wait. False if none of that id failed. Raises JobFailed
        where it cannot be started; then it stays among those that failed."""
        for entry in self.failed:
            if entry[0].job == job:
                self.submit(entry[0])
                self.failed.remove(entry)
                return True
        return False

    def poll(self) -> list[tuple[Ticket | None, Event]]:
        """The events since the last call, with their jobs: None for the worker's own and for unknown jobs. Never
        blocks.

        A job that is done moves to ``finished``; after any other last event it is out of the queue.
        """
        heard = [(ticket, CancelledEvent(job=ticket.job)) for ticket in self._cancelled]
        self._cancelled.clear()
        for event in self.supervisor.poll():
            ticket = self.running if self.running and self.running.job == event.job else None
            if ticket is not None and isinstance(event, (DoneEvent, FailedEvent, CancelledEvent)):
                self.running = None
                if isinstance(event, DoneEvent):
                    self.finished.append(ticket)
            heard.append((ticket, event))
        return heard + self._feed()

    def _feed(self) -> list[tuple[Ticket, Event]]:
        """Start the next job; those that cannot be started fail."""
        failed: list[tuple[Ticket, Event]] = []
        while self.waiting and self.running is None:
            ticket = self.waiting.pop(0)
            try:
                self._run(ticket)
            except JobFailed as error:
                failed.append((ticket, FailedEvent(error.code, error.message, error.hint, job=ticket.job)))
        return failed

    def conclude(self, ticket: Ticket, outcome: Outcome) -> None:
        """Keep the outcome for the operator that waits for it, if one does; else a failed job, to be tried again."""
        if ticket.job == self.blocking:
            self._outcomes[ticket.job] = outcome
        elif isinstance(outcome.error, JobFailed) and not ticket.origin.is_draft:
            self.failed = [*self.failed, (ticket, str(outcome.error))][-FAILED_KEPT:]

    def is_concluded(self, job: str) -> bool:
        """Whether the job that an operator waits for is over."""
        return job in self._outcomes

    def take_outcome(self, job: str) -> Outcome | None:
        """The outcome of that job, once."""
        return self._outcomes.pop(job, None)
