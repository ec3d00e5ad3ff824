"""History: the finished jobs of a folder, of this session and of earlier ones, each with where it came from."""

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import jobs
from .events import DoneEvent
from .messages import JobFailed
from .storage import is_plain, read_json, write_failure, write_json
from .variations import thumbnails

ORIGIN = "origin.json"  # beside the request; only Blender's side looks at it


@dataclass(frozen=True)
class Entry:
    """A finished job: what it is called, its words, condition and time of writing (ISO 8601, "" if unknown);
    ``thumbnail``: None where there is none; ``is_waiting``: nobody has taken its result yet; ``is_draft``: a later one
    was to come; ``has_settings``: those it was made with are kept."""

    job: str
    folder: Path
    title: str
    words: str
    condition: str
    created: str
    thumbnail: Path | None
    is_waiting: bool
    is_draft: bool
    has_settings: bool


def write_origin(folder: Path, origin: Mapping) -> None:
    """Write into a job's folder where it comes from, as plain JSON. Raises JobFailed."""
    try:
        write_json(folder / ORIGIN, origin)
    except OSError as error:
        raise write_failure(error, folder / ORIGIN) from error


def read_origin(folder: Path) -> dict:
    """What write_origin wrote; {} for a job that another program wrote, or a damaged file."""
    try:
        return read_json(folder / ORIGIN, "job-missing", "job-invalid", "")
    except JobFailed:
        return {}


def read_entry(folder: Path) -> Entry | None:
    """The entry of a job's folder; None for one without a result, or that is no job."""
    if not is_plain(folder / jobs.RESULT / jobs.RECORD):
        return None
    try:
        request = jobs.read_request(folder)
    except JobFailed:
        return None
    origin = read_origin(folder)
    words = str(request.inputs.get("prompt", ""))
    title = origin.get("title")
    return Entry(
        request.id,
        folder,
        title if isinstance(title, str) and title else words or request.condition.capitalize(),
        words,
        request.condition,
        request.created,
        next(iter(thumbnails(folder)), None),
        isinstance(jobs.last_event(folder), DoneEvent),
        origin.get("is_draft") is True,
        bool(origin.get("settings")),
    )


def folders(parent: Path) -> list[Path]:
    """The folders of jobs, the newest first; [] where there are none."""
    found = []
    with contextlib.suppress(OSError):
        for path in parent.iterdir():
            if jobs.ID.fullmatch(path.name):
                with contextlib.suppress(OSError):
                    found.append(((path / jobs.INPUTS).stat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]


def remove(folder: Path) -> None:
    """Remove a job with all its files. Raises JobFailed "cannot-write"."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise write_failure(error, folder) from error
