"""One job without Blender: exit codes, and a quiet standard error. What the command line and a farm use."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from runtime import jobs, worker
from runtime.process import clean_environment

ENGINE = ["--engine", "scripted_engine:ScriptedEngine"]


@pytest.fixture
def run(source_root, tmp_path):
    """Runs the worker's command line; returns the finished process."""

    def call(*arguments, **more):
        return subprocess.run(
            [sys.executable, "-m", "runtime.worker", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=30,
            cwd=tmp_path,
            env=clean_environment(str(source_root)),
            **more,
        )

    return call


def test_one_job(run, make_job):
    folder = make_job(steps=2)
    done = run("--run", folder, *ENGINE, "--device", "cpu")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == ["condition 0/1", "sample 0/2", "sample 0/2", "sample 1/2", "surface 0/1"]
    assert jobs.read_result(folder).record["device"] == "cpu"
    assert jobs.read_events(folder)[-1].name == "done"
    assert "a library prints" in (folder / jobs.LOG).read_text()
    # The whole folder may be run where it was copied to, and again.
    copy = folder.parent / "on the farm"
    shutil.copytree(folder, copy)
    assert run("--run", copy, *ENGINE).returncode == 0
    assert [event.name for event in jobs.read_events(copy)].count("done") == 2


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("fail", "error: the sketch has no strokes. Draw something first."),
        ("raise", "a defect"),
        ("quit", "SystemExit"),
    ],
)
def test_a_failed_job_is_one_line(run, make_job, at, words):
    folder = make_job(at=at, when=0)
    done = run("--run", folder, *ENGINE)
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ") and words in last
    assert "Traceback" not in done.stderr
    assert not (folder / "result").exists()


def test_folders_that_are_no_jobs(run, make_job, tmp_path):
    done = run("--run", tmp_path / "nothing", *ENGINE)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "is missing" in done.stderr
    assert not (tmp_path / "nothing").exists()
    folder = make_job()
    path = folder / jobs.REQUEST
    path.write_text(path.read_text().replace(f'"schema": {jobs.SCHEMA}', f'"schema": {jobs.SCHEMA + 1}'))
    done = run("--run", folder, *ENGINE)
    assert done.returncode == 1 and "Update WaLa" in done.stderr
    assert not (folder / jobs.LOG).exists()


def test_an_engine_that_is_not_there(run, make_job):
    done = run("--run", make_job(), "--engine", "nothing:Engine")
    assert done.returncode == 1 and "cannot load nothing:Engine" in done.stderr and "Traceback" not in done.stderr


def test_bad_usage(run):
    assert run("--fast").returncode == worker.EXIT_USAGE
    lonely = run(input="")
    assert lonely.returncode == worker.EXIT_USAGE and "--run FOLDER" in lonely.stderr
    assert run(input="[1, 2]\n").returncode == worker.EXIT_USAGE


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(source_root, make_job, tmp_path, number):
    folder = make_job(steps=1000, sleep=0.05)
    # A shell that starts the tests in the background has interrupts ignored, and a child inherits that.
    process = subprocess.Popen(
        [sys.executable, "-m", "runtime.worker", "--run", str(folder), *ENGINE],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=clean_environment(str(source_root)),
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    assert process.stderr.readline().startswith("condition")
    os.kill(process.pid, number)
    rest = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and rest.splitlines()[-1] == "interrupted" and "Traceback" not in rest
    assert jobs.read_events(folder)[-1].name == "cancelled"
