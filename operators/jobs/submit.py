"""Submission of jobs: the scene's input and settings as a job folder, at the end of the queue."""

import json
from dataclasses import asdict, dataclass, field

from ...runtime import history, job_retention, jobs, pace
from ...runtime.messages import JobFailed
from ...runtime.supervisor import WorkerState
from .. import preferences
from ..conditions import CAPTURES
from ..models import catalog
from ..scene.placement import CURSOR_SIZE
from . import panel_state, session, source_display, sources, stored_settings
from .deliver import MARK
from .destination import Destination
from .fingerprint import fingerprint
from .finish_settings import finish_of
from .job_queue import Origin, Ticket

MEGABYTE = 2**20
NO_INPUT, ALSO = "NONE", "also_"  # no second input; what its files' names begin with
COMBINED = ("sketch", "image", "depth", "depths", "voxels", "points", "text")  # conditions that can be combined


def start(context, settings, replaced=None, is_draft: bool = False) -> Ticket:
    """Capture, write the job folder and queue it. ``replaced``: the result whose mesh is replaced, with its seed and
    stored settings; ``is_draft``: in draft quality. Raises JobFailed without queueing."""
    row = CAPTURES[settings.condition]
    require_model(settings.model, row.condition)
    with source_display.sources_shown(context.scene):
        capture = _capture(row, context, settings)
        items = sources.found(capture.source)
        print_of_input = fingerprint(context, settings, items)
        further = further_inputs(context, settings)
    subject = " ".join(settings.subject.split())
    beside = {"prompt": subject} if subject and catalog.takes_prompt_beside(settings.model, row.condition) else {}
    weights = {**further.weights, **({"text": round(settings.words_weight, 3)} if beside else {})}
    request = jobs.Request(
        jobs.new_id(),
        settings.model,
        row.condition,
        capture.inputs | beside,
        seed=seed_of(settings, replaced),
        scale=settings.scale or None,
        steps=None if is_draft else settings.steps or None,
        fit=None if settings.fit else 0,
        one_piece=None if settings.one_piece else False,
        colour=None if settings.colour else False,
        quality="draft" if is_draft else settings.quality.lower(),
        variations=settings.variations if replaced is None else 1,
        finish=finish_of(settings),
        beside=further.beside,
        weights={} if set(weights.values()) == {1.0} else weights,
        placement=_placement(capture.placement, settings, context.scene.unit_settings),
    )
    kept = stored_settings.to_plain(settings) | {"view": json.dumps(capture.view) if capture.view else ""}
    title = beside.get("prompt", capture.title)
    replaces = sources.references([replaced])[0] if replaced is not None else ()
    origin = Origin(title, capture.source, kept, print_of_input, replaces, is_draft)
    return submit(context, request, {**capture.files, **further.files}, origin)


def seed_of(settings, replaced) -> int:
    """Seed of a job: that of the result that it replaces, if any, else of the settings."""
    return settings.seed if replaced is None else int(replaced.get(f"{MARK}seed", settings.seed))


@dataclass(frozen=True)
class FurtherInputs:
    """Inputs beside the first, in the form of a job's request, with the weights of all, and their files."""

    beside: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)


def why_not_further(context, settings) -> str:
    """Why the second input cannot be used, "" if it can, or there is none. Cheap."""
    if settings.also == NO_INPUT:
        return ""
    row, first = CAPTURES[settings.also], CAPTURES[settings.condition]
    if row.condition == first.condition or first.condition not in COMBINED:
        return f"{row.title} cannot be combined with {first.title}: choose another input beside it"
    if not catalog.takes_prompt_beside(settings.model, row.condition):
        return "The model takes one input alone: choose another model, or no second input"
    return row.choose(context, settings).missing


def further_inputs(context, settings) -> FurtherInputs:
    """Capture of the second input, if there is one. Raises JobFailed."""
    if settings.also == NO_INPUT:
        return FurtherInputs()
    reason = why_not_further(context, settings)
    if reason:
        raise JobFailed("bad-input", reason)
    row = CAPTURES[settings.also]
    capture = _capture(row, context, settings)
    inputs = {name: _renamed(value) for name, value in capture.inputs.items()}
    own = {CAPTURES[settings.condition].condition: round(settings.own_weight, 3)}
    files = {f"{ALSO}{name}": content for name, content in capture.files.items()}
    return FurtherInputs({row.condition: inputs}, {**own, row.condition: round(settings.also_weight, 3)}, files)


def _renamed(value):
    """An input of the second capture, with its file's name in the job."""
    is_file = isinstance(value, str) and value.startswith(f"{jobs.INPUTS}/")
    return value.replace(f"{jobs.INPUTS}/", f"{jobs.INPUTS}/{ALSO}", 1) if is_file else value


def _placement(placement: dict, settings, units) -> dict:
    """What a capture says of the place, with the origin and, for what has no size of its own, that in scene units."""
    metre = 1.0 if units.system == "NONE" else 1.0 / units.scale_length
    return {**placement, "size": CURSOR_SIZE * metre, "origin": settings.origin}


def require_model(model: str, condition: str) -> None:
    """Raises JobFailed if the model does not take the condition."""
    reason = catalog.why_not(model, condition)
    if reason:
        raise JobFailed("bad-model", reason)


def submit(context, request: jobs.Request, files: dict, origin: Origin) -> Ticket:
    """Write the job folder and queue it. Raises JobFailed without queueing."""
    queue, parent = session.current.queue, preferences.folder("jobs")
    if not queue.unfinished:
        session.start_worker()
    expected = pace.expected_stages(parent, request)
    path = jobs.write_job(parent, request, files)
    history.write_origin(path, asdict(origin))
    ticket = Ticket(request.id, path, origin, Destination.of(context), pace.Pace(expected))
    is_next = not queue.unfinished
    queue.submit(ticket)
    job_retention.prune(parent, preferences.preferences().history_size * MEGABYTE, queue.folders)
    if is_next:
        is_starting = queue.supervisor.state == WorkerState.STARTING
        panel_state.start("Starting the worker" if is_starting else "Waiting for the worker")
    session.hurry()
    return ticket


def _capture(row, context, settings):
    session.current.is_capturing = True
    try:
        return row.capture(context, settings)
    finally:
        session.current.is_capturing = False
