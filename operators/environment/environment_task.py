"""Setting up and checking the worker's Python environment. Knows the two long tasks and their polls; nothing about
jobs."""

import logging

import bpy

from ...runtime import environment
from ...runtime.messages import JobFailed
from .. import preferences
from ..jobs import panel_state

log = logging.getLogger(__name__)

task: "environment.Build | environment.Check | None" = None
outcome: tuple[bool, str] | None = None


def why_not() -> str:
    """Why no task and no job can start now. Cheap."""
    return "The worker's environment is being set up or checked" if task is not None else ""


def is_busy() -> bool:
    """Whether a task is under way."""
    return task is not None


def build(online_access: bool) -> None:
    """Begin to build the worker's own environment. Nothing is fetched before the first poll, nor without online
    access."""
    _begin(environment.Build(preferences.environment_folder(), online_access), "Setting up the worker")


def check() -> None:
    """Begin to run the worker's Python once and look at what it has. Raises JobFailed when there is none."""
    _begin(environment.Check(preferences.worker_python(), preferences.SOURCE_ROOT), "Checking the worker")


def _begin(new_task, message: str) -> None:
    global task, outcome
    task, outcome = new_task, None
    panel_state.busy(message)


def cancel() -> None:
    """Ask a task to stop; its last event comes from a later poll."""
    global task
    if isinstance(task, environment.Build):
        task.cancel()
    elif task is not None:
        task.cancel()
        task = None
        panel_state.rest("Cancelled")


def start() -> None:
    """The add-on begins: put back the environment that a set-up moved aside if Blender ended in its middle."""
    try:
        environment.restore(preferences.environment_folder())
    except (JobFailed, OSError) as error:
        log.warning("The worker's former environment could not be put back: %s", error)


def stop() -> None:
    """The add-on goes away: stop now, and leave the environment that was there."""
    global task
    if isinstance(task, environment.Build):
        task.abandon()
    elif task is not None:
        task.cancel()
    task = None


def poll() -> None:
    """One look at the task; never blocks."""
    if isinstance(task, environment.Build):
        for event in task.poll():
            _show_build(event)
    elif task is not None:
        result = task.poll()
        if result is not None:
            _show_check(result)


def _show_build(event: dict) -> None:
    kind = event["event"]
    if kind == "stage":
        panel_state.show(message=event["title"], progress=event["index"] / max(event["count"], 1))
    elif kind == "bytes":
        panel_state.show(detail=f"{event['done'] / 1e6:.0f} of {event['total'] / 1e6:.0f} MB")
    elif kind == "line":
        panel_state.show(detail=event["text"][:200])
    elif kind == "done":
        _end(True, _use_what_was_built())
    elif kind == "cancelled":
        _end(False, "Cancelled")
    elif kind == "failed":
        _end(False, event["message"])
        panel_state.problem(event["message"], event["hint"], event["log"])


def _use_what_was_built() -> str:
    """A chosen Python would win over the new environment, which was asked for after it: it goes. Returns the words for
    the artist."""
    chosen = preferences.preferences().worker_python.strip()
    if not chosen:
        return "The worker is set up"
    preferences.preferences().worker_python = ""
    bpy.context.preferences.is_dirty = True
    return f"The worker is set up and used from now on; “{chosen}” is no longer chosen in the preferences"


def _show_check(result) -> None:
    if result.ok:
        devices = ", ".join(result.devices) or "no graphics card that it can use"
        _end(True, f"Python {result.version}, PyTorch {result.versions.get('torch', '?')}, {devices}")
    else:
        _end(False, result.message)
        panel_state.problem(result.message, result.hint)


def _end(ok: bool, message: str) -> None:
    global task, outcome
    task, outcome = None, (ok, message)
    panel_state.rest(message)
    panel_state.show(detail="")
