"""Worker process: launch with a clean environment, secret on stdin, status, end.

Each Blender process has a worker log of its own, so that two Blenders do not overwrite each other's. The worker ends
with Blender: by guard.py, and on Windows by a job object. Only launching (tens of milliseconds) and ending it block;
everything else returns at once.
"""

import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from . import channel
from .messages import SET_UP_HINT, JobFailed
from .storage import write_failure

log = logging.getLogger(__name__)

DEFAULT_ENGINE = "runtime.engine:Engine"
LOGS_KEPT = 8
# On Linux, glibc returns every freed array of some megabytes to the system and allocates the next page by
# page. Models make such arrays all the time: keeping them makes a step of the autoencoder three times as fast where
# page faults are expensive (5.1 s to 1.6 s). In return, the worker's memory stays at its peak until it is unloaded.
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "20000000000", "MALLOC_TOP_PAD_": "500000000"}
# Signals of a defect, or of a package that does not fit this computer.
CRASHES = frozenset(
    -getattr(signal, name)
    for name in ("SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGABRT", "SIGTRAP")
    if hasattr(signal, name)
)


@dataclass(frozen=True)
class WorkerSettings:
    """How to launch a worker. python: a program; source_root: what holds runtime and wala_blender; engine:
    "module:Class".

    log_folder: "" = temporary. models_folder: "" = the library's own choice. low_memory: "auto", "on" or "off", as
    Pipeline.load takes it.
    """

    python: str
    source_root: str
    engine: str = DEFAULT_ENGINE
    device: str = "auto"
    log_folder: str = ""
    models_folder: str = ""
    low_memory: str = "auto"


def clean_environment(source_root: str = "") -> dict[str, str]:
    """This process's environment without the variables that control Python, so that no other installation affects the
    worker."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("PYTHON") and name != "__PYVENV_LAUNCHER__"
    }
    kept["PYTHONNOUSERSITE"] = "1"
    kept["PYTHONUTF8"] = "1"
    # Extensions must not write into their own folder.
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    if source_root:
        kept["PYTHONPATH"] = source_root
    return kept


def models_variables(models_folder: str) -> dict[str, str]:
    """Environment variables with the models folder; none for "", the library's default."""
    return {"WALA_MODELS": models_folder} if models_folder else {}


def worker_environment(source_root: str, models_folder: str = "") -> dict[str, str]:
    """The clean environment with the worker's performance settings and the models folder; the artist's other settings
    stay."""
    return {
        **(ALLOCATOR if sys.platform == "linux" else {}),
        **clean_environment(source_root),
        **models_variables(models_folder),
    }


def session_log(folder: Path | str) -> Path:
    """Log file of this Blender's worker, truncated at each start of it."""
    return Path(folder) / f"worker-session-{os.getpid()}.log"


def _remove_old_logs(folder: Path) -> None:
    """Remove old logs, except the newest and those of every running Blender."""
    found = [
        (path.stat().st_mtime, path)
        for path in folder.glob("worker-session-*.log")
        if path.stem.rpartition("-")[2].isdecimal()
    ]
    for _, path in sorted(found, reverse=True)[LOGS_KEPT:]:
        if not _is_running(int(path.stem.rpartition("-")[2])):
            with contextlib.suppress(OSError):
                path.unlink()


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":
        # A signal would end the process; but the system removes no file that its worker has open.
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def kill_group(process: subprocess.Popen) -> None:
    """Kill a process that was started ``detached``, with its subprocesses. No effect if it has ended."""
    if process.poll() is not None:
        return
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        log.debug("already gone", exc_info=True)


def detached() -> dict:
    """Popen's options for a subprocess without a console window that does not receive a Ctrl-C in Blender's
    terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


class WorkerProcess:
    """A launched worker. Raises JobFailed: "worker-start", or "disk-full" and "cannot-write" for its log."""

    def __init__(self, settings: WorkerSettings):
        self._folder = channel.private_folder()
        self._job_object = 0
        self.address = channel.socket_address(self._folder)
        self.key = channel.new_key()
        try:
            folder = Path(settings.log_folder) if settings.log_folder else self._folder
            folder.mkdir(parents=True, exist_ok=True)
            self.log = session_log(folder)
            self.log.write_bytes(b"")
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise write_failure(error, folder) from error
        try:
            _remove_old_logs(folder)
        except OSError as error:
            log.info("old logs stay: %s", error)
        try:
            self._process = self._launch(settings)
        except (OSError, ValueError) as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            message = f"the worker's Python {settings.python} could not be started: {getattr(error, 'strerror', None) or error}"
            raise JobFailed("worker-start", message, SET_UP_HINT) from error

    def _launch(self, settings: WorkerSettings) -> subprocess.Popen:
        command = [
            settings.python,
            "-m",
            "runtime.worker",
            "--engine",
            settings.engine,
            "--device",
            settings.device,
            "--low-memory",
            settings.low_memory,
        ]
        secret = {
            "address": self.address,
            "key": self.key,
            "folder": str(self._folder),
            "parent": os.getpid(),
            "is_main_thread": threading.current_thread() is threading.main_thread(),
        }
        # The working folder is first on the path of `python -m`, and on Windows a running program locks it: an empty
        # one of ours.
        with open(self.log, "ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=worker_environment(settings.source_root, settings.models_folder),
                **detached(),
            )
        if sys.platform == "win32":
            from . import windows_job

            self._job_object = windows_job.hold(int(process._handle))
        try:
            process.stdin.write(json.dumps(secret).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            # It died at once; exit_code() and its log have the reason.
            log.debug("the worker did not read its secret", exc_info=True)
        return process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def let_go(self) -> None:
        """Close the worker's standard input, whose end tells it, until it is connected, that Blender has ended."""
        try:
            self._process.stdin.close()
        except OSError:
            log.debug("the worker closed its input first", exc_info=True)

    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def kill(self) -> None:
        """Kill it and its subprocesses; exit_code() follows soon."""
        kill_group(self._process)

    def end(self, grace: float) -> None:
        """Wait up to ``grace`` seconds for it to exit, then kill it. Blocks that long."""
        try:
            self._process.wait(max(grace, 0.0))
        except subprocess.TimeoutExpired:
            self.kill()
            try:
                self._process.wait(1.0)
            except subprocess.TimeoutExpired:
                log.warning("worker %d does not end", self.pid)

    def clean(self) -> None:
        """Remove the temporary folder (with the log, unless that has another folder)."""
        self.let_go()
        if self._job_object:
            from . import windows_job

            windows_job.release(self._job_object)
            self._job_object = 0
        shutil.rmtree(self._folder, ignore_errors=True)


def describe_exit(exit_code: int | None) -> str:
    """How a process ended, as text."""
    if exit_code is None:
        return "does not answer any more"
    if exit_code < 0:
        try:
            name = signal.Signals(-exit_code).name
        except ValueError:
            name = "an unknown signal"
        return f"crashed ({name})" if exit_code in CRASHES else f"was ended by the system or another program ({name})"
    if exit_code > 255:
        return f"crashed (code 0x{exit_code:08X})"
    return f"ended by itself (exit code {exit_code})"
