"""Supervisor of the worker: start, submit, cancel and stop from Blender's main thread. Polled, never blocking, no
threads."""

import logging
import os
import time
from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from . import jobs, messages, worker_connection
from .events import (
    LAST_EVENTS,
    WORKER_EVENTS,
    CancelledEvent,
    Event,
    FailedEvent,
    WorkerLostEvent,
    WorkerReadyEvent,
    WorkerSilentEvent,
)
from .messages import SET_UP_HINT, JobFailed
from .process import CRASHES, WorkerSettings
from .storage import log_tail
from .worker_connection import WorkerConnection

log = logging.getLogger(__name__)

# Time before a cancelled job's worker is killed; shorter during loading, when there is no warm model to lose.
CANCEL_SECONDS, CANCEL_LOAD_SECONDS = 10.0, 2.0
# Time after which a second Cancel is not a double click, and kills the worker.
CANCEL_AGAIN_SECONDS = 2.0
LOAD = "load"
ENDED = "Cancelled. The worker did not stop and was ended: the next shape loads the model anew"


class WorkerState(StrEnum):
    """State of the worker: no process, a process that does not answer yet, an idle one, one with jobs."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"


@dataclass(frozen=True)
class _Job:
    id: str
    folder: Path


class Supervisor:
    """Runs job folders one after another in a worker process. Make one per session; every method returns at once except
    stop()."""

    def __init__(self) -> None:
        self._settings: WorkerSettings | None = None
        self._connection: WorkerConnection | None = None
        self._events: list[Event] = []
        self._waiting: deque[_Job] = deque()
        self._running: _Job | None = None
        self._stage = ""
        self._progress_at = self._silence_reported_at = 0.0
        self._cancelled_at: float | None = None
        self._is_ended = False
        self._model_to_load = ""
        self._log_before = 0  # size of the worker's log at the start of the running job

    @property
    def state(self) -> WorkerState:
        """Current state of the worker."""
        if self._connection is None:
            return WorkerState.STOPPED
        if not self._connection.is_ready:
            return WorkerState.STARTING
        return WorkerState.BUSY if self._running or self._waiting else WorkerState.READY

    @property
    def pid(self) -> int | None:
        """The worker's process id, None if there is none."""
        return self._connection.process.pid if self._connection else None

    @property
    def running(self) -> str | None:
        """The id of the job in the worker."""
        return self._running.id if self._running else None

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of the queued jobs, in order."""
        return tuple(job.id for job in self._waiting)

    @property
    def log(self) -> Path | None:
        """The worker's own log (jobs write to worker.log in their folders)."""
        return self._connection.process.log if self._connection else None

    def start(self, settings: WorkerSettings) -> None:
        """Store the settings and launch a worker; poll() reports when it is ready.

        No effect with the settings of the running worker; with others it is stopped first and its jobs end as
        cancelled. Raises JobFailed "worker-start".
        """
        self._check_exit()
        if self._connection and settings != self._settings:
            self.stop()
        self._settings = settings
        if self._connection is None:
            self._launch()

    def _launch(self) -> None:
        self._log_before = 0
        if self._settings is None:
            raise JobFailed("worker-start", "no worker has been set up", SET_UP_HINT)
        self._connection = WorkerConnection(self._settings)

    def load(self, model: str) -> None:
        """Have the worker load a model once it is ready, unless a job comes first. There is no event for it."""
        self._model_to_load = model

    def submit(self, job_folder: str | Path) -> str:
        """Queue a job folder and return its id; a worker is launched if none runs.

        Raises JobFailed: the folder's ("job-missing", "job-invalid", "job-newer"), "job-exists" if it is queued
        already, "worker-start".
        """
        folder = Path(os.path.abspath(job_folder))
        job = _Job(jobs.read_request(folder).id, folder)
        self._check_exit()
        if self._connection and not self._connection.is_open:
            self._report_loss()
        if job.id in (self.running, *self.waiting):
            raise JobFailed("job-exists", f"the job {job.id} is in the queue already")
        if self._connection is None:
            self._launch()
        self._waiting.append(job)
        return job.id

    def cancel(self, job_id: str) -> bool:
        """Cancel a job; its CancelledEvent comes from poll(). False if the job is unknown or over.

        A second request after CANCEL_AGAIN_SECONDS, or CANCEL_SECONDS without an end, kills the worker, as stated in
        the event's ``message``.
        """
        for job in self._waiting:
            if job.id == job_id:
                self._waiting.remove(job)
                self._finish(job, CancelledEvent())
                return True
        if job_id != self.running:
            return False
        if self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
            self._connection.send("cancel", job_id)
        elif time.monotonic() - self._cancelled_at > CANCEL_AGAIN_SECONDS:
            self._end_worker()
        return True

    def _end_worker(self) -> None:
        """Kill a worker that does not stop a cancelled job; poll() continues once it has ended."""
        if self._connection.is_open:
            self._is_ended = True
            self._connection.abort("did not stop when the job was cancelled")

    def poll(self) -> list[Event]:
        """The events since the last call, in order. Never blocks; for a timer, or a loop with sleeps.

        WorkerReadyEvent, WorkerSilentEvent and WorkerLostEvent are about the worker. A job has a StartedEvent,
        StageEvents and StepEvents, and as the last one a DoneEvent, FailedEvent, CancelledEvent or WorkerLostEvent.
        """
        if self._connection and self._connection.is_open:
            self._connection.receive(self._handle_message)
        self._check_exit()
        if self._connection and self._connection.is_ready and self._connection.is_open:
            self._send_next()
            self._check_progress()
        events, self._events = self._events, []
        return events

    def stop(self, grace: float = 1.0) -> None:
        """End the worker, waiting up to ``grace`` seconds before killing it. Unfinished jobs end as cancelled at the
        next poll()."""
        if self._connection:
            self._connection.stop(grace)
        for job in self._unfinished():
            self._finish(job, CancelledEvent())
        self._is_ended = False
        self._forget_worker()

    def _forget_worker(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None
        self._model_to_load = ""

    def _unfinished(self) -> list[_Job]:
        unfinished = [self._running] * bool(self._running) + list(self._waiting)
        self._clear_running()
        self._waiting.clear()
        return unfinished

    def _clear_running(self) -> None:
        self._running = self._cancelled_at = None
        self._stage = ""

    def _finish(self, job: _Job, event: Event) -> None:
        """Report a job's last event, and write it into the folder if the worker could not."""
        self._events.append(replace(event, job=job.id))
        if isinstance(event, FailedEvent) and event.code in jobs.NOT_OURS:
            return
        if isinstance(jobs.last_event(job.folder), LAST_EVENTS):
            return
        try:
            jobs.append_event(job.folder, event.to_failed() if isinstance(event, WorkerLostEvent) else event)
        except JobFailed as error:
            log.warning("%s", error)

    def _handle_message(self, message: dict) -> None:
        kind, job = message["type"], self._running
        if kind == "ready":
            self._events.append(WorkerReadyEvent(message["pid"]))
        elif kind not in messages.JOB_KINDS or job is None or message["job"] != job.id:
            log.info("dropped a %s message about job %s", kind, message["job"])
        elif kind in messages.LAST_KINDS:
            # A cancelled job's result is not wanted, even if it was finished at that moment.
            event = CancelledEvent() if self._cancelled_at is not None else _event(message)
            self._clear_running()
            self._finish(job, event)
        else:
            self._progress_at = time.monotonic()
            self._stage = message.get("stage", "")
            self._events.append(_event(message))

    def _send_next(self) -> None:
        if self._running is None and self._waiting:
            self._running = self._waiting.popleft()
            self._progress_at = time.monotonic()
            self._log_before = _size(self._connection.process.log)
            self._connection.send("run", self._running.id, folder=str(self._running.folder))
            self._model_to_load = ""  # the job has its own
        elif self._running is None and self._model_to_load:
            self._connection.send("load", model=self._model_to_load)
            self._model_to_load = ""

    def _check_progress(self) -> None:
        """Report silence: missing progress of the job if there is one, as the thread that answers pings may outlive a
        stage that hangs; else missing answers."""
        now = time.monotonic()
        if self._cancelled_at is not None:
            if now - self._cancelled_at > (CANCEL_LOAD_SECONDS if self._stage == LOAD else CANCEL_SECONDS):
                self._end_worker()
        elif self._running is None:
            if (seconds := self._connection.check_heartbeat()) is not None:
                self._events.append(WorkerSilentEvent(seconds, ""))
        elif now - max(self._progress_at, self._silence_reported_at) > worker_connection.SILENCE_SECONDS:
            self._silence_reported_at = now
            self._events.append(WorkerSilentEvent(now - self._progress_at, self._stage, job=self.running))

    def _check_exit(self) -> None:
        """Report a worker that has ended: at once with its exit code, or once the channel has been closed for a
        while."""
        if self._connection is None or not self._connection.has_ended():
            return
        # Its last messages may still be in the channel; the next poll reads the rest.
        if self._connection.is_open and self._connection.receive(self._handle_message):
            return
        self._report_loss()

    def _report_loss(self) -> None:
        if self._is_ended:
            self._restart()
            return
        worker, running = self._connection.process, self._running
        exit_code = worker.exit_code()
        what = f"the worker {self._connection.describe_exit()}"
        if exit_code is None:
            worker.kill()
        hint = self._loss_hint(exit_code)
        tail = log_tail(running.folder / jobs.LOG if running else None) or log_tail(worker.log, since=self._log_before)
        unfinished = self._unfinished()
        for job in unfinished:
            message = f"{what} during the job" if job is running else f"{what} before this job began"
            log_lines = "" if running and job is not running else tail
            self._finish(job, WorkerLostEvent(WorkerLostEvent.name, message, hint, log_lines, exit_code))
        if not unfinished:
            self._events.append(WorkerLostEvent(WorkerLostEvent.name, what, hint, tail, exit_code))
        self._forget_worker()

    def _loss_hint(self, exit_code: int | None) -> str:
        if not self._connection.is_ready or (exit_code in CRASHES and self._stage == LOAD):
            return f"{SET_UP_HINT} The log's last lines are below."
        hint = "Generate again to start a new one; the log's last lines are below."
        is_killed = exit_code is not None and exit_code < 0 and exit_code not in CRASHES
        return f"The machine may have run out of memory. {hint}" if is_killed else hint

    def _restart(self) -> None:
        """Launch a new worker for the queued jobs after the last one was killed by a cancellation."""
        cancelled = self._running
        self._is_ended = False
        self._clear_running()
        self._forget_worker()
        if cancelled:
            self._finish(cancelled, CancelledEvent(ENDED))
        try:
            if self._waiting:
                self._launch()
        except JobFailed as error:
            for job in self._unfinished():
                self._finish(job, FailedEvent(error.code, error.message, error.hint))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _event(message: dict) -> Event:
    """Event of a message about a job."""
    values = {name: value for name, value in message.items() if name != "type"}
    return WORKER_EVENTS[message["type"]](**values)
