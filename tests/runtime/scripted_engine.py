"""An engine without a model: its stages follow the script in the job's inputs. Without torch.

inputs: steps, sleep (seconds a step), and "at": what happens before step ``when`` ("load": while the model loads):
fail, raise, memory, exit, quit, kill, full, full-log, gil, child, stuck.
"""

import ctypes
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from runtime import jobs
from runtime.job_runner import Progress
from runtime.messages import JobFailed

CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32) * 0.9
CUBE_FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ],
    np.int32,
)


class ScriptedEngine:
    """Counts its jobs, so that a test sees whether it was kept warm."""

    def __init__(self, device: str, low_memory: str):
        self._device = device
        self._count = 0

    def load(self, model: str) -> None:
        print(f"loaded {model} beforehand")
        if model.startswith("die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if model.startswith("fail"):
            raise JobFailed("bad-model", "there is no such model")

    def run(self, folder: Path, request: jobs.Request, progress: Progress) -> None:
        self._count += 1
        script = request.inputs
        steps = int(script.get("steps", 5))
        print("a library prints to standard output")
        os.write(1, b"a C library too\n")
        if "load" in script:
            progress("load", 0, 1)
            act(str(script["load"]))
        progress("condition", 0, 1)
        progress("sample", 0, steps)
        for step in range(steps):
            if step == int(script.get("when", -1)):
                act(str(script["at"]))
            progress("sample", step, steps)
            time.sleep(float(script.get("sleep", 0.0)))
        jobs.write_latent(folder, np.zeros((4, 12, 12, 12), np.float32))
        progress("surface", 0, 1)
        jobs.write_result(
            folder,
            CUBE,
            CUBE_FACES,
            {
                "model": request.model,
                "seed": request.seed,
                "count": self._count,
                "device": self._device,
                "pid": os.getpid(),
                "user_site": os.environ.get("PYTHONNOUSERSITE"),
                "path": os.environ.get("PYTHONPATH"),
            },
        )


def act(what: str) -> None:
    """Do to the worker what may happen to it."""
    if what == "fail":
        raise JobFailed("bad-input", "the sketch has no strokes", "Draw something first.")
    if what == "raise":
        raise RuntimeError("a defect")
    if what == "memory":
        raise MemoryError
    if what == "exit":
        print("last words before the crash")
        os._exit(7)
    if what == "quit":
        sys.exit(9)
    if what == "kill":
        print("last words before the kill")
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    if what == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")
    if what == "full-log":
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, 1)
        os.dup2(full, 2)
        print("what the log has no room for", flush=True)
    if what == "gil":
        # A C function that keeps Python's lock.
        ctypes.PyDLL(None).sleep(3600)
    if what == "child":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        time.sleep(3600)
    if what == "stuck":
        time.sleep(3600)
