"""Model downloads: `wala models …` in the worker's Python as a subprocess, to list, fetch, add, verify and remove
models.

Limited to that command's arguments and output. The folder of the models and the permission to use the network are
arguments.
"""

import contextlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .events import BytesEvent, CancelledEvent, Event, FailedEvent, ModelsDoneEvent, from_json
from .messages import ONLINE_HINT, SET_UP_HINT, JobFailed
from .process import describe_exit, models_variables
from .subprocess_task import SubprocessTask

ABANDON_SECONDS = 2.0
LINES_KEPT = 12
_MESSAGE_PREFIX = "wala: "  # prefix of the command's messages on standard error


@dataclass(frozen=True)
class LibraryLocation:
    """python: a program; source_root: the folder with wala_blender; models_folder: "" = the library's default."""

    python: str
    source_root: str
    models_folder: str = ""


def list_arguments() -> list[str]:
    """Arguments to list all models and their state."""
    return ["list", "--json"]


def fetch_arguments(name: str, is_accepted: bool) -> list[str]:
    """Arguments to download a model or resume its download. is_accepted: the user has read and accepted its licence."""
    return ["fetch", "--json", *["--accept-licence"] * is_accepted, "--", name]


def add_arguments(folder: str, name: str = "", condition: str = "", is_accepted: bool = False) -> list[str]:
    """Arguments to add a folder. name, condition: "" = as the folder states."""
    options = [f"--{option}={value}" for option, value in (("name", name), ("condition", condition)) if value]
    return ["add", *options, *["--accept-licence"] * is_accepted, "--", folder]


def verify_arguments(name: str) -> list[str]:
    """Arguments to read every file of a model and compare its checksum."""
    return ["verify", "--", name]


def remove_arguments(name: str) -> list[str]:
    """Arguments to delete a fetched model; an added folder's own files stay."""
    return ["remove", "--", name]


class Command:
    """One run of `wala models`, polled. Without ``online_access`` it may not use the network.

    Events of poll(): BytesEvent, and as the last exactly one of ModelsDoneEvent, FailedEvent, CancelledEvent. The
    downloaded part of a cancelled fetch is kept for the next. Raises JobFailed: "offline" for a fetch, "worker-start".
    """

    def __init__(self, location: LibraryLocation, arguments: Sequence[str], online_access: bool):
        if arguments[0] == "fetch" and not online_access:
            raise JobFailed(
                "offline",
                "fetching a model needs the internet, and online access is off",
                ONLINE_HINT,
            )
        self.state = "running"
        self._is_cancelled = False
        self._rows: list[dict] | None = None
        self._note = ""
        self._lines: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="wala-models-", ignore_cleanup_errors=True)
        variables = models_variables(location.models_folder) | ({} if online_access else {"HF_HUB_OFFLINE": "1"})
        program = [location.python, "-m", "wala_blender", "models", *arguments]
        try:
            self._task = SubprocessTask(
                program, Path(self._folder.name) / "models.log", str(location.source_root), variables
            )
        except (OSError, ValueError) as error:
            self._folder.cleanup()
            message = f"the worker's Python {location.python} could not be started: {getattr(error, 'strerror', None) or error}"
            raise JobFailed("worker-start", message, SET_UP_HINT) from error

    def poll(self) -> list[Event]:
        """The events since the last call. Never blocks; to be called until ``state`` is no longer "running"."""
        if self.state != "running":
            return []
        events = [event for line in self._task.poll() if (event := self._read_line(line))]
        if self._task.exit_code is not None:
            events.append(self._last_event(self._task.exit_code))
            self._end(events[-1].name)
        return events

    def cancel(self) -> None:
        """Stop; the CancelledEvent comes when the process has ended."""
        if self.state == "running":
            self._is_cancelled = True
            self._task.kill()

    def abandon(self) -> None:
        """Stop at once without an event, for when polling ends. Waits briefly for the killed process."""
        if self.state == "running":
            self._task.end(ABANDON_SECONDS)
            self._end("cancelled")

    def _read_line(self, line: str) -> Event | None:
        """The event in a line of output, if any; a list is kept for the last event."""
        try:
            output = json.loads(line) if line[0] in "{[" else None
        except ValueError:
            output = None
        with contextlib.suppress(ValueError):
            event = from_json(output)
            if isinstance(event, BytesEvent):
                return event
        if isinstance(output, dict) and isinstance(output.get("note"), str):
            self._note = output["note"]
        if isinstance(output, list):
            self._rows = output
        elif output is None:
            self._lines = [*self._lines, line][-LINES_KEPT:]
        return None

    def _last_event(self, exit_code: int) -> Event:
        if exit_code == 0:
            return ModelsDoneEvent(self._rows, self._note)
        if self._is_cancelled:
            return CancelledEvent()
        output = [line.removeprefix(_MESSAGE_PREFIX) for line in self._lines if line.startswith(_MESSAGE_PREFIX)]
        message = (
            output[-1]
            if output and exit_code > 0
            else f"the program that looks after the models {describe_exit(exit_code)}"
        )
        return FailedEvent("models", message, "", "\n".join(self._lines))

    def _end(self, state: str) -> None:
        self.state = state
        self._folder.cleanup()
