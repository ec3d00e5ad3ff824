"""Session of this Blender: the job queue, the background tasks and the timer that polls them.

The timer survives a new file; in background mode, where timers never fire, :func:`poll_until` does the polling.
"""

import logging
import threading
import time
from collections.abc import Callable

import bpy

from ...runtime.messages import JobFailed
from ...runtime.process import DEFAULT_ENGINE, WorkerSettings
from ...runtime.supervisor import Supervisor, WorkerState
from .. import preferences
from ..environment.environment_task import EnvironmentTask, restore_environment
from ..models import catalog
from ..models.model_task import ModelTask, load_kept_list
from ..preview.preview import Preview
from ..scene import compatibility
from . import panel_state, results, source_follower
from .history import History
from .job_queue import JobQueue, Outcome, Ticket
from .live import LiveUpdate
from .source_display import SourceWatch
from .thumbnails import Thumbnails
from .unknown_words import UnknownWords

log = logging.getLogger(__name__)

ENGINE = DEFAULT_ENGINE
BUSY_INTERVAL, IDLE_INTERVAL, WAIT_INTERVAL = 0.1, 1.0, 0.02


class Session:
    """State between two polls.

    ``is_capturing``: an input is being captured, which may render. ``is_warmed_up``: the worker was started with the
    panel, or by a job; from then on only a job starts it. ``unload_soon``: set by another thread that waits for the
    worker's memory. ``used``: time of the worker's last use (time.monotonic()).
    """

    def __init__(self) -> None:
        self.queue = JobQueue(Supervisor(), start_worker)
        self.environment, self.models = EnvironmentTask(), ModelTask()
        self.live = LiveUpdate(self.queue)
        self.source_follower = source_follower.SourceFollower()
        self.source_watch, self.thumbnails, self.unknown_words = SourceWatch(), Thumbnails(), UnknownWords()
        self.history, self.preview = History(), Preview()
        self.is_capturing = self.is_warmed_up = False
        self.unload_soon: threading.Event | None = None
        self.used = time.monotonic()
        self.worker_problem = ""

    @property
    def is_busy(self) -> bool:
        """Whether jobs or tasks are under way."""
        return self.queue.is_busy or self.environment.is_busy or self.models.is_busy


current: Session | None = None


def register() -> None:
    """Start the session: no process yet, and a timer where there are windows."""
    global current
    current = Session()
    panel_state.clear()
    restore_environment()
    load_kept_list()
    source_follower.register()
    if not bpy.app.background:
        bpy.app.timers.register(tick, first_interval=IDLE_INTERVAL, persistent=True)


def unregister() -> None:
    """End the session: remove the timer, stop the worker, drop its jobs."""
    global current
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    if current is not None:
        source_follower.unregister()
        current.environment.stop()
        current.models.stop()
        current.queue.supervisor.stop()
        current.thumbnails.close()
        current.history.close()
        current.preview.close()
    current = None


def why_not() -> str:
    """Why no job can be queued now, "" if one can. Cheap."""
    return "WaLa is being switched off" if current is None else current.environment.why_not()


def why_not_alone() -> str:
    """Why a task that needs the worker to itself cannot start now, "" if it can. Cheap."""
    if current is not None and current.queue.is_busy:
        return "A shape is being made: wait for it, or press Cancel"
    return why_not()


def worker_problem() -> str:
    """Why no worker can be started, "" if one can. Cheap: the timer's last check, or a new one without a timer."""
    if bpy.app.background:
        _look_for_worker()
    return current.worker_problem


def start_worker() -> None:
    """Start a worker with the preferences' settings, unless it runs. Raises JobFailed."""
    chosen = preferences.preferences()
    current.is_warmed_up = True
    current.queue.supervisor.start(
        WorkerSettings(
            preferences.worker_python(),
            str(preferences.SOURCE_ROOT),
            ENGINE,
            chosen.device,
            str(preferences.log_folder()),
            preferences.models_folder(),
            chosen.low_memory,
        )
    )


def warm_up(model: str) -> None:
    """Start the worker and have it load a model ahead of the first job. Failures are reported by the job that meets
    them."""
    try:
        start_worker()
        current.queue.supervisor.load(model)
        current.used = time.monotonic()
    except JobFailed as error:
        log.info("The worker was not started with the panel: %s", error)


def _warm_up_with_panel() -> None:
    """Warm up when the panel is first visible in a session, if the preferences allow it."""
    if current.is_warmed_up or bpy.app.background or not preferences.preferences().start_with_panel:
        return
    model = catalog.KNOWN.get(bpy.context.scene.wala.model)
    if (
        model
        and model.is_offered
        and not (current.worker_problem or why_not_alone())
        and compatibility.is_panel_shown(bpy.context.window_manager.windows)
    ):
        warm_up(model.name)


def hurry() -> None:
    """Poll soon and at short intervals."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
        bpy.app.timers.register(tick, first_interval=BUSY_INTERVAL, persistent=True)


def poll_until(is_over: Callable[[], bool], abort: Callable[[], None]) -> None:
    """Poll until a condition holds: for scripts and background mode. KeyboardInterrupt cancels and is raised again."""
    try:
        while not is_over():
            tick()
            time.sleep(WAIT_INTERVAL)
    except KeyboardInterrupt:
        # There are no polls after this in background mode: it must be over, or the next one would wait for ever.
        abort()
        raise


def wait(ticket: Ticket) -> Outcome:
    """Poll until a job is over; an interrupt ends the worker."""
    queue = current.queue
    queue.blocking = ticket.job
    try:
        poll_until(lambda: queue.is_concluded(ticket.job), unload)
    finally:
        queue.blocking = None
        outcome = queue.take_outcome(ticket.job)
    return outcome


def cancel() -> None:
    """Cancel the running job, set-up or check. The worker stays warm, and the other jobs stay queued."""
    if current.queue.running is not None:
        current.queue.cancel(current.queue.running.job)
        panel_state.show(message="Cancelling")
    current.environment.cancel()
    hurry()


def unload() -> None:
    """Stop the worker and free its memory; jobs end as cancelled. The next job starts a new one."""
    for ticket in list(current.queue.waiting):
        current.queue.cancel(ticket.job)
    current.queue.supervisor.stop()
    tick()


def is_resting() -> bool:
    """Whether the worker is idle. Cheap, and safe in any thread."""
    return not (current.queue.is_busy or current.is_capturing) and (
        current.queue.supervisor.state != WorkerState.STOPPED
    )


def unload_resting() -> None:
    """Unload an idle worker; any other is left alone."""
    if is_resting():
        current.queue.supervisor.stop()


def tick() -> float | None:
    """One poll of everything; never blocks, never raises. Returns the seconds until the next one, None after the
    session's end."""
    if current is None:
        return None
    try:
        for ticket, event in current.queue.poll():
            current.used = time.monotonic()
            if ticket is not None:
                results.handle(current.queue, ticket, event)
        results.deliver_finished(current.queue)
        current.source_watch.poll(bpy.context.scene)
        current.live.poll(bpy.context)
        current.source_follower.poll(bpy.context)
        current.thumbnails.show(bpy.context.view_layer.objects.active)
        current.unknown_words.poll(bpy.context.scene)
        current.history.poll(current.queue)
        current.preview.poll(bpy.context)
        current.environment.poll()
        current.models.poll()
        _housekeeping()
        _warm_up_with_panel()
    except Exception:
        # Blender removes a timer that raises, and the session would hang silently.
        log.exception("The session's poll failed")
        panel_state.fail("Something went wrong inside WaLa", "Blender's console has the details")
    settings = bpy.context.scene.wala
    return BUSY_INTERVAL if current.is_busy or settings.live or settings.preview else IDLE_INTERVAL


def _housekeeping() -> None:
    """Free memory on request and after a long idle time, and show the worker's state in the panel."""
    asked, current.unload_soon = current.unload_soon, None
    idle = preferences.preferences().idle_minutes * 60
    if current.queue.unfinished:
        current.used = time.monotonic()
    if asked or (idle and time.monotonic() - current.used > idle):
        unload_resting()
    if asked:
        asked.set()
    _look_for_worker()
    # A new file has a new window manager, without the list of models and the current task.
    panel_state.show_models(catalog.KNOWN.values())
    results.show_held(current.queue)
    panel_state.show_queue(results.queue_rows(current.queue))
    panel_state.show(
        busy=current.queue.is_busy or current.environment.is_busy,
        worker_state=current.queue.supervisor.state.upper(),
        worker_problem=current.worker_problem,
        models_busy=current.models.is_busy,
    )


def _look_for_worker() -> None:
    try:
        preferences.worker_python()
        current.worker_problem = ""
    except JobFailed as error:
        current.worker_problem = str(error)
