"""The jobs of this Blender session. Knows the one Supervisor, the jobs under way and the timer that polls them; nothing
about widgets.

Only names, uids and paths are kept between two calls, so that a new file, an undo or a deleted object leaves nothing
dangling. The timer survives a new file; in background mode, where timers never fire, :func:`wait` does the polling.
"""

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import bpy

from ...runtime import jobs, kept_jobs, pace
from ...runtime.messages import Cancelled, JobFailed
from ...runtime.supervisor import Supervisor
from .. import preferences
from ..capture import CAPTURES
from ..environment import environment_task
from ..models import catalog, depth_map_list, model_task
from ..scene import compatibility
from . import assets, panel_state, sources
from .deliver import TITLE, Home, Place, deliver

log = logging.getLogger(__name__)

ENGINE = "runtime.engine:Engine"
JOBS_KEPT = 50
BUSY_INTERVAL, IDLE_INTERVAL = 0.1, 1.0
LAST_EVENTS = ("done", "failed", "cancelled", "worker-lost")


@dataclass(frozen=True)
class Ticket:
    """A job under way, in plain data. ``pace``: follows how long it still takes; ``source``: names and session
    uids of the objects it is from; ``as_asset``: whether its result is to be marked as one."""

    job: str
    folder: Path
    title: str
    home: Home
    pace: pace.Pace
    source: tuple = ()
    as_asset: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a job ended: ``object`` is the new object's name; or ``error`` a JobFailed or Cancelled. ``note`` is a remark
    for the artist."""

    object: str = ""
    error: Exception | None = None
    note: str = ""


class Session:
    """The state between two polls. ``blocking``: the job that an operator waits for, whose undo step is the operator's
    own. ``held``: jobs that are done and whose scene is gone: the artist says what becomes of their results.

    ``is_capturing``: an input is being captured, which may render. ``is_warmed_up``: the worker was started with the
    panel, or by a job: only the next job starts it again. ``unload_soon``: another thread asks for the worker's memory,
    and waits for this event.
    """

    def __init__(self):
        self.supervisor = Supervisor()
        self.tickets: dict[str, Ticket] = {}
        self.finished: list[Ticket] = []
        self.held: list[Ticket] = []
        self.outcomes: dict[str, Outcome] = {}
        self.blocking: str | None = None
        self.is_capturing = self.is_warmed_up = False
        self.unload_soon: threading.Event | None = None
        self.used = time.monotonic()
        self.worker_problem = ""


current: Session | None = None


def register() -> None:
    """Begin a session: no process yet, and a timer where there are windows."""
    global current
    current = Session()
    panel_state.clear()
    environment_task.start()
    model_task.start()
    if not bpy.app.background:
        bpy.app.timers.register(tick, first_interval=IDLE_INTERVAL, persistent=True)


def unregister() -> None:
    """End the session: the timer goes, the worker stops, what it was doing is dropped."""
    global current
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    environment_task.stop()
    model_task.stop()
    if current is not None:
        current.supervisor.stop()
    current = None
    sources.forget()


def why_not() -> str:
    """Why nothing can be started now, "" when it can. Cheap."""
    if current is None:
        return "WaLa is being switched off"
    if current.tickets or current.finished:
        return "A shape is being made: wait for it, or press Cancel"
    return environment_task.why_not()


def worker_problem() -> str:
    """Why no worker can be started, "" when one can. Cheap: as the timer saw it last, or as it is where no timer
    looks."""
    if bpy.app.background:
        _look_for_worker()
    return current.worker_problem


def start(context, settings) -> Ticket:
    """Capture, write the job folder and hand it to the worker. Raises JobFailed; then there is no job."""
    row = CAPTURES[settings.condition]
    require_model(settings.model, row.condition)
    capture = _capture(row, context, settings)
    subject = " ".join(settings.subject.split())
    beside = {"prompt": subject} if subject and catalog.takes_prompt_beside(settings.model, row.condition) else {}
    request = jobs.Request(
        jobs.new_id(),
        settings.model,
        row.condition,
        capture.inputs | beside,
        seed=settings.seed,
        scale=settings.scale or None,
        steps=settings.steps or None,
        fit=None if settings.fit else 0,
        one_piece=None if settings.one_piece else False,
        quality=settings.quality.lower(),
        placement=capture.placement,
    )
    return submit(context, settings, request, capture.files, beside.get("prompt", capture.title), capture.source)


def require_model(model: str, condition: str) -> None:
    """Raises JobFailed where the model cannot make a shape of the condition."""
    reason = catalog.why_not(model, condition)
    if reason:
        raise JobFailed("bad-model", reason)


def submit(context, settings, request: jobs.Request, files: dict, title: str, source: tuple) -> Ticket:
    """Write the job folder and hand it to the worker. Raises JobFailed; then there is no job."""
    _start_worker()
    expected = pace.expected_stages(preferences.folder("jobs"), request)
    path = jobs.write_job(preferences.folder("jobs"), request, files)
    ticket = Ticket(
        current.supervisor.submit(path),
        path,
        title,
        Home.of(context),
        pace.Pace(expected),
        source,
        settings.mark_as_asset,
    )
    current.tickets[ticket.job] = ticket
    kept_jobs.prune(
        path.parent,
        JOBS_KEPT,
        [known.folder for known in (*current.tickets.values(), *current.finished, *current.held)],
    )
    panel_state.busy("Starting the worker" if current.supervisor.state == "starting" else "Waiting for the worker")
    hurry()
    return ticket


def _start_worker() -> None:
    """Start a worker as the preferences say, unless it runs. Raises JobFailed."""
    chosen = preferences.preferences()
    current.is_warmed_up = True
    current.supervisor.start(
        preferences.worker_python(),
        preferences.SOURCE_ROOT,
        engine=ENGINE,
        device=chosen.device,
        log_folder=preferences.log_folder(),
        models_folder=preferences.models_folder(),
        low_memory=chosen.low_memory,
    )


def warm_up(model: str) -> None:
    """Start the worker and have it load a model, so that the first shape waits for neither. What goes wrong is said by
    the job that meets it."""
    try:
        _start_worker()
        current.supervisor.load(model)
        current.used = time.monotonic()
    except JobFailed as error:
        log.info("The worker was not started with the panel: %s", error)


def _warm_up_with_panel() -> None:
    """The first time that the panel is seen in a session, where the preferences say so and nothing stands against
    it."""
    if current.is_warmed_up or bpy.app.background or not preferences.preferences().start_with_panel:
        return
    model = catalog.KNOWN.get(bpy.context.scene.wala.model)
    if (
        model
        and model.is_offered
        and not (current.worker_problem or why_not())
        and compatibility.is_panel_shown(bpy.context.window_manager.windows)
    ):
        warm_up(model.name)


def _capture(row, context, settings):
    current.is_capturing = True
    try:
        return row.capture(context, settings)
    finally:
        current.is_capturing = False


def hurry() -> None:
    """Poll soon, and often."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
        bpy.app.timers.register(tick, first_interval=BUSY_INTERVAL, persistent=True)


def wait(ticket: Ticket) -> Outcome:
    """Poll until the job is over: for scripts and background mode. KeyboardInterrupt ends the worker and goes on up."""
    session = current
    session.blocking = ticket.job
    try:
        while ticket.job not in session.outcomes:
            tick()
            time.sleep(0.02)
        return session.outcomes.pop(ticket.job)
    except KeyboardInterrupt:
        # Nobody polls after this in background mode: the job must be over now, or the next one would wait for it for
        # ever.
        unload()
        session.outcomes.pop(ticket.job, None)
        raise
    finally:
        session.blocking = None


def cancel() -> None:
    """Stop what is under way: the jobs, a set-up, a check. The worker stays warm."""
    for job in list(current.tickets):
        current.supervisor.cancel(job)
    environment_task.cancel()
    if current.tickets:
        panel_state.show(message="Cancelling")
    hurry()


def unload() -> None:
    """Stop the worker and give its memory back. The next job starts a new one."""
    current.supervisor.stop()
    tick()


def is_resting() -> bool:
    """Whether there is a worker and nothing for it to do. Cheap, and for any thread."""
    return not (current.tickets or current.finished or current.is_capturing) and current.supervisor.state != "stopped"


def unload_resting() -> None:
    """Unload a worker that has nothing to do; any other is left alone."""
    if is_resting():
        current.supervisor.stop()


def tick() -> float | None:
    """One poll of everything; never blocks, never raises. Returns the seconds until the next one, None after the
    session's end."""
    if current is None:
        return None
    try:
        for event in current.supervisor.poll():
            _handle(event)
        _deliver_finished()
        environment_task.poll()
        model_task.poll()
        _housekeeping()
        _warm_up_with_panel()
    except Exception:
        # A timer that raises is taken out by Blender, and the session would hang without a word.
        log.exception("The session's poll failed")
        panel_state.problem("Something went wrong inside WaLa", "Blender's console has the details")
    is_busy = current.tickets or current.finished or environment_task.is_busy() or model_task.is_busy()
    return BUSY_INTERVAL if is_busy else IDLE_INTERVAL


def _handle(event: dict) -> None:
    ticket = current.tickets.get(event["job"])
    current.used = time.monotonic()
    if ticket is None:
        return
    if event["event"] in ("stage", "step"):
        panel_state.stage(event, ticket.pace.left(event))
    elif event["event"] == "worker-silent":
        panel_state.silent(event)
    elif event["event"] in LAST_EVENTS:
        del current.tickets[ticket.job]
        if event["event"] == "done":
            current.finished.append(ticket)
        else:
            _conclude(ticket, Outcome(error=_error(event)), event.get("log", ""))
            _take_up_views(ticket, ticket.home.find())


def _error(event: dict) -> Exception:
    if event["event"] == "cancelled":
        return Cancelled(event.get("message", "Cancelled"))
    return JobFailed(event["code"], event["message"], event["hint"])


def _deliver_finished() -> None:
    """Turn results into objects, once the artist is not in the middle of a grab or a stroke."""
    for ticket in list(current.finished):
        awaited = ticket.job == current.blocking
        if not awaited and (bpy.context.window_manager.is_interface_locked or compatibility.is_mid_gesture()):
            panel_state.show(message="Ready: waiting for the tool in use", progress=1.0)
            return
        current.finished.remove(ticket)
        where = ticket.home.find()
        if where is not None:
            _deliver(ticket, where)
        elif awaited:
            _deliver(ticket, Place.current(), "The scene it was made for is gone; it is in the current scene")
        else:
            current.held.append(ticket)
            panel_state.rest()


def _deliver(ticket: Ticket, where: Place, remark: str = "") -> None:
    """Make the object of a finished job, and conclude the job however that goes."""
    try:
        result = jobs.read_result(ticket.folder)
        item = deliver(result, jobs.read_request(ticket.folder), TITLE + ticket.title, where)
        sources.remember(item, ticket.source)
        _take_up_views(ticket, where)
        if ticket.as_asset:
            assets.mark(item)
    except JobFailed as error:
        _conclude(ticket, Outcome(error=error))
    except Exception as error:
        log.exception("Delivery of %s failed", ticket.folder)
        refusal = JobFailed("delivery", f"The shape could not be placed: {error}", f"It is kept in {ticket.folder}")
        _conclude(ticket, Outcome(error=refusal))
    else:
        kept_jobs.mark_delivered(ticket.folder)
        if not (ticket.job == current.blocking or ticket in current.held):
            compatibility.push_undo("WaLa Generate")
        note = ". ".join(filter(None, (result.record.get("note"), remark, where.where_in_words(item))))
        _conclude(ticket, Outcome(object=item.name, note=note))


def place_held() -> None:
    """Make the object of the oldest held result in the current scene; the undo step is the caller's."""
    _deliver(current.held[0], Place.current())
    current.held.pop(0)
    _show_held()


def discard_held() -> None:
    """Let go of the oldest held result."""
    kept_jobs.mark_delivered(current.held.pop(0).folder)
    panel_state.rest("Discarded")
    _show_held()


def _show_held() -> None:
    panel_state.show(ready=current.held[0].title if current.held else "")


def _take_up_views(ticket: Ticket, where: Place | None) -> None:
    """What a job drew before it made a shape is the artist's, also where it got no further; in another file it is not
    asked for."""
    if where is not None:
        depth_map_list.take_up(where.scene, jobs.read_views(ticket.folder), ticket.title)


def _conclude(ticket: Ticket, outcome: Outcome, detail: str = "") -> None:
    """The one way out of every job."""
    if ticket.job == current.blocking:
        current.outcomes[ticket.job] = outcome
    if isinstance(outcome.error, JobFailed):
        panel_state.problem(outcome.error.message, outcome.error.hint, detail)
        log.warning("%s%s", outcome.error, f"\n{detail}" if detail else "")
    elif outcome.error is not None:
        panel_state.rest(str(outcome.error))
    else:
        panel_state.rest(f"Made “{outcome.object}”. {outcome.note}".strip())


def _housekeeping() -> None:
    """Give memory back when it is asked for and after a long rest, and say in the panel how the worker stands."""
    asked, current.unload_soon = current.unload_soon, None
    idle = preferences.preferences().idle_minutes * 60
    if current.tickets:
        current.used = time.monotonic()
    if asked or (idle and time.monotonic() - current.used > idle):
        unload_resting()
    if asked:
        asked.set()
    _look_for_worker()
    # A new file brings a new window manager, which knows nothing of the models nor of the task under way.
    panel_state.show_models(catalog.KNOWN.values())
    _show_held()
    busy = bool(current.tickets or current.finished or environment_task.is_busy())
    panel_state.show(
        busy=busy,
        worker_state=current.supervisor.state.upper(),
        worker_problem=current.worker_problem,
        models_busy=model_task.is_busy(),
    )


def _look_for_worker() -> None:
    try:
        preferences.worker_python()
        current.worker_problem = ""
    except JobFailed as error:
        current.worker_problem = str(error)
