"""History in the panel: finished jobs of this and earlier sessions."""

import datetime
import time
from pathlib import Path

import bpy
import bpy.utils.previews

from ...runtime import history, job_retention, jobs
from .. import preferences
from . import panel_state, results
from .deliver import deliver, name_of
from .destination import ResultScene
from .job_queue import JobQueue, Origin

MOST = 200  # entries that are listed
BUDGET = 0.004  # seconds of a poll for reading entries
BY_NAME = None  # instead of a session uid, which is another session's


class History:
    """Entries of the jobs' folder, read a few a poll, the newest first."""

    def __init__(self) -> None:
        self._previews = bpy.utils.previews.new()
        self._entries: dict[Path, history.Entry | None] = {}
        self._unread: list[Path] = []
        self._state: tuple | None = None
        self._is_first = True
        self._offered: set[Path] = set()

    def poll(self, queue: JobQueue) -> None:
        """Read what has changed, and update the panel. Cheap otherwise."""
        parent = preferences.folder("jobs")
        state = (bpy.context.window_manager.as_pointer(), parent.stat().st_mtime_ns, queue.concluded)
        if state != self._state:
            self._state = state
            self._scan(parent)
        elif not self._unread:
            return
        self._read_some()
        if not self._unread:
            self._finish_scan(queue)

    def _scan(self, parent: Path) -> None:
        """Find the folders; those without a result, and results that nobody has taken, are read again."""
        found = history.folders(parent)[:MOST]
        known = {path: self._entries[path] for path in found if path in self._entries}
        self._unread = [path for path in found if not (entry := known.get(path)) or entry.is_waiting]
        self._entries = {path: known.get(path) for path in found}

    def _read_some(self) -> None:
        end = time.perf_counter() + BUDGET
        while self._unread and time.perf_counter() < end:
            path = self._unread.pop(0)
            self._entries[path] = history.read_entry(path)

    def _finish_scan(self, queue: JobQueue) -> None:
        entries = [entry for entry in self._entries.values() if entry is not None]
        if self._is_first:
            self._is_first = False
            self._offered = {entry.folder for entry in entries if entry.is_waiting and not entry.is_draft}
        self._offered &= {entry.folder for entry in entries if entry.is_waiting} - set(queue.folders)
        panel_state.show_history([self._row(entry) for entry in entries if not entry.is_draft])

    def _row(self, entry: history.Entry) -> tuple:
        return (
            entry.title,
            entry.job,
            entry.words,
            entry.condition.capitalize(),
            clock_time(entry.created),
            self._icon(entry),
            entry.folder in self._offered,
            entry.has_settings,
        )

    def _icon(self, entry: history.Entry) -> int:
        if entry.thumbnail is None:
            return 0
        name = str(entry.thumbnail)
        preview = self._previews.get(name) or self._previews.load(name, name, "IMAGE")
        return preview.icon_id

    @property
    def offered(self) -> list[Path]:
        """The jobs that were finished when an earlier session had ended, the oldest first."""
        return [path for path in reversed(self._entries) if path in self._offered]

    def close(self) -> None:
        """Free the icons."""
        bpy.utils.previews.remove(self._previews)


def clock_time(created: str) -> str:
    """A time (ISO 8601) as the artist's clock shows it; without the day, if that is today."""
    try:
        when = datetime.datetime.fromisoformat(created).astimezone()
    except ValueError:
        return ""
    is_today = when.date() == datetime.datetime.now().astimezone().date()
    return when.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M")


def import_result(folder: Path, scene):
    """Add a finished job's mesh to a scene once more, where it was made for; the object is returned. Raises
    JobFailed."""
    result, request, entry = jobs.read_result(folder), jobs.read_request(folder), history.read_entry(folder)
    kept = history.read_origin(folder)
    item = deliver(result, request, name_of(entry.title if entry else request.condition), ResultScene(scene))
    source = tuple((name, BY_NAME) for name, _ in kept.get("source", ()))
    origin = Origin("", source, settings_of(kept), kept.get("fingerprint", ""))
    results.describe(item, folder, origin)
    job_retention.mark_delivered(folder)
    return item


def settings_of(kept: dict) -> dict:
    """The settings of a job's origin, whose objects and images are found by their names alone."""
    return {name: _without_uid(value) for name, value in kept.get("settings", {}).items()}


def _without_uid(value):
    """A stored setting; a list of entries: each of them."""
    if isinstance(value, list) and len(value) == 3 and value[0] in ("objects", "images"):
        return (*value[:2], BY_NAME)
    if isinstance(value, list):
        return [settings_of({"settings": entry}) if isinstance(entry, dict) else entry for entry in value]
    return value
