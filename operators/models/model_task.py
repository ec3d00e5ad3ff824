"""Background task that lists, fetches, adds, verifies and removes models, and the list kept between sessions."""

import logging

import bpy

from ...runtime import downloads
from ...runtime.events import BytesEvent, CancelledEvent, Event, FailedEvent, ModelsDoneEvent
from ...runtime.messages import JobFailed
from ...runtime.storage import read_json, write_json
from .. import preferences
from ..background_task import BackgroundTask
from ..jobs import panel_state
from . import catalog

log = logging.getLogger(__name__)

KEPT = "models.json"
NOT_A_LIST = (KeyError, TypeError, ValueError)


class ModelTask(BackgroundTask):
    """Runs `wala models …`, and refreshes the list after every operation."""

    busy_reason = "A model is being downloaded, added or removed: wait, or press Cancel in the add-on's preferences"

    def __init__(self) -> None:
        super().__init__()
        self._done_message = ""

    def begin(self, words: list[str], message: str, done_message: str) -> None:
        """Start a command; ``message`` is shown until its first progress. Raises JobFailed without starting."""
        self.run(_command(words))
        self._done_message = done_message
        panel_state.show(models_busy=True, models_message=message, models_progress=0.0, models_problem="")

    def handle(self, event: Event) -> None:
        if isinstance(event, BytesEvent):
            done, total = event.done, max(event.total, 1)
            panel_state.show(
                models_progress=done / total, models_message=progress_text(done, total, event.seconds_left)
            )
        elif isinstance(event, ModelsDoneEvent) and event.rows is not None:
            keep_list(event.rows)
            self.finish(True, self._done_message)
        elif isinstance(event, ModelsDoneEvent):
            self._done_message += f"; {event.note}" * bool(event.note)
            self._read_again()
        elif isinstance(event, CancelledEvent):
            self.finish(False, "Cancelled")
        elif isinstance(event, FailedEvent):
            log.warning("%s\n%s", event.message, event.log)
            self.finish(False, event.message)

    def _read_again(self) -> None:
        """Refresh the list after the operation."""
        try:
            self.run(_command(downloads.list_arguments()))
        except JobFailed as error:
            self.finish(False, str(error))

    def finish(self, ok: bool, message: str) -> None:
        super().finish(ok, message)
        words = panel_state.sentence(message)
        is_problem = not ok and message != "Cancelled"
        panel_state.show(
            models_busy=False,
            models_progress=0.0,
            models_message="" if is_problem else words,
            models_problem=words if is_problem else "",
        )


def _command(arguments: list[str]) -> downloads.Command:
    location = downloads.LibraryLocation(
        preferences.worker_python(), str(preferences.SOURCE_ROOT), preferences.models_folder()
    )
    return downloads.Command(location, arguments, bpy.app.online_access)


def progress_text(done: int, total: int, seconds_left: float | None) -> str:
    """Progress of a download as text; done, total: bytes."""
    if done >= total:
        return "Checking and converting"
    words = f"{done / catalog.GIGABYTE:.2f} of {total / catalog.GIGABYTE:.2f} GB"
    if seconds_left is None:
        return words
    return f"{words}, {seconds_left:.0f} s left" if seconds_left < 90 else f"{words}, {seconds_left / 60:.0f} min left"


def load_kept_list() -> None:
    """Load the model list kept by an earlier session; only the starter if there is none."""
    catalog.learn([])
    try:
        kept = read_json(preferences.folder("worker") / KEPT, "no-list", "no-list", "")
        if kept["folder"] == preferences.models_folder():
            catalog.learn(kept["models"])
    except JobFailed as error:
        log.debug("no kept list of models: %s", error)
    except NOT_A_LIST as error:
        log.warning("The kept list of models is of another kind: %s", error)


def keep_list(rows: list[dict]) -> None:
    """Use the output of `wala models list --json`, and keep it for the next session."""
    try:
        catalog.learn(rows)
        write_json(preferences.folder("worker") / KEPT, {"folder": preferences.models_folder(), "models": rows})
    except (JobFailed, OSError, *NOT_A_LIST) as error:
        log.warning("The list of models could not be used or kept: %s", error)
    panel_state.show_models(catalog.KNOWN.values())
