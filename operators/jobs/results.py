"""Handling of a job's events, and of its result as an object of the scene."""

import contextlib
import logging
from pathlib import Path

import bpy

from ...runtime import history, job_retention, jobs, variations
from ...runtime.events import CancelledEvent, Event, FailedEvent, StageEvent, StartedEvent, WorkerSilentEvent
from ...runtime.messages import Cancelled, JobFailed
from ..models import depth_map_list
from ..scene import compatibility
from . import assets, panel_state, source_display, sources, stored_settings
from .deliver import MARK, deliver, name_of, replace_mesh
from .destination import ResultScene
from .finish_settings import ADJUST
from .job_queue import JobQueue, Origin, Outcome, Ticket

log = logging.getLogger(__name__)


def handle(queue: JobQueue, ticket: Ticket, event: Event) -> None:
    """Show a job's event; a last event without a result concludes the job."""
    if isinstance(event, StartedEvent):
        panel_state.start(f"Beginning “{ticket.origin.title}”")
    elif isinstance(event, StageEvent):
        panel_state.stage(event, ticket.pace.left(event))
    elif isinstance(event, WorkerSilentEvent):
        panel_state.silent(event)
    elif isinstance(event, CancelledEvent):
        _conclude(queue, ticket, Outcome(error=Cancelled(event.message or "Cancelled")))
        _import_views(ticket, ticket.destination.find())
    elif isinstance(event, FailedEvent):
        _conclude(queue, ticket, Outcome(error=JobFailed(event.code, event.message, event.hint)), event.log)
        _import_views(ticket, ticket.destination.find())


def deliver_finished(queue: JobQueue) -> None:
    """Add finished results to the scene, unless a grab or a stroke is in progress."""
    for ticket in list(queue.finished):
        awaited = ticket.job == queue.blocking
        if not awaited and (bpy.context.window_manager.is_interface_locked or compatibility.is_mid_gesture()):
            panel_state.show(message="Ready: waiting for the tool in use", progress=1.0)
            return
        where = ticket.destination.find()
        if not awaited and _is_in_use(ticket, where):
            panel_state.show(message="Ready: leave this mode to see it", progress=1.0)
            continue
        queue.finished.remove(ticket)
        if where is not None:
            _deliver(queue, ticket, where)
        elif awaited:
            remark = "The scene it was made for is gone; it is in the current scene"
            _deliver(queue, ticket, ResultScene.current(), remark)
        else:
            queue.held.append(ticket)
            panel_state.finish()


def _deliver(queue: JobQueue, ticket: Ticket, where: ResultScene, remark: str = "") -> None:
    """Add the object of a finished job, and conclude the job in any case."""
    try:
        result = jobs.read_result(ticket.folder)
        item = _finished_again(ticket) if ticket.finishes_again else _object_of(ticket, result, where)
        _import_views(ticket, where)
    except JobFailed as error:
        _conclude(queue, ticket, Outcome(error=error))
    except Exception as error:
        log.exception("Delivery of %s failed", ticket.folder)
        refusal = JobFailed("delivery", f"The shape could not be placed: {error}", f"It is kept in {ticket.folder}")
        _conclude(queue, ticket, Outcome(error=refusal))
    else:
        job_retention.mark_delivered(ticket.folder)
        # A draft belongs to the step of the next edit. The operator that finishes a mesh again has pushed a step before
        # the mesh came: the redo panel goes back to what is before the last one of its name.
        if not (ticket.origin.is_draft or ticket.job == queue.blocking or ticket in queue.held):
            compatibility.push_undo(_step_of(ticket))
        note = ". ".join(filter(None, (result.record.get("note"), remark, where.describe_location(item))))
        _conclude(queue, ticket, Outcome(object=item.name, note=note))


def _step_of(ticket: Ticket) -> str:
    """Name of the undo step of a result."""
    if ticket.finishes_again:
        return ADJUST
    return "WaLa Update" if ticket.origin.replaces else "WaLa Generate"


def _finished_again(ticket: Ticket):
    """The object whose mesh was finished in another way, with the variation that it shows. Raises JobFailed: it is
    gone, or being edited."""
    name, uid = ticket.origin.replaces
    item = compatibility.find(bpy.data.objects, name, uid)
    if item is None or item.type != "MESH":
        raise JobFailed("target-missing", f"“{name}” is gone, so that its mesh was not changed")
    if item.mode != "OBJECT":
        raise JobFailed("target-edited", f"“{item.name}” is being edited", "Go to Object Mode, and adjust it again")
    result = jobs.read_result(variations.folder_of(ticket.folder, item.wala.variation))
    replace_mesh(item, result, jobs.read_request(ticket.folder))
    return item


def _object_of(ticket: Ticket, result: jobs.Result, where: ResultScene):
    """The new object of a result, or the one whose mesh it replaces, with its stored provenance."""
    request, origin = jobs.read_request(ticket.folder), ticket.origin
    item = _replaced(ticket, where.scene)
    is_new = item is None
    if is_new:
        item = deliver(result, request, name_of(origin.title), where)
    else:
        before = item.get(f"{MARK}job")
        replace_mesh(item, result, request)
        _forget_draft(ticket.folder.parent, before)
    describe(item, ticket.folder, origin)
    if is_new:
        is_edit = request.placement.get("kind") == "object"  # in the place of the mesh that it was made from
        if is_edit:
            _keep_materials(item)
        is_beside = "other" in request.edit  # a blend hides nothing
        display = source_display.KEEP if is_beside else item.wala.settings.source_display
        source_display.cover(item, where.scene, display, is_edit)
        if item.wala.settings.mark_as_asset:
            assets.mark(item)
    return item


def _forget_draft(parent: Path, job: object) -> None:
    """Remove the folder of a draft that another result has replaced; each edit makes one."""
    if isinstance(job, str) and jobs.ID.fullmatch(job) and history.read_origin(parent / job).get("is_draft"):
        with contextlib.suppress(JobFailed):
            history.remove(parent / job)


def describe(item, folder: Path, origin: Origin) -> None:
    """Store in a result what it was made from, and how many variations its job has."""
    sources.remember(item, origin.source)
    stored_settings.restore(item.wala.settings, origin.settings)
    item.wala.fingerprint = origin.fingerprint
    count = len(variations.thumbnails(folder))
    item.wala.variations, item.wala.variation = count if count > 1 else 0, 0


def _keep_materials(item) -> None:
    """Give a mesh the materials of the first one that it was made from."""
    source = item.wala.sources[0].object if len(item.wala.sources) else None
    if source is not None and source.type == "MESH" and len(source.data.materials):
        own = item.data.materials[0]
        item.data.materials.clear()
        for material in source.data.materials:
            item.data.materials.append(material)
        bpy.data.materials.remove(own)


def _replaced(ticket: Ticket, scene):
    """The object whose mesh a result replaces; None if there is none, or it is gone."""
    if not ticket.origin.replaces:
        return None
    item = compatibility.find(bpy.data.objects, *ticket.origin.replaces)
    return item if item is not None and scene.objects.get(item.name) == item else None


def _is_in_use(ticket: Ticket, where: ResultScene | None) -> bool:
    """Whether the mesh to be replaced is being edited."""
    item = _replaced(ticket, where.scene) if where is not None and not ticket.finishes_again else None
    return item is not None and item.mode != "OBJECT"


def place_held(queue: JobQueue) -> None:
    """Add the object of the oldest held result to the current scene; the caller pushes the undo step."""
    _deliver(queue, queue.held[0], ResultScene.current())
    queue.held.pop(0)
    show_held(queue)


def discard_held(queue: JobQueue) -> None:
    """Discard the oldest held result."""
    job_retention.mark_delivered(queue.held.pop(0).folder)
    panel_state.finish("Discarded")
    show_held(queue)


def show_held(queue: JobQueue) -> None:
    """Show the panel's question about the oldest held result."""
    panel_state.show(ready=queue.held[0].origin.title if queue.held else "")


def queue_rows(queue: JobQueue) -> list[tuple[str, str, str, str]]:
    """The jobs that the panel lists: (id, title, state, what went wrong)."""
    rows = [(ticket, "FINISHED", "") for ticket in queue.finished]
    rows += [(ticket, "RUNNING" if ticket == queue.running else "WAITING", "") for ticket in queue.unfinished]
    rows += [(ticket, "FAILED", message) for ticket, message in queue.failed]
    return [(ticket.job, ticket.origin.title, state, message) for ticket, state, message in rows]


def _import_views(ticket: Ticket, where: ResultScene | None) -> None:
    """Import a job's intermediate pictures, also of a failed job, unless another file is open."""
    if where is not None:
        depth_map_list.take_up(where.scene, jobs.read_views(ticket.folder), ticket.origin.title)


def _conclude(queue: JobQueue, ticket: Ticket, outcome: Outcome, detail: str = "") -> None:
    """Common end of all jobs."""
    queue.conclude(ticket, outcome)
    if isinstance(outcome.error, JobFailed):
        panel_state.fail(outcome.error.message, outcome.error.hint, detail)
        log.warning("%s%s", outcome.error, f"\n{detail}" if detail else "")
    elif outcome.error is not None:
        panel_state.finish(str(outcome.error))
    else:
        panel_state.finish(f"Made “{outcome.object}”. {outcome.note}".strip())
