"""The one program at a time that looks after the models. Knows its polls, and what the preferences show of it; nothing
of jobs.

The list that it printed last is kept in Blender's user files, so that a new session knows the models without running
anything.
"""

import logging

import bpy

from ...runtime import downloads
from ...runtime.messages import JobFailed
from ...runtime.storage import read_json, write_json
from .. import preferences
from ..jobs import panel_state
from . import catalog

log = logging.getLogger(__name__)

KEPT = "models.json"
NOT_A_LIST = (KeyError, TypeError, ValueError)

command: downloads.Command | None = None
done_words = ""
outcome: tuple[bool, str] | None = None


def why_not() -> str:
    """Why nothing can be done with the models now. Cheap."""
    return (
        "The models are being looked after: wait, or press Cancel in the add-on's preferences"
        if command is not None
        else ""
    )


def is_busy() -> bool:
    """Whether the program runs."""
    return command is not None


def begin(words: list[str], message: str, done: str) -> None:
    """Start the program; the list is read again after whatever it does. Raises JobFailed, with nothing started."""
    global done_words, outcome
    _start(words)
    done_words, outcome = done, None
    panel_state.show(models_busy=True, models_message=message, models_progress=0.0, models_problem="")


def _start(words: list[str]) -> None:
    global command
    place = downloads.Place(preferences.worker_python(), str(preferences.SOURCE_ROOT), preferences.models_folder())
    command = downloads.Command(place, words, bpy.app.online_access)


def cancel() -> None:
    """Ask the program to stop; its last event comes from a later poll. What a fetch has brought stays for the next."""
    if command is not None:
        command.cancel()


def start() -> None:
    """The add-on begins: the models are what they were."""
    catalog.learn([])
    try:
        kept = read_json(preferences.folder("worker") / KEPT, "no-list", "no-list", "")
        if kept["folder"] == preferences.models_folder():
            catalog.learn(kept["models"])
    except JobFailed as error:
        log.debug("no kept list of models: %s", error)
    except NOT_A_LIST as error:
        log.warning("The kept list of models is of another kind: %s", error)


def stop() -> None:
    """The add-on goes away: stop now."""
    global command
    if command is not None:
        command.abandon()
    command = None


def poll() -> None:
    """One look at the program; never blocks."""
    for event in command.poll() if command is not None else ():
        _handle(event)


def _handle(event: dict) -> None:
    global done_words
    kind = event["event"]
    if kind == "bytes":
        done, total = event["done"], max(event["total"], 1)
        panel_state.show(
            models_progress=done / total, models_message=_progress_words(done, total, event["seconds_left"])
        )
    elif kind == "done" and event["rows"] is not None:
        _keep(event["rows"])
        _end(True, done_words)
    elif kind == "done":
        done_words += f"; {event['note']}" * bool(event["note"])
        _read_again()
    elif kind == "cancelled":
        _end(False, "Cancelled")
    else:
        log.warning("%s\n%s", event["message"], event["log"])
        _end(False, event["message"])


def _progress_words(done: int, total: int, seconds_left: float | None) -> str:
    if done >= total:
        return "Checking and converting"
    words = f"{done / catalog.GIGABYTE:.2f} of {total / catalog.GIGABYTE:.2f} GB"
    if seconds_left is None:
        return words
    return f"{words}, {seconds_left:.0f} s left" if seconds_left < 90 else f"{words}, {seconds_left / 60:.0f} min left"


def _keep(rows: list[dict]) -> None:
    try:
        catalog.learn(rows)
        write_json(preferences.folder("worker") / KEPT, {"folder": preferences.models_folder(), "models": rows})
    except (JobFailed, OSError, *NOT_A_LIST) as error:
        log.warning("The list of models could not be used or kept: %s", error)
    panel_state.show_models(catalog.KNOWN.values())


def _read_again() -> None:
    """The main thing is done: see what there is now."""
    try:
        _start(downloads.list_words())
    except JobFailed as error:
        _end(False, str(error))


def _end(ok: bool, message: str) -> None:
    global command, outcome
    command, outcome = None, (ok, message)
    words = panel_state.sentence(message)
    is_problem = not ok and message != "Cancelled"
    panel_state.show(
        models_busy=False,
        models_progress=0.0,
        models_message="" if is_problem else words,
        models_problem=words if is_problem else "",
    )
