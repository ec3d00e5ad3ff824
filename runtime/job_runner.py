"""Runner of one job folder with an engine: progress out, cancellation in, every error as a message."""

import contextlib
import importlib
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from . import jobs, variations
from .events import CancelledEvent, DoneEvent, Event, FailedEvent, StageEvent, StartedEvent, StepEvent
from .messages import SET_UP_HINT, Cancelled, JobFailed
from .storage import open_plain, write_failure

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
Announce = Callable[[Event], None]


class Engine(Protocol):
    """Interface of engines. Constructed as Class(device, low_memory) and kept between jobs."""

    def run(self, folder: Path, request: jobs.Request, progress: Progress) -> None:
        """Run a job and write its result/.

        Calls progress(stage, step, steps) at each stage's start and before each step; exceptions of it pass through.
        Raises JobFailed for expected failures.
        """

    def load(self, model: str) -> None:
        """Load a model for the next job. Raises JobFailed for expected failures."""


class EngineLoader:
    """Lazy constructor of the engine "module:Class": it is built for the first job, so that a broken one fails a job
    and not the worker."""

    def __init__(self, name: str, device: str, low_memory: str):
        self._name = name
        self._device = device
        self._low_memory = low_memory
        self._engine: Engine | None = None

    def get(self) -> Engine:
        """The engine. Raises JobFailed "no-engine"."""
        if self._engine is None:
            module, _, attribute = self._name.partition(":")
            try:
                self._engine = getattr(importlib.import_module(module), attribute)(self._device, self._low_memory)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                # A half-installed package may raise anything on import; a library's panic is not an Exception.
                raise JobFailed("no-engine", f"the worker cannot load {self._name}: {error}", SET_UP_HINT) from error
        return self._engine


@contextlib.contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Redirect everything printed, by Python or by a C library, to the end of ``path``. Raises JobFailed "disk-full" or
    "cannot-write"."""
    try:
        target = open_plain(path, "ab")
    except OSError as error:
        raise write_failure(error, path) from error
    saved = [os.dup(number) for number in (1, 2)]
    try:
        with target:
            _redirect_output(target.fileno(), target.fileno())
        yield
    finally:
        _redirect_output(*saved)
        for number in saved:
            os.close(number)


def _redirect_output(out: int, err: int) -> None:
    for stream, target, number in ((sys.stdout, out, 1), (sys.stderr, err, 2)):
        try:
            stream.flush()
        except OSError:
            # A full disk costs the log its lines, not the job.
            pass
        os.dup2(target, number)


def run_job(folder: Path, engine: EngineLoader, announce: Announce, should_stop: Callable[[], bool]) -> Event:
    """Run one job folder to its end. Returns (and announces, and writes to events.ndjson) its last event: done, failed
    or cancelled.

    announce gets every event. should_stop is called before every step. Raises only what ``announce`` raises.
    """

    def report(event: Event) -> None:
        announce(event)
        jobs.append_event(folder, event)

    try:
        request = jobs.read_request(folder)
        with jobs.claimed(folder):
            last = _run_request(folder, request, engine, report, should_stop)
            _record_end(folder, last, announce)
    except JobFailed as error:
        last = _failure(error)
        _record_end(folder, last, announce)
    return last


def _record_end(folder: Path, last: Event, announce: Announce) -> None:
    """Announce the last event, and write it to events.ndjson if the folder is a valid job. The file is written first,
    as receivers of the event may read it."""
    try:
        if not (isinstance(last, FailedEvent) and last.code in jobs.NOT_OURS):
            jobs.append_event(folder, last)
    except JobFailed as error:
        log.info("the job's last event was not written: %s", error)
    announce(last)


def _run_request(
    folder: Path, request: jobs.Request, engine: EngineLoader, report: Announce, should_stop: Callable[[], bool]
) -> Event:
    started = time.monotonic()
    stages: list[str] = []

    def progress(stage: str, step: int, steps: int) -> None:
        if should_stop():
            raise Cancelled
        kind = StepEvent if stages[-1:] == [stage] else StageEvent
        stages.append(stage)
        report(kind(stage, step, steps, round(time.monotonic() - started, 3)))

    try:
        if request.start == "input":
            jobs.forget_result(folder)
            variations.forget_variations(folder)
        with output_to(folder / jobs.LOG):
            last = _run_engine(folder, request, engine, report, progress)
        return last or DoneEvent(round(time.monotonic() - started, 3))
    except JobFailed as error:
        return _failure(error)


def _run_engine(
    folder: Path, request: jobs.Request, engine: EngineLoader, report: Announce, progress: Progress
) -> Event | None:
    """The event of an early end; None if the job is done."""
    try:
        report(StartedEvent())
        engine.get().run(folder, request, progress)
        return None
    except (Cancelled, KeyboardInterrupt):
        return CancelledEvent()
    except JobFailed as error:
        log.info("the job failed (%s): %s", error.code, error, exc_info=error.__cause__ is not None)
        return _failure(error)
    except BaseException as error:
        # The one handler of every defect of an engine, and of libraries' panics, which are not an Exception: the worker
        # stays alive, the log has the traceback.
        with contextlib.suppress(OSError):
            traceback.print_exc()
        if (
            isinstance(error, OSError)
            and (failure := write_failure(error, Path(error.filename or folder))).code == "disk-full"
        ):
            return _failure(failure)
        message = f"an unexpected error: {type(error).__name__}: {error}"
        return _failure(JobFailed("internal", message, f"{jobs.LOG} in the job's folder has the details."))


def _failure(error: JobFailed) -> FailedEvent:
    return FailedEvent(error.code, error.message, error.hint)
