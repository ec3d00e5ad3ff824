"""Which jobs stay: the newest, those somebody waits for, and whatever is no job; and nothing that goes wrong here is
heard of."""

import os
import time

import pytest

from runtime import job_retention, jobs
from runtime.events import CancelledEvent, DeliveredEvent, DoneEvent, FailedEvent, StartedEvent, StepEvent

EVENTS = {
    event.name: event
    for event in (
        StartedEvent(),
        StepEvent("sample", 0, 1, 0.5),
        DoneEvent(1.0),
        FailedEvent("bad-input", "no", ""),
        CancelledEvent(),
        DeliveredEvent(),
    )
}


def age(folder, seconds):
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (time.time() - seconds,) * 2)


@pytest.fixture
def make(tmp_path):
    """Writes a job of an age in seconds with the events of those names."""

    def write(seconds, *events):
        folder = jobs.write_job(tmp_path, jobs.Request(jobs.new_id(), "starter", "text", {"prompt": "a chair"}), {})
        for name in events:
            jobs.append_event(folder, EVENTS[name])
        age(folder, seconds)
        return folder

    return write


def left(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize("end", ["failed", "cancelled", "delivered"])
def test_the_newest_jobs_stay(make, tmp_path, end):
    folders = [make(seconds, "started", "done", end) for seconds in (50, 10, 40, 20, 30)]
    # Events that come late do not make a job newer.
    jobs.append_event(folders[0], EVENTS[end])
    newest = sum(job_retention.size_of(folders[number]) for number in (1, 3, 4))
    job_retention.prune(tmp_path, newest, ())
    assert left(tmp_path) == sorted(folders[number].name for number in (1, 3, 4))
    job_retention.prune(tmp_path, newest - 1, ())
    assert left(tmp_path) == sorted(folders[number].name for number in (1, 3))


def test_a_job_somebody_waits_for_stays(make, tmp_path):
    running, undelivered, untouched = make(50, "started", "step"), make(60, "started", "done"), make(70)
    ours, forgotten = make(10**7, "started", "done"), make(10**6, "started", "done")
    newest = make(0, "done", "delivered")
    job_retention.prune(tmp_path, job_retention.size_of(newest), [ours])
    assert left(tmp_path) == sorted(path.name for path in (running, undelivered, untouched, ours, newest))
    assert not forgotten.exists()
    job_retention.mark_delivered(undelivered)
    job_retention.prune(tmp_path, job_retention.size_of(newest), [ours])
    assert not undelivered.exists() and running.exists()


def test_what_is_no_job_is_left_alone_and_a_half_written_one_goes_after_a_day(make, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = make(10**7, "failed")
    os.replace(folder, elsewhere / folder.name)
    os.symlink(elsewhere / folder.name, tmp_path / ("a" * 32))
    (tmp_path / ("b" * 32)).write_text("a file")
    (tmp_path / "my chairs").mkdir()
    old, fresh = tmp_path / f".{'c' * 32}.partial", tmp_path / f".{'d' * 32}.partial"
    for path in (old, fresh):
        (path / "inputs").mkdir(parents=True)
    age(old, 10**6)
    job_retention.prune(tmp_path, 0, ())
    assert left(tmp_path) == sorted([fresh.name, "a" * 32, "b" * 32, "elsewhere", "my chairs"])
    assert (elsewhere / folder.name / jobs.REQUEST).is_file()


def test_nothing_that_goes_wrong_is_heard_of(make, tmp_path, monkeypatch):
    job_retention.prune(tmp_path / "nowhere", 0, ())
    job_retention.mark_delivered(tmp_path / "nowhere")
    folder, other = make(10**6, "failed"), make(10**6 + 1, "failed")
    with open(folder / jobs.EVENTS, "wb") as file:
        file.write(b"[" * 4000)

    def refuse(path, *words, **more):
        raise PermissionError(13, "in use", str(path))

    monkeypatch.setattr(job_retention.shutil.os, "rmdir", refuse)
    job_retention.prune(tmp_path, 0, ())
    monkeypatch.undo()
    # What was not removed whole goes the next time.
    assert left(tmp_path) == sorted([folder.name, other.name])
    for path in (folder, other):
        age(path, 10**6)
    job_retention.prune(tmp_path, 0, ())
    assert left(tmp_path) == []
