"""Guard process of the worker: ends it when Blender has ended, or when it does not react to a signal to end.

The worker cannot always end itself: it may be stopped, or a stage may hold Python's lock. The guard is a program of its
own, run by its path (`python -I -S guard.py`), and also ends the worker's subprocesses and removes the temporary folder
that Blender can no longer remove. On Linux the system ends the worker, too. Untested on macOS. Windows has job objects
instead (process.py).
"""

import contextlib
import ctypes
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import time

log = logging.getLogger(__name__)

# Time for the worker to react to a signal.
OBEY_SECONDS = 5.0
# Time from the worker's end to Blender's, when both are ending.
PARENT_SECONDS = 1.0
PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have Linux kill this process when the thread that started it ends; elsewhere, and if that has happened already,
    do nothing.

    Only for a process that was started by a thread which lives as long as its process, as Blender's main thread.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        log.warning("the system will not end this process with Blender: %s", os.strerror(ctypes.get_errno()))
    if os.getppid() != parent:
        # It ended just before.
        os.kill(os.getpid(), signal.SIGKILL)


def start(parent: int = 0, folder: str = "") -> None:
    """Start the guard of this process. parent: the process whose end also ends this process and its process group;
    ``folder`` is then removed.

    Without a parent: the guard kills this process if it does not react to a handled signal within OBEY_SECONDS. No
    effect on systems without such signals.
    """
    if sys.platform == "win32" or not sys.executable:
        return
    signals = _announced_signals() if not parent else None
    command = [sys.executable, "-I", "-S", "-B", os.path.abspath(__file__), str(os.getpid()), str(parent), folder]
    try:
        # Signals arrive on its standard input.
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if signals is None else signals,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
    except OSError as error:
        log.warning("no guard could be started: %s", error)
    if signals is not None:
        os.close(signals)


def _announced_signals() -> int:
    """Descriptor to which every handled signal is written as soon as it arrives, whatever Python is doing."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def exit_descriptor(pid: int):
    """Descriptor that select() reports as readable once the process has ended; None if it has, or if the system has
    none."""
    try:
        if hasattr(os, "pidfd_open"):
            return os.pidfd_open(pid)
        if hasattr(select, "kqueue"):
            queue = select.kqueue()
            queue.control(
                [
                    select.kevent(
                        pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT
                    )
                ],
                0,
            )
            return queue
    except OSError:
        # Ended already, or forbidden in a sandbox.
        pass
    return None


def has_ended(pid: int, descriptor, seconds: float = 0.0) -> bool:
    """Whether the process has ended, waiting up to ``seconds`` for it."""
    if descriptor is not None:
        return bool(select.select([descriptor], [], [], seconds)[0])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def watch(worker: int, parent: int) -> None:
    """Until the worker has ended: kill it when ``parent`` (0: none) ends, and when it does not react to a signal."""
    end, parent_end = exit_descriptor(worker), exit_descriptor(parent) if parent else None
    watched = [source for source in (end, parent_end, None if parent else sys.stdin.fileno()) if source is not None]
    deadline = None
    while os.getppid() == worker:
        readable = select.select(watched, [], [], 0.5)[0]
        if end in readable:
            return
        if sys.stdin.fileno() in readable:
            if not os.read(sys.stdin.fileno(), 64):
                watched.remove(sys.stdin.fileno())
            elif deadline is None:
                deadline = time.monotonic() + OBEY_SECONDS
        if (deadline is not None and time.monotonic() > deadline) or (parent and has_ended(parent, parent_end)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
            # A process in an uninterruptible wait for a device or a network drive ends after it.
            time.sleep(0.05)


def main(worker: int, parent: int, folder: str) -> None:
    """Watch, then clean up."""
    watch(worker, parent)
    if not parent:
        return
    with contextlib.suppress(OSError):
        os.killpg(worker, signal.SIGKILL)
    if folder and has_ended(parent, exit_descriptor(parent), PARENT_SECONDS):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
