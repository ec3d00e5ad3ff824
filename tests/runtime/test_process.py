"""The worker as a process: its log, one for each Blender, and the environment it is given."""

import os
import sys

import pytest

from runtime import process
from runtime.subprocess_task import SubprocessTask


def test_two_blenders_have_a_log_each_and_the_few_newest_stay(start, until, tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    # 30 Blenders that ended, one that runs (this test's parent) and has long not written, and what is not ours.
    ended = [f"worker-session-{10**9 + number}.log" for number in range(30)]
    for number, name in enumerate(ended):
        path = folder / name
        path.write_text("old")
        os.utime(path, (1000 + number, 1000 + number))
    running = folder / f"worker-session-{os.getppid()}.log"
    for path in (running, folder / "worker-session-notes.log", folder / "thesis.txt"):
        path.write_text("precious")
        os.utime(path, (1, 1))
    before = {path.name for path in folder.iterdir()}

    supervisor = start(log_folder=folder)
    until(supervisor, "worker-ready")
    assert supervisor.log == process.session_log(folder) and str(os.getpid()) in supervisor.log.name
    newest = set(ended[30 - process.LOGS_KEPT + 1 :])
    kept = {path.name for path in folder.iterdir()}
    assert supervisor.log.name not in before
    assert kept == newest | {supervisor.log.name, running.name, "worker-session-notes.log", "thesis.txt"}
    assert running.read_text() == "precious"


def test_logs_that_cannot_be_removed_do_not_disturb_a_start(start, until, tmp_path, monkeypatch):
    folder = tmp_path / "log"
    folder.mkdir()
    monkeypatch.setattr(process, "LOGS_KEPT", 0)
    monkeypatch.setattr(process, "_is_running", lambda pid: False)
    (folder / "worker-session-1.log").mkdir()
    until(start(log_folder=folder), "worker-ready")
    assert (folder / "worker-session-1.log").is_dir()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_the_worker_keeps_its_memory_unless_the_artist_says_otherwise(start, until, source_root, tmp_path, monkeypatch):
    for name in process.ALLOCATOR:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALLOC_TOP_PAD_", "7")
    supervisor = start()
    until(supervisor, "worker-ready")
    with open(f"/proc/{supervisor.pid}/environ", "rb") as file:
        given = dict(entry.partition("=")[::2] for entry in file.read().decode().split("\0"))
    assert {name: given.get(name) for name in process.ALLOCATOR} == {**process.ALLOCATOR, "MALLOC_TOP_PAD_": "7"}
    assert given["PYTHONPATH"] == str(source_root)
    # pip and the like need none of it.
    program = "import os; print([name for name in os.environ if name.startswith('MALLOC_')])"
    task = SubprocessTask([sys.executable, "-c", program], tmp_path / "task.log")
    lines = []
    while task.exit_code is None:
        lines += task.poll()
    assert lines == ["['MALLOC_TOP_PAD_']"]
