"""Queue of generation jobs: one in the worker, the others waiting, in plain data without bpy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime import job_retention
from ...runtime.events import CancelledEvent, DoneEvent, Event, FailedEvent
from ...runtime.messages import JobFailed
from ...runtime.pace import Pace
from ...runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from .destination import Destination


FAILED_KEPT = 8


@dataclass(frozen=True)
class Origin:
    """Provenance of a job's result, in plain data. ``title``: names it; ``source``: names and session uids of the input
    objects; ``settings``: of the job, from stored_settings.to_plain(); ``fingerprint``: of its input; ``replaces``:
    name and session uid of the object whose mesh it replaces, () for a new object; ``is_draft``: the next edit
    supersedes it."""

    title: str
    source: tuple = ()
    settings: Mapping = field(default_factory=dict)
    fingerprint: str = ""
    replaces: tuple = ()
    is_draft: bool = False


@dataclass(frozen=True)
class Ticket:
    """A queued or running job, in plain data that outlives the scene. ``pace``: its time estimate; ``finishes_again``:
    whether the result is an existing object's mesh with other finishing."""

    job: str
    folder: Path
    origin: Origin
    destination: "Destination"
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
    """Queue that passes jobs to the supervisor one after another.

    start_worker: starts a worker with the current settings unless it runs; raises JobFailed. ``finished``: jobs that
    are done and whose results are not in the scene yet; ``held``: those of them whose scene is gone. ``failed``: the
    last failed jobs, with the errors, for another try. ``blocking``: the job that an operator waits for.
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
        self.concluded = 0  # jobs so far

    @property
    def unfinished(self) -> list[Ticket]:
        """The job in the worker and those that wait, in order."""
        return [self.running, *self.waiting] if self.running else list(self.waiting)

    @property
    def is_busy(self) -> bool:
        """Whether polling is needed."""
        return bool(self.running or self.waiting or self.finished)

    @property
    def folders(self) -> list[Path]:
        """The folders of all jobs in the queue or awaited."""
        failed = [ticket for ticket, _ in self.failed]
        return [ticket.folder for ticket in (*self.unfinished, *self.finished, *self.held, *failed)]

    def submit(self, ticket: Ticket) -> None:
        """Add a job at the end. Raises JobFailed, without adding it, if it is the next and cannot be started."""
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
                job_retention.mark_cancelled(ticket.folder)
                return True
        return self.supervisor.cancel(job)

    def move(self, job: str, places: int) -> bool:
        """Move a waiting job earlier (−1) or later (1). False if it is not waiting."""
        at = next((number for number, ticket in enumerate(self.waiting) if ticket.job == job), None)
        if at is None:
            return False
        self.waiting.insert(max(at + places, 0), self.waiting.pop(at))
        return True

    def remove(self, job: str) -> bool:
        """Remove a job: a failed one is forgotten, another one cancelled. False if it is unknown or over."""
        kept = [(ticket, message) for ticket, message in self.failed if ticket.job != job]
        if len(kept) < len(self.failed):
            self.failed = kept
            return True
        return self.cancel(job)

    def retry(self, job: str) -> bool:
        """Queue a failed job again, at the end. False if no failed job has that id. Raises JobFailed if it cannot be
        started; it then stays among the failed ones."""
        for entry in self.failed:
            if entry[0].job == job:
                self.submit(entry[0])
                self.failed.remove(entry)
                return True
        return False

    def poll(self) -> list[tuple[Ticket | None, Event]]:
        """The events since the last call, with their jobs: None for the worker's own and for unknown jobs. Never
        blocks.

        A job that is done moves to ``finished``; any other last event removes it from the queue.
        """
        events = [(ticket, CancelledEvent(job=ticket.job)) for ticket in self._cancelled]
        self._cancelled.clear()
        for event in self.supervisor.poll():
            ticket = self.running if self.running and self.running.job == event.job else None
            if ticket is not None and isinstance(event, (DoneEvent, FailedEvent, CancelledEvent)):
                self.running = None
                if isinstance(event, DoneEvent):
                    self.finished.append(ticket)
            events.append((ticket, event))
        return events + self._start_next()

    def _start_next(self) -> list[tuple[Ticket, Event]]:
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
        """Keep the outcome of an awaited job for its operator, or a failed job for another try."""
        self.concluded += 1
        if ticket.job == self.blocking:
            self._outcomes[ticket.job] = outcome
        elif isinstance(outcome.error, JobFailed) and not ticket.origin.is_draft:
            self.failed = [*self.failed, (ticket, str(outcome.error))][-FAILED_KEPT:]

    def is_concluded(self, job: str) -> bool:
        """Whether the job that an operator waits for is over."""
        return job in self._outcomes

    def take_outcome(self, job: str) -> Outcome | None:
        """The outcome of the awaited job, once."""
        return self._outcomes.pop(job, None)
