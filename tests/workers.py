"""Fixtures of tests with real workers: a source root, job folders, and supervisors that are stopped afterwards."""

import shutil
import sys
import time
from pathlib import Path

import pytest

from runtime import jobs
from runtime.process import WorkerSettings
from runtime.supervisor import Supervisor

REPOSITORY = Path(__file__).resolve().parents[1]
ENGINE = "scripted_engine:ScriptedEngine"


@pytest.fixture(scope="session")
def source_root(tmp_path_factory):
    """A copy of runtime and the scripted engine under a path with spaces and letters that are not ASCII."""
    root = tmp_path_factory.mktemp("source") / "Größe und 形 x"
    shutil.copytree(REPOSITORY / "runtime", root / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "tests" / "runtime" / "scripted_engine.py", root)
    return root


@pytest.fixture
def make_job(tmp_path):
    """Writes a job folder whose inputs are the scripted engine's script."""

    def make(**script):
        request = jobs.Request(jobs.new_id(), "starter", "text", script, seed=7, placement={"at": [1, 2, 3]})
        return jobs.write_job(tmp_path / "Aufträge mit Leerzeichen", request, {})

    return make


@pytest.fixture
def supervisor():
    """A supervisor that has not started anything."""
    one = Supervisor()
    yield one
    one.stop(0.0)


@pytest.fixture
def start(supervisor, source_root, tmp_path):
    """Starts the supervisor's worker with the scripted engine."""

    def begin(**changes):
        settings = {
            "python": sys.executable,
            "source_root": str(source_root),
            "engine": ENGINE,
            "log_folder": str(tmp_path / "log"),
        }
        supervisor.start(WorkerSettings(**settings | {name: str(value or "") for name, value in changes.items()}))
        return supervisor

    return begin


@pytest.fixture
def until():
    """Polls a supervisor until an event of that name came (for that job), and returns all events up to it."""

    def wait(supervisor, name, job=None, seconds=30.0):
        events, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            for event in supervisor.poll():
                events.append(event)
            if any(event.name == name and job in (None, event.job) for event in events):
                return events
            time.sleep(0.01)
        raise AssertionError(f"no {name} within {seconds} s, only {events}")

    return wait
