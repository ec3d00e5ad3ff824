"""Setting up and checking the worker's Python environment. Knows the two long tasks and their polls; nothing about jobs."""

from ..runtime import environment
from . import board, preferences

task: "environment.Build | environment.Check | None" = None
outcome: tuple[bool, str] | None = None


def why_not() -> str:
    """Why no task and no job can start now. Cheap."""
    return "The worker's environment is being set up or checked" if task is not None else ""


def is_busy() -> bool:
    """Whether a task is under way."""
    return task is not None


def build(online_access: bool) -> None:
    """Begin to build the worker's own environment. Nothing is fetched before the first poll, nor without online access."""
    _begin(environment.Build(preferences.environment_folder(), online_access), "Setting up the worker")


def check() -> None:
    """Begin to run the worker's Python once and look at what it has. Raises JobFailed when there is none."""
    _begin(environment.Check(preferences.worker_python(), preferences.SOURCE_ROOT), "Checking the worker")


def _begin(new_task, message: str) -> None:
    global task, outcome
    task, outcome = new_task, None
    board.busy(message)


def cancel() -> None:
    """Ask a task to stop; its last event comes from a later poll."""
    global task
    if isinstance(task, environment.Build):
        task.cancel()
    elif task is not None:
        task.cancel()
        task = None
        board.rest("Cancelled")


def stop() -> None:
    """The add-on goes away: stop now."""
    global task
    if task is not None:
        task.cancel()
        task.poll()
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
        board.show(message=event["title"], progress=event["index"] / max(event["count"], 1))
    elif kind == "bytes":
        board.show(detail=f"{event['done'] / 1e6:.0f} of {event['total'] / 1e6:.0f} MB")
    elif kind == "line":
        board.show(detail=event["text"][:200])
    elif kind == "done":
        _end(True, "The worker is set up")
    elif kind == "cancelled":
        _end(False, "Cancelled")
    elif kind == "failed":
        _end(False, event["message"])
        board.problem(event["message"], event["hint"], event["log"])


def _show_check(result) -> None:
    if result.ok:
        devices = ", ".join(result.devices) or "no graphics card that it can use"
        _end(True, f"Python {result.version}, PyTorch {result.versions.get('torch', '?')}, {devices}")
    else:
        _end(False, result.message)
        board.problem(result.message, result.hint)


def _end(ok: bool, message: str) -> None:
    global task, outcome
    task, outcome = None, (ok, message)
    board.rest(message)
    board.show(detail="")
