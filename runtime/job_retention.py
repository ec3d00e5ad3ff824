"""Retention of job folders, by their names, last events and age.

Several Blenders may share one folder of jobs, and none has the others' lists: a job may be removed when its own events
show that nobody waits for it any more, or when it has been silent for a day.
"""

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Collection
from itertools import accumulate
from pathlib import Path

from . import jobs
from .events import CancelledEvent, DeliveredEvent, Event, FailedEvent
from .messages import JobFailed
from .storage import PARTIAL

log = logging.getLogger(__name__)

# "done" is not among them: there is a result to fetch.
OVER = (FailedEvent, CancelledEvent, DeliveredEvent)
SILENCE_SECONDS = 86_400.0


def mark_delivered(folder: Path) -> None:
    """Record in a job's events that its result is in the scene. Ignored if the folder cannot be written."""
    _note(folder, DeliveredEvent())


def mark_cancelled(folder: Path) -> None:
    """Record in the events of a job that never started that it is no longer wanted."""
    _note(folder, CancelledEvent())


def _note(folder: Path, event: Event) -> None:
    try:
        jobs.append_event(folder, event)
    except JobFailed as error:
        log.info("%s", error)


def prune(parent: Path, most: int, spared: Collection[Path]) -> None:
    """Remove the finished jobs in ``parent``, except the newest that have ``most`` bytes together and those in
    ``spared``, and incomplete ones left by a crash.

    Raises nothing: what cannot be removed stays, and so do folders that are not jobs.
    """
    try:
        found = [Path(entry.path) for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)]
        whole = sorted((path for path in found if jobs.ID.fullmatch(path.name)), key=_written, reverse=True)
        partial = [
            path for path in found if path.suffix == PARTIAL and jobs.ID.fullmatch(path.name[1:].partition(".")[0])
        ]
        ends = list(accumulate(map(size_of, whole)))
        for folder in [path for path, end in zip(whole, ends) if end > most] + partial:
            if folder not in spared and (_is_over(folder) or time.time() - _touched(folder) > SILENCE_SECONDS):
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        # Another Blender may prune at the same time.
        log.info("old jobs stay: %s", error)


def size_of(folder: Path) -> int:
    """Bytes of a job's files."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _is_over(folder: Path) -> bool:
    return isinstance(jobs.last_event(folder), OVER)


def _written(folder: Path) -> float:
    """Creation time of a job. A folder without its request counts as old."""
    path = folder / jobs.REQUEST
    return path.stat().st_mtime if path.exists() else 0.0


def _touched(folder: Path) -> float:
    paths = (folder, folder / jobs.REQUEST, folder / jobs.EVENTS)
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)
