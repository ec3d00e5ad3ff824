"""Build of the worker's own Python environment, on the artist's request.

Runs venv and pip and selects PyTorch's index; environment_folder.py checks completeness. Independent of Blender: the
permission to use the network is an argument. A build is a chain of subprocesses, polled: each step of ``Build._steps``
yields a command and gets its outcome back when the program has ended. A build that fails, is cancelled or dies with
Blender leaves no environment that looks complete: a marker file is written last.
"""

import logging
import os
import re
import shutil
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .environment_check import (
    CONSTRAINTS,
    NEWEST_PYTHON,
    OLDEST_PYTHON,
    Check,
    CheckResult,
    base_pythons,
    check,
    check_command,
    locked,
    numbers,
    requirements,
    result_of,
    write_constraints,
)
from .environment_folder import (
    MARKER,
    EnvironmentLock,
    environment_python,
    put_back,
    remove_command,
    restore,
    sibling,
    venv_python,
)
from .events import BytesEvent, CancelledEvent, EnvironmentBuiltEvent, Event, FailedEvent, LineEvent, SetupStageEvent
from .messages import ONLINE_HINT, JobFailed
from .storage import log_tail, write_failure, write_json
from .subprocess_task import SubprocessTask

__all__ = ["Build", "Check", "CheckResult", "check", "environment_python", "has_nvidia_gpu", "restore"]
log = logging.getLogger(__name__)

# The folder of this package, which the worker's Python must be able to import from.
SOURCE_ROOT = str(Path(__file__).resolve().parents[1])
TORCH_INDEX = "https://download.pytorch.org/whl/"
CUDA_BUILD, CPU_BUILD = "cu128", "cpu"
# Unpacked size, with space for the downloads.
NEEDED_BYTES = {CUDA_BUILD: 12 * 10**9, CPU_BUILD: 3 * 10**9, "": 3 * 10**9}
# About what pip fetches for them, with the other packages.
DOWNLOAD_BYTES = {CUDA_BUILD: 3 * 10**9, CPU_BUILD: 4 * 10**8, "": 4 * 10**8}
STAGES = {
    "python": "Looking for a Python",
    "venv": "Making the environment",
    "pip": "Updating pip",
    "torch": "Installing PyTorch",
    "packages": "Installing the other packages",
    "check": "Trying it out",
}

_BASE_PROBE = "import sys, venv, ensurepip; print('BASE', sys.version.split()[0], sys.executable)"
ABANDON_SECONDS = 2.0
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_CAUSES = (
    (
        "disk-full",
        r"No space left on device|Errno 28\b|not enough space on the disk|Disk quota exceeded",
        "the disk is full",
        "Free some space, or choose another folder; then press Set Up Worker again.",
    ),
    (
        "network",
        r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries|IncompleteRead|"
        r"Connection reset|HTTP error",
        "the download failed",
        "Check the internet connection and proxy, then press Set Up Worker again: what has arrived is not downloaded twice.",
    ),
    (
        "build",
        r"No matching distribution|Could not find a version|ResolutionImpossible",
        "there is no ready-made package for this Python or system",
        "Choose another Python (3.11 to 3.13) in the preferences.",
    ),
)


def has_nvidia_gpu() -> bool:
    """Whether an NVIDIA driver is running."""
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def torch_build(gpu: bool) -> str:
    """PyTorch package index to use; "" = PyPI (macOS has one build)."""
    if sys.platform == "darwin":
        return ""
    return CUDA_BUILD if gpu else CPU_BUILD


@dataclass(frozen=True)
class Demand:
    """What a set-up takes: PyTorch's build, about how many bytes are fetched, how many of the disk are needed, and how
    many are free there, None if that is unknown."""

    build: str
    download: int
    disk: int
    free: int | None

    @property
    def fits(self) -> bool:
        """Whether there is room, as far as is known."""
        return self.free is None or self.free >= self.disk


def demand(folder: Path) -> Demand:
    """What building an environment in ``folder`` takes, on this computer."""
    build = torch_build(has_nvidia_gpu())
    place = next((path for path in (folder, *folder.parents) if path.is_dir()), folder)
    try:
        free: int | None = shutil.disk_usage(place).free
    except OSError:
        free = None
    return Demand(build, DOWNLOAD_BYTES[build], NEEDED_BYTES[build], free)


@dataclass(frozen=True)
class _Command:
    """Command of one step. stage "" = not shown."""

    stage: str
    argv: Sequence[str]


@dataclass(frozen=True)
class _Outcome:
    code: int
    lines: list[str]

    def last(self) -> str:
        return self.lines[-1] if self.lines else f"exit code {self.code}"


_Steps = Generator[_Command, _Outcome, None]


def _cause(outcome: _Outcome) -> tuple[str, str, str, str] | None:
    """Known cause of a failed step."""
    text = "\n".join(outcome.lines)
    return next((row for row in _CAUSES if re.search(row[1], text)), None)


class Build:
    """Build of the environment in ``folder``; it starts with the first poll(). An older complete one stays until the
    new one works.

    online_access: the value of bpy.app.online_access. base_python: "" = find one. gpu: None = detect. Events of poll():
    SetupStageEvent, LineEvent, BytesEvent, and as the last exactly one of EnvironmentBuiltEvent, FailedEvent,
    CancelledEvent.
    """

    def __init__(self, folder: Path | str, online_access: bool, base_python: str = "", gpu: bool | None = None):
        self._folder = Path(folder).resolve()
        self._old, self._half = sibling(self._folder, ".old"), sibling(self._folder, ".half")
        self._lock: EnvironmentLock | None = None
        self._online_access = online_access
        self._base_python = base_python
        self._torch = torch_build(has_nvidia_gpu() if gpu is None else gpu)
        self.log = self._folder.with_name(self._folder.name + "-setup.log")
        self.state = "running"
        self._is_cancelled = False
        self._base = ""
        self._touched = False
        self._is_complete = False
        self._last: Event = EnvironmentBuiltEvent(str(venv_python(self._folder)))
        self._task: SubprocessTask | None = None
        self._lines: list[str] = []
        self._events: list[Event] = []
        self._pending_steps: _Steps = self._steps()
        self._stage = ""

    def poll(self) -> list[Event]:
        """The events since the last call. Never blocks; to be called until ``state`` is no longer "running"."""
        if self.state == "running":
            try:
                self._advance()
            except StopIteration:
                self._end()
            except (JobFailed, OSError) as error:
                failure = error if isinstance(error, JobFailed) else write_failure(error, self._folder)
                self._undo(FailedEvent(failure.code, failure.message, failure.hint, log_tail(self.log)))
        events, self._events = self._events, []
        return events

    def cancel(self) -> None:
        """Stop; the CancelledEvent comes when the incomplete environment is removed."""
        if self.state == "running" and not self._is_complete and self._is_succeeding:
            self._is_cancelled = True
            if self._task:
                self._task.kill()

    def abandon(self) -> None:
        """Stop at once without events, for when polling ends. Waits briefly for the killed subprocess."""
        if self.state != "running":
            return
        if self._task:
            self._task.end(ABANDON_SECONDS)
        if self._touched and not self._is_complete:
            try:
                put_back(self._folder)
            except OSError as error:
                log.warning("the former environment comes back at the next start: %s", error)
        self._last = CancelledEvent()
        self._end()
        self._events.clear()

    def _advance(self) -> None:
        if self._is_cancelled and self._is_succeeding:
            if self._task is None or (self._task.poll() is not None and self._task.exit_code is not None):
                self._task = None
                self._undo(CancelledEvent())
            return
        if self._task is None:
            self._run(next(self._pending_steps))
            return
        for line in self._task.poll():
            self._read_line(line)
        if self._task.exit_code is not None:
            outcome = _Outcome(self._task.exit_code, self._lines)
            self._task = None
            self._run(self._pending_steps.send(outcome))

    def _run(self, command: _Command) -> None:
        self._lines = []
        if command.stage and command.stage != self._stage:
            self._stage = command.stage
            index, title = list(STAGES).index(command.stage), STAGES[command.stage]
            self._events.append(SetupStageEvent(command.stage, title, index, len(STAGES)))
        try:
            self._task = SubprocessTask(command.argv, self.log, SOURCE_ROOT if command.stage == "check" else "")
        except OSError as error:
            self._run(self._pending_steps.throw(error))

    def _read_line(self, line: str) -> None:
        if match := _PROGRESS.fullmatch(line):
            self._events.append(BytesEvent(int(match[1]), int(match[2])))
        else:
            self._lines.append(line)
            self._events.append(LineEvent(line))

    def _end(self) -> None:
        self.state = self._last.name
        self._events.append(self._last)
        if self._lock:
            self._lock.release()
            self._lock = None

    @property
    def _is_succeeding(self) -> bool:
        """Whether the build has had no failure so far."""
        return isinstance(self._last, EnvironmentBuiltEvent)

    def _undo(self, last: Event) -> None:
        if not self._is_succeeding:
            # The undo failed: the remains have no marker.
            self._end()
            return
        self._last = last
        self._task = None
        self._pending_steps = self._undo_steps()

    def _undo_steps(self) -> _Steps:
        if self._touched and not self._is_complete:
            if self._folder.exists():
                yield _Command("", remove_command(self._base, self._folder))
            if self._old.exists() and not self._folder.exists():
                os.replace(self._old, self._folder)

    def _steps(self) -> _Steps:
        """The build's commands, in order."""
        if not self._online_access:
            message = "setting up the worker needs the internet, and online access is off"
            raise JobFailed("offline", message, ONLINE_HINT)
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._lock = EnvironmentLock(self._folder)
        self.log.write_bytes(b"")
        self._check_space()
        yield from self._find_base()
        yield from self._move_old_aside()
        result = yield _Command("venv", [self._base, "-m", "venv", str(self._folder)])
        self._require(result, "the environment could not be made")
        python = str(venv_python(self._folder))
        yield from self._install(python)
        yield from self._check_environment(python)
        write_json(
            self._folder / MARKER,
            {"python": python, "torch": self._torch, "requirements": list(requirements().values())},
        )
        self._is_complete = True
        if self._old.exists():
            (self._old / MARKER).unlink(missing_ok=True)
            yield _Command("", remove_command(python, self._old))

    def _check_space(self) -> None:
        free, needed = shutil.disk_usage(self._folder.parent).free, NEEDED_BYTES[self._torch]
        if free < needed:
            message = (
                f"{self._folder.parent} has {free / 1e9:.1f} GB free; setting up the worker needs {needed / 1e9:.0f} GB"
            )
            raise JobFailed("disk-full", message, "Free some space, or choose another folder.")

    def _find_base(self) -> _Steps:
        tried = []
        for argv in base_pythons(self._base_python):
            try:
                outcome = yield _Command("python", [*argv, "-c", _BASE_PROBE])
            except OSError as error:
                tried.append(f"{' '.join(argv)}: {error.strerror or error}")
                continue
            mark, _, rest = outcome.last().partition(" ")
            version, _, executable = rest.partition(" ")
            if outcome.code == 0 and mark == "BASE" and OLDEST_PYTHON <= numbers(version)[:2] <= NEWEST_PYTHON:
                self._base = executable
                return
            tried.append(f"{' '.join(argv)}: {version if mark == 'BASE' else outcome.last()}")
        argv = "; ".join(tried) or "none found"
        raise JobFailed(
            "no-python",
            f"no Python 3.{OLDEST_PYTHON[1]} to 3.{NEWEST_PYTHON[1]} with venv and pip to build from ({argv})",
            "Install one from python.org (on Debian and Ubuntu also python3-venv), or choose one in the preferences.",
        )

    def _move_old_aside(self) -> _Steps:
        """Move an older environment aside until the new one works; a folder that is not an environment is left
        untouched."""
        if self._folder.exists() and any(self._folder.iterdir()) and not (self._folder / "pyvenv.cfg").exists():
            raise JobFailed("in-use", f"{self._folder} holds other files", "Choose an empty or new folder.")
        if self._half.exists():
            yield _Command("", remove_command(self._base, self._half))
        if environment_python(self._folder):
            if self._old.exists():
                yield _Command("", remove_command(self._base, self._old))
            try:
                os.replace(self._folder, self._old)
            except OSError as error:
                raise JobFailed(
                    "in-use", f"{self._folder} is in use: {error.strerror}", "Stop the worker, then try again."
                ) from error
        # From here on the folder is ours to remove.
        self._touched = True
        if self._folder.exists():
            yield _Command("", remove_command(self._base, self._folder))

    def _install(self, python: str) -> _Steps:
        pip = [python, "-m", "pip"]
        install = [*pip, "install", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
        self._require((yield _Command("pip", [*install, "--upgrade", "pip"])), "pip could not be updated")
        version = numbers(((yield _Command("pip", [*pip, "--version"])).last().split() + ["", ""])[1])
        install += ["--progress-bar", "raw" if version >= (24, 1) else "off"]
        wanted, constraints = requirements(), CONSTRAINTS
        # Without the constraints: PyTorch's own index has few versions of the packages that torch needs. The next step
        # corrects them.
        install_torch = [*install, "--index-url", TORCH_INDEX + self._torch] if self._torch else install
        outcome = yield _Command("torch", [*install_torch, locked("torch")])
        if outcome.code and _cause(outcome) is _CAUSES[-1]:
            # Not every version is built for every CUDA and macOS: the newest of the range that is.
            constraints = self._folder / "constraints.txt"
            write_constraints(constraints, without="torch")
            outcome = yield _Command("torch", [*install_torch, wanted["torch"]])
        self._require(outcome, "PyTorch could not be installed")
        self._require(
            (yield _Command("packages", [*install, "-c", str(constraints), *wanted.values()])),
            "the packages could not be installed",
        )

    def _check_environment(self, python: str) -> _Steps:
        outcome = yield _Command("check", check_command(python))
        result = result_of(python, outcome.lines, outcome.code)
        if not result.ok:
            raise JobFailed(
                "build", f"the new environment does not work: {result.message}", "Press Set Up Worker again."
            )

    def _require(self, outcome: _Outcome, what: str) -> None:
        if outcome.code == 0:
            return
        if known := _cause(outcome):
            code, _, cause, hint = known
            raise JobFailed(code, f"{what}: {cause}", hint)
        errors = [line for line in outcome.lines if line.startswith("ERROR")] or [outcome.last()]
        raise JobFailed("build", f"{what}: {errors[-1]}", "The log has the details; press Set Up Worker to try again.")
