"""Live update: a quick draft of a result after each edit of its source, superseded by the next edit."""

import logging

from ...runtime.messages import JobFailed
from ..scene import compatibility
from . import source_follower, sources, update
from .fingerprint import fingerprint
from .job_queue import JobQueue

log = logging.getLogger(__name__)


class LiveUpdate:
    """While `scene.wala.live` is on, follows the sources of the result that is active, or that was made from the active
    object. One job at a time; nothing starts in the middle of a stroke or a grab."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._job = self._fingerprint = ""
        self._followed: frozenset[str] = frozenset()
        self._is_changed = False

    def note(self, names: set[str]) -> None:
        """Record the names of changed data."""
        self._is_changed = self._is_changed or not self._followed.isdisjoint(names)

    def poll(self, context) -> None:
        """Start a job if a source has changed. Never raises JobFailed: an input that is invalid now may be valid after
        the next edit."""
        result = followed_result(context) if context.scene.wala.live else None
        self._followed = frozenset(source_follower.names_of(result, context.scene)) if result else frozenset()
        if result is None or not self._is_changed or compatibility.is_mid_gesture():
            return
        self._is_changed = False
        try:
            self._start(context, result)
        except JobFailed as error:
            log.info("No draft of this edit: %s", error)

    def _start(self, context, result) -> None:
        queue = self._queue
        is_pending = any(ticket.job == self._job for ticket in (*queue.unfinished, *queue.finished))
        now = fingerprint(context, result.wala.settings, sources.find(result, context.scene))
        if now == (self._fingerprint if is_pending else result.wala.fingerprint):
            return
        if is_pending:
            queue.cancel(self._job)
        self._job, self._fingerprint = update.start(context, result, is_draft=True).job, now


def followed_result(context):
    """The result whose sources are watched; None if there is none to update."""
    active = context.view_layer.objects.active
    if active is None:
        return None
    candidates = [active] if active.wala.fingerprint else _results_from(active, context.scene)
    usable = (item for item in candidates if not update.why_not(context, item) and item.visible_get())
    return next(usable, None)


def _results_from(source, scene) -> list:
    """The results of a scene with an object among their sources, newest first."""
    found = [item for item in scene.objects if any(entry.object == source for entry in item.wala.sources)]
    return sorted(found, key=lambda item: getattr(item, "session_uid", 0), reverse=True)
