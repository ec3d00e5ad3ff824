"""Main loop of the worker, in its own Python: `python -m runtime.worker`, or one job with `--run FOLDER`.

Jobs run in the main thread. One thread reads control messages, so that a cancellation takes effect between two
denoising steps; one writes, so that a Blender that does not read (a long render) never stalls a job. Standard output
and error go to the log: a library's print reaches neither Blender nor the channel.
"""

import os
import sys

if __name__ == "__main__" and sys.path[0] in ("", os.getcwd()):
    # `python -m` searches the working folder first, perhaps a job's: its code must not run.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import argparse
import contextlib
import faulthandler
import json
import logging
import queue
import select
import shutil
import signal
import threading
import time
from pathlib import Path

from . import guard, messages
from .channel import Channel, ChannelClosed, WorkerListener
from .events import LAST_EVENTS, CancelledEvent, DoneEvent, Event, FailedEvent, StageEvent
from .job_runner import EngineLoader, run_job
from .messages import JobFailed, MessageError
from .process import DEFAULT_ENGINE

log = logging.getLogger("runtime.worker")

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_NO_CLIENT, EXIT_BLENDER_GONE, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 130
CONNECT_SECONDS = 120.0
# Time for the current step to end after Blender is gone.
EXIT_SECONDS = 3.0
# Time that a stage waits for its event to be sent to a Blender that may not read now.
SEND_SECONDS = 0.2


class WorkerSession:
    """The worker's side of the channel: receives jobs and sends events, until Blender ends it or is gone."""

    def __init__(self, channel: Channel, engine: EngineLoader, folder: Path):
        self._channel = channel
        self._folder = folder
        self._engine = engine
        self._inbox: queue.SimpleQueue[dict | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[tuple[str, str | None, dict, threading.Event]] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._exiting = threading.Event()

    def run(self) -> int:
        """Run jobs until there are no more; returns the exit code."""
        threading.Thread(target=self._read, name="control", daemon=True).start()
        threading.Thread(target=self._write, name="events", daemon=True).start()
        while (message := self._inbox.get()) is not None:
            if message["type"] == "load":
                self._load(message["model"])
            else:
                self._run_job(message["job"], Path(message["folder"]))
        return EXIT_DONE

    def _load(self, model: str) -> None:
        """Load a model before a job needs it. Failures are only logged here: the job that needs the model reports
        them."""
        try:
            self._engine.get().load(model)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a library's panic is not an Exception
            log.warning("%s could not be loaded beforehand: %s", model, error, exc_info=True)

    def _run_job(self, job: str, folder: Path) -> None:
        def announce(event: Event) -> None:
            if isinstance(event, LAST_EVENTS):  # logged first: what follows in the log is the next job's
                log.info("job %s: %s", job, event)
            is_sent = self._send(event.name, job, event.message_values())
            if event.name == StageEvent.name:
                # A stage that holds Python's lock would block the thread that sends its event.
                is_sent.wait(SEND_SECONDS)

        log.info("job %s in %s", job, folder)
        try:
            run_job(folder, self._engine, announce, lambda: self._exiting.is_set() or job in self._cancelled)
        except Exception as error:
            # For example an invalid folder name: an error of this job only.
            log.exception("job %s could not be run", job)
            announce(FailedEvent("internal", f"the job could not be run: {error}", "Send the job again."))

    def _read(self) -> None:
        code = EXIT_BLENDER_GONE
        while True:
            try:
                message = self._channel.receive()
            except MessageError as error:
                log.warning("dropped an invalid message: %s", error)
                continue
            except ChannelClosed:
                break
            if message is None:
                continue
            if message["type"] == "run":
                # A late cancellation of an earlier run of the same folder does not apply to this one.
                self._cancelled.discard(message["job"])
                self._inbox.put(message)
            elif message["type"] == "load":
                self._inbox.put(message)
            elif message["type"] == "cancel":
                self._cancelled.add(message["job"])
            elif message["type"] == "ping":
                self._send("pong", None, {"number": message["number"]})
            elif message["type"] == "shutdown":
                code = EXIT_DONE
                break
        self._exiting.set()
        if code == EXIT_BLENDER_GONE:
            _clean_up_after_blender(self._folder)
        self._inbox.put(None)
        time.sleep(EXIT_SECONDS)
        os._exit(code)

    def _send(self, kind: str, job: str | None, fields: dict) -> threading.Event:
        """Queue a message for the writing thread; the returned event is set once it is sent."""
        is_sent = threading.Event()
        self._outbox.put((kind, job, fields, is_sent))
        return is_sent

    def _write(self) -> None:
        while True:
            kind, job, fields, is_sent = self._outbox.get()
            try:
                self._channel.send(kind, job, **fields)
            except ChannelClosed:
                return
            except ValueError:
                log.exception("an event that is not a message")
                if kind in messages.LAST_KINDS:
                    # Blender waits for it.
                    self._send(
                        FailedEvent.name,
                        job,
                        FailedEvent("internal", "the job's end could not be reported", "").message_values(),
                    )
            is_sent.set()


def serve(engine: EngineLoader) -> int:
    """Wait for Blender at the address given on stdin, then run its jobs. Returns the exit code."""
    _start_log(logging.INFO)
    try:
        secret = json.loads(sys.stdin.readline())
        folder, listener = Path(secret["folder"]), WorkerListener(secret["address"], secret["key"])
        parent = int(secret.get("parent", 0))
    except (ValueError, KeyError, TypeError, OSError) as error:
        print(f"no address and key on standard input ({error}); to run one job: --run FOLDER", file=sys.stderr)
        return EXIT_USAGE
    if secret.get("is_main_thread"):
        guard.end_with_parent()
    guard.start(parent, str(folder))
    channel = _wait_for_blender(listener)
    _close_input()
    if channel is None:
        log.warning("no client has connected")
        _clean_up_after_blender(folder)
        return EXIT_NO_CLIENT
    return WorkerSession(channel, engine, folder).run()


def _clean_up_after_blender(folder: Path) -> None:
    """Remove the temporary folder that Blender created for this worker and can no longer remove."""
    os.chdir(folder.parent)
    shutil.rmtree(folder, ignore_errors=True)


def _wait_for_blender(listener: WorkerListener) -> Channel | None:
    """The channel, or None after CONNECT_SECONDS or when the parent process has ended meanwhile."""
    accepted: queue.SimpleQueue[Channel] = queue.SimpleQueue()
    threading.Thread(target=lambda: accepted.put(listener.accept()), name="listener", daemon=True).start()
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        with contextlib.suppress(queue.Empty):
            return accepted.get(timeout=0.25)
        # Blender closes standard input when it receives "ready", which may be before the channel is in the queue.
        if (time.monotonic() > deadline or _is_abandoned()) and listener.close():
            return None


def _is_abandoned() -> bool:
    """Whether standard input, which Blender keeps open until it has connected, has ended. Not detectable on Windows
    without blocking."""
    if sys.platform == "win32":
        return False
    return bool(select.select([0], [], [], 0)[0]) and not os.read(0, 1)


def _close_input() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _start_log(level: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        # The log must have a killed worker's last lines, whatever their encoding.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    logging.basicConfig(
        stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    faulthandler.enable()


def run_folder(folder: Path, engine: EngineLoader) -> int:
    """One job folder for the command line or a farm: progress and one-line errors on stderr, the rest in worker.log;
    the exit code."""
    _start_log(logging.WARNING)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        # Shells start background programs with interrupts ignored, although a farm sends them. Only nohup is respected.
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            signal.signal(number, signal.default_int_handler)
    guard.start()
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1) as console:

        def announce(event: Event) -> None:
            if isinstance(event, StageEvent):
                print(f"{event.stage} {event.step}/{event.steps}", file=console)

        last = run_job(folder, engine, announce, lambda: False)
        if isinstance(last, FailedEvent):
            print(f"error: {JobFailed(last.code, last.message, last.hint)}", file=console)
        elif isinstance(last, CancelledEvent):
            print("interrupted", file=console)
    return {DoneEvent: EXIT_DONE, FailedEvent: EXIT_FAILED, CancelledEvent: EXIT_INTERRUPTED}[type(last)]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code: 0 done, 1 the job failed, 2 bad usage, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="runtime.worker", description="Runs WaLa jobs: for Blender, or one folder.")
    parser.add_argument("--run", metavar="FOLDER", type=Path, help="run this job folder and exit")
    parser.add_argument("--engine", default=DEFAULT_ENGINE, metavar="MODULE:CLASS")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto)")
    parser.add_argument(
        "--low-memory",
        choices=("auto", "on", "off"),
        default="auto",
        help="the networks take turns on the device (default: auto)",
    )
    options = parser.parse_args(arguments)
    engine = EngineLoader(options.engine, options.device, options.low_memory)
    try:
        return run_folder(options.run, engine) if options.run else serve(engine)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def exit_process(code: int) -> None:
    """End the process without waiting for threads of libraries that may never end."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    exit_process(main())
