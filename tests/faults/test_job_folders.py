"""Job folders from anyone: links and pipes in place of files, requests of nonsense, runs that fail after one that did
not."""

import errno
import json
import os
import socket
import threading

import numpy as np
import pytest

from runtime import job_runner, jobs
from runtime.messages import Cancelled, JobFailed

pytestmark = pytest.mark.faults

TRIANGLE = (np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32), {"model": "starter"})
SECRET = b"what must stay as it is\n"


class Engine:
    """Writes every file that a job may have, or raises ``failure``."""

    def __init__(self, failure=None):
        self.failure = failure

    def get(self):
        return self

    def run(self, folder, request, progress):
        progress("sample", 0, 1)
        if self.failure:
            raise self.failure
        jobs.write_views(folder, {"depths_03.png": b"a map"})
        jobs.write_latent(folder, np.zeros((4, 12, 12, 12), np.float32))
        jobs.write_result(folder, *TRIANGLE)


def run(folder, engine=None):
    """The job's last event, in a limited time: a pipe would block for ever."""
    said = []
    thread = threading.Thread(
        target=job_runner.run_job, args=(folder, engine or Engine(), said.append, lambda: False), daemon=True
    )
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "the job blocks"
    return said[-1]


@pytest.fixture
def folder(tmp_path):
    request = jobs.Request(jobs.new_id(), "starter", "points", {"points": "inputs/points.npy"})
    return jobs.write_job(tmp_path / "jobs", request, {"points.npy": np.zeros((4, 3), np.float32)})


def put(kind, path, outside):
    """Put something else in a file's place."""
    if path.is_dir() and not path.is_symlink():
        path.rename(outside / "moved")
        if kind == "link":
            path.symlink_to(outside / "moved")
            return
    elif path.exists():
        path.rename(outside / "moved file")
    if kind == "link":
        path.symlink_to(outside / "secret")
    elif kind == "dangling link":
        path.symlink_to(outside / "new")
    elif kind == "hard link":
        os.link(outside / "secret", path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(path.parent)
        try:
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(path.name)
        finally:
            os.chdir(here)
    elif kind == "folder":
        path.mkdir()


KINDS = ["link", "dangling link", "loop", "device", "pipe", "socket", "folder"]
WRITTEN = [jobs.EVENTS, jobs.LOG, jobs.CLAIM]
READ = [jobs.REQUEST, "inputs/points.npy"]


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret").write_bytes(SECRET)
    yield path
    assert (path / "secret").read_bytes() == SECRET and not (path / "new").exists()


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("kind", [*KINDS, "hard link"])
def test_what_is_written_stays_in_the_folder(folder, outside, name, kind):
    put(kind, folder / name, outside)
    last = run(folder)
    assert (last.name, last.code) == ("failed", "cannot-write") and name in last.message
    assert jobs.last_event(folder) is None or name != jobs.EVENTS


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_stays_in_the_folder(folder, outside, name, kind):
    put(kind, folder / name, outside)
    last = run(folder)
    assert last.name == "failed" and last.code in ("job-invalid", "job-missing")
    with pytest.raises(JobFailed):
        jobs.read_request(folder)


@pytest.mark.parametrize("name", [jobs.INPUTS, jobs.RESULT])
@pytest.mark.parametrize("kind", ["link", "dangling link", "loop", "pipe"])
def test_folders_inside_are_no_links(folder, outside, name, kind):
    (folder / jobs.RESULT).mkdir()
    put(kind, folder / name, outside)
    last = run(folder)
    assert last.name == "failed" and last.code in ("job-invalid", "cannot-write")
    assert not (outside / "moved" / jobs.MESH).exists()


@pytest.mark.parametrize("name", [jobs.RECORD, jobs.MESH])
@pytest.mark.parametrize("kind", KINDS)
def test_results_are_read_from_files_alone(folder, outside, name, kind):
    assert run(folder).name == "done"
    put(kind, folder / jobs.RESULT / name, outside)
    with pytest.raises(JobFailed) as caught:
        jobs.read_result(folder)
    assert caught.value.code in ("result-invalid", "result-missing")


@pytest.mark.parametrize("name", [jobs.RECORD, jobs.MESH, jobs.LATENT, "depths_03.png"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe"])
def test_a_result_takes_the_place_of_a_link_and_not_of_what_it_leads_to(folder, outside, name, kind):
    (folder / jobs.RESULT).mkdir()
    put(kind, folder / jobs.RESULT / name, outside)
    assert jobs.read_views(folder) == []
    assert run(folder).name == "done"
    assert not (folder / jobs.RESULT / name).is_symlink()
    np.testing.assert_array_equal(jobs.read_result(folder).vertices, TRIANGLE[0])
    assert [view.index for view in jobs.read_views(folder)] == [3]


@pytest.mark.parametrize("value", ["inputs/x.xyz", "x.ply", "inputs/deep/x.glb"])
@pytest.mark.parametrize("kind", ["link", "device", "pipe"])
def test_an_input_of_any_name_is_no_link(folder, outside, value, kind):
    (folder / value).parent.mkdir(exist_ok=True)
    put(kind, folder / value, outside)
    rewrite(folder, '"inputs/points.npy"', json.dumps(value))
    assert run(folder).code == "job-invalid"


def rewrite(folder, old, new):
    path = folder / jobs.REQUEST
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"scale": null', f'"scale": {"9" * 400}'),
        ('"scale": null', f'"scale": {"9" * 5000}'),
        ('"scale": null', '"scale": 1e999'),
        ('"scale": null', '"scale": NaN'),
        ('"steps": null', f'"steps": {"9" * 400}'),
        ('"seed": 0', f'"seed": {"9" * 5000}'),
        ('"seed": 0', '"seed": -0.5'),
        ('"inputs/points.npy"', f"{'9' * 400}"),
        ('"inputs/points.npy"', '"a\\u0000b"'),
        ('"inputs/points.npy"', '"\\ud800"'),
        ('"inputs/points.npy"', '["\\udfff"]'),
        ('"points": "inputs', '"\\ud800": "inputs'),
        ('"placement": {}', '"placement": {"x": 1e999}'),
        ('"placement": {}', f'"placement": {{"x": {"9" * 400}}}'),
        ('"placement": {}', '"placement": {"x": ' + "[" * 200 + "]" * 200 + "}"),
        ('"placement": {}', '"placement": {"x": ' + "[" * 90_000 + "]" * 90_000 + "}"),
        ('"model": "starter"', '"model": "a\\u0000"'),
        ('"model": "starter"', '"model": "../starter"'),
        ('"condition": "points"', f'"condition": "{"x" * 5000}"'),
        ('"id": "', '"id": "/'),
        ('"created": "', '"created": "\\u0000'),
        ('"schema": ', '"schema": 1e400, "x": '),
        ('"model": "starter"', f'"{"y" * 5000}": 1'),
        ("{", "\ufeff{"),
        ("}", ""),
        ('"inputs/points.npy"', '"inputs/../request.npy"'),
        ('"inputs/points.npy"', '"inputs//etc/passwd.npy"'),
    ],
    ids=range(27),
)
def test_a_request_of_nonsense_is_an_error_of_the_job(folder, old, new):
    rewrite(folder, old, new)
    last = run(folder)
    assert (last.name, last.code) == ("failed", "job-invalid")
    assert len(last.message) < 1_000 and jobs.last_event(folder).code == "job-invalid"


class Panic(BaseException):
    """As the libraries that are written in Rust raise it."""


FAILURES = [
    JobFailed("bad-input", "no"),
    RuntimeError("a defect"),
    MemoryError(),
    Cancelled(),
    SystemExit(3),
    KeyboardInterrupt(),
    Panic("a panic"),
    OSError(errno.ENOSPC, "full"),
    OSError("1000 requested and 0 written"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "no"),
    RecursionError("deep"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_rerun_that_fails_leaves_no_earlier_result(folder, failure):
    assert run(folder).name == "done"
    (folder / jobs.RESULT / ".mesh.npz.0123.partial").write_bytes(b"of a crash")
    (folder / jobs.RESULT / "notes.txt").write_text("not ours")
    assert run(folder, Engine(failure)).name in ("failed", "cancelled")
    assert os.listdir(folder / jobs.RESULT) == ["notes.txt"]
    with pytest.raises(JobFailed) as caught:
        jobs.read_result(folder)
    assert caught.value.code == "result-missing"


def test_two_workers_never_run_one_folder(folder):
    class Second(Engine):
        def run(self, path, request, progress):
            self.other = run(path)
            super().run(path, request, progress)

    engine = Second()
    assert run(folder, engine).name == "done"
    assert (engine.other.name, engine.other.code) == ("failed", "job-running")
    # The one that had to go has written nothing.
    assert [event.name for event in jobs.read_events(folder)] == ["started", "stage", "done"]
    assert run(folder).name == "done"


@pytest.mark.parametrize("name", ["a folder", "nothing", "a\0b", "\udcff" * 3, "\ud800", "x" * 300])
def test_what_is_no_job_is_left_as_it_is(tmp_path, name):
    (tmp_path / "a folder").mkdir()
    last = run(tmp_path / name)
    assert last.name == "failed" and last.code in ("job-missing", "job-invalid")
    assert os.listdir(tmp_path) == ["a folder"] and os.listdir(tmp_path / "a folder") == []
