"""The supervisor and a real worker process with the scripted engine: order, cancel, warmth, settings."""

import json
import os
import shutil
import sys
import time

import numpy as np
import pytest

from runtime import jobs
from runtime.events import WorkerReadyEvent
from runtime.messages import JobFailed
from runtime.supervisor import Supervisor


def names(events, job):
    return [event.name for event in events if event.job == job]


def test_two_jobs_run_in_order_on_one_warm_worker(start, make_job, until, source_root):
    supervisor = start(device="cpu")
    assert supervisor.state == "starting"
    folders = [make_job(steps=3), make_job(steps=2)]
    first, second = [supervisor.submit(folder) for folder in folders]
    assert supervisor.waiting == (first, second)
    events = until(supervisor, "done", second)

    assert events[0] == WorkerReadyEvent(supervisor.pid)
    expected = ["started", "stage", "stage", "step", "step", "step", "stage", "done"]
    assert names(events, first) == expected
    assert [event.job for event in events[1:]] == [first] * 8 + [second] * 7
    assert [event.step for event in events if event.name == "step" and event.job == first] == [0, 1, 2]
    assert supervisor.state == "ready" and supervisor.running is None and supervisor.waiting == ()

    for number, folder in enumerate(folders, start=1):
        result = jobs.read_result(folder)
        np.testing.assert_array_equal(np.abs(result.vertices), np.full((8, 3), 0.9, np.float32))
        assert len(np.unique(result.vertices, axis=0)) == 8 and result.faces.shape == (12, 3)
        assert result.record["count"] == number and result.record["pid"] == supervisor.pid
        assert result.record["device"] == "cpu" and result.record["seed"] == 7
        assert np.load(folder / "result" / "latent.npy").shape == (4, 12, 12, 12)
        written = [event.name for event in jobs.read_events(folder)]
        assert written == names(events, supervisor_id(folder))
    # Nothing but our source is on the worker's path, and what libraries print is in the job's log.
    assert result.record["path"] == str(source_root) and result.record["user_site"] == "1"
    log = (folder / jobs.LOG).read_text()
    assert "a library prints to standard output" in log and "a C library too" in log


def supervisor_id(folder):
    return json.loads((folder / jobs.REQUEST).read_text("utf-8"))["id"]


def test_cancel_between_steps_keeps_the_worker_warm(start, make_job, until):
    supervisor = start()
    folder = make_job(steps=500, sleep=0.02)
    job = supervisor.submit(folder)
    pid = supervisor.pid
    until(supervisor, "step", job)
    assert supervisor.cancel(job) and supervisor.cancel(job)
    events = until(supervisor, "cancelled", job)
    steps = [event.step for event in events if event.name == "step"]
    assert max(steps, default=0) < 400
    assert not supervisor.cancel(job)
    assert jobs.read_events(folder)[-1].name == "cancelled"
    assert not (folder / "result").exists()

    again = make_job(steps=1)
    until(supervisor, "done", supervisor.submit(again))
    assert supervisor.pid == pid and jobs.read_result(again).record["count"] == 2


def test_a_waiting_job_can_be_cancelled_and_a_cancelled_folder_run_again(start, make_job, until):
    supervisor = start()
    first, folder = make_job(steps=20, sleep=0.02), make_job(steps=1)
    running, waiting = supervisor.submit(first), supervisor.submit(folder)
    with pytest.raises(JobFailed) as caught:
        supervisor.submit(folder)
    assert caught.value.code == "job-exists"
    assert supervisor.cancel(waiting)
    events = until(supervisor, "done", running)
    assert names(events, waiting) == ["cancelled"]
    assert [event.name for event in jobs.read_events(folder)] == ["cancelled"]
    until(supervisor, "done", supervisor.submit(folder))
    assert jobs.read_result(folder).record["count"] == 2


def test_unknown_ids(start, make_job, until):
    supervisor = start()
    assert not supervisor.cancel("0" * 32)
    job = supervisor.submit(make_job(steps=3, sleep=0.05))
    until(supervisor, "started", job)
    # What an earlier job might still have to say does not come out.
    for kind in ("step", "stage"):
        supervisor._handle_message(
            {"type": kind, "job": "f" * 32, "stage": "sample", "step": 0, "steps": 1, "seconds": 0.5}
        )
    supervisor._handle_message({"type": "done", "job": "f" * 32, "seconds": 1.0})
    assert supervisor.running == job
    events = until(supervisor, "done", job)
    assert {event.job for event in events} == {job}


@pytest.mark.parametrize(
    ("at", "code", "words"),
    [
        ("fail", "bad-input", "Draw something first."),
        ("raise", "internal", "a defect"),
        ("memory", "internal", "MemoryError"),
        ("quit", "internal", "SystemExit"),
    ],
)
def test_a_failed_job_leaves_the_worker_alive(start, make_job, until, at, code, words):
    supervisor = start()
    folder = make_job(at=at, when=1)
    events = until(supervisor, "failed", supervisor.submit(folder))
    failure = events[-1]
    assert failure.code == code and words in failure.message + failure.hint
    assert jobs.read_events(folder)[-1].code == code
    if code == "internal":
        assert "Traceback" in (folder / jobs.LOG).read_text()
    pid = supervisor.pid
    until(supervisor, "done", supervisor.submit(make_job()))
    assert supervisor.pid == pid


def test_bad_folders_are_refused_at_submit_or_fail_in_the_worker(start, make_job, until, tmp_path):
    supervisor = start()
    with pytest.raises(JobFailed) as caught:
        supervisor.submit(tmp_path / "nothing")
    assert caught.value.code == "job-missing"
    until(supervisor, "worker-ready")
    # Made newer, and taken away, between the submit and the run.
    newer = make_job()
    job = supervisor.submit(newer)
    (newer / jobs.REQUEST).write_text(
        (newer / jobs.REQUEST).read_text().replace(f'"schema": {jobs.SCHEMA}', '"schema": 9')
    )
    assert until(supervisor, "failed", job)[-1].code == "job-newer"
    gone = make_job()
    job = supervisor.submit(gone)
    shutil.rmtree(gone)
    assert until(supervisor, "failed", job)[-1].code == "job-missing"
    until(supervisor, "done", supervisor.submit(make_job()))


def test_a_full_disk_fails_the_job_and_keeps_the_worker(start, make_job, until):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    supervisor = start()
    # A log that is full fails the job in the same words as a file that is, and nothing else.
    for at in ("full", "full-log"):
        assert until(supervisor, "failed", supervisor.submit(make_job(at=at, when=1)))[-1].code == "disk-full"
    folder = make_job()
    until(supervisor, "done", supervisor.submit(folder))
    assert jobs.read_result(folder).record["count"] == 3


def test_an_engine_that_cannot_be_loaded_is_told(start, make_job, until):
    supervisor = start(engine="no_such_module:Engine")
    failure = until(supervisor, "failed", supervisor.submit(make_job()))[-1]
    assert failure.code == "no-engine" and "no_such_module" in failure.message
    assert supervisor.state == "ready"


def test_stop_cancels_and_other_settings_start_another_worker(start, make_job, until):
    supervisor = start()
    until(supervisor, "worker-ready")
    pid = supervisor.pid
    start()
    assert supervisor.pid == pid
    running, waiting = supervisor.submit(make_job(steps=1000, sleep=0.02)), supervisor.submit(make_job())
    until(supervisor, "step", running)
    start(device="cpu")
    assert supervisor.pid != pid and not alive(pid)
    assert [(event.name, event.job) for event in supervisor.poll()] == [("cancelled", running), ("cancelled", waiting)]
    folder = make_job()
    until(supervisor, "done", supervisor.submit(folder))
    assert jobs.read_result(folder).record["device"] == "cpu"
    pid = supervisor.pid
    supervisor.stop()
    assert supervisor.state == "stopped" and not alive(pid) and supervisor.poll() == []
    supervisor.stop()


def test_after_a_stop_the_next_job_starts_a_worker_as_before(start, make_job, until):
    supervisor = start(device="cpu")
    until(supervisor, "done", supervisor.submit(make_job()))
    pid = supervisor.pid
    supervisor.stop()
    assert supervisor.poll() == [] and not alive(pid)
    folder = make_job()
    until(supervisor, "done", supervisor.submit(folder))
    record = jobs.read_result(folder).record
    assert (record["count"], record["device"]) == (1, "cpu") and record["pid"] == supervisor.pid != pid


def test_stop_ends_a_worker_that_is_stuck(start, make_job, until):
    supervisor = start()
    job = supervisor.submit(make_job(at="stuck", when=0))
    until(supervisor, "stage", job)
    pid = supervisor.pid
    supervisor.stop(0.2)
    assert not alive(pid)
    assert [event.name for event in supervisor.poll() if event.name != "stage"] == ["cancelled"]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_new_supervisor_does_nothing():
    supervisor = Supervisor()
    assert supervisor.poll() == [] and supervisor.state == "stopped"


def test_submit_without_settings_says_what_to_do(make_job):
    with pytest.raises(JobFailed) as caught:
        Supervisor().submit(make_job())
    assert caught.value.code == "worker-start" and "Set Up Worker" in caught.value.hint


def test_a_python_that_is_not_there(start):
    with pytest.raises(JobFailed) as caught:
        start(python="/nowhere/python3")
    assert caught.value.code == "worker-start" and "/nowhere/python3" in caught.value.message
    # The next start with a good one works.
    assert start(python=sys.executable).state == "starting"


def test_a_log_that_cannot_be_written_is_not_the_pythons_fault(start, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JobFailed) as caught:
        start(log_folder=tmp_path / "file")
    assert caught.value.code == "cannot-write" and "Python" not in str(caught.value)


def test_the_heartbeat_is_answered_and_silence_is_told_once(start, make_job, until, monkeypatch):
    import signal

    from runtime import worker_connection as module

    monkeypatch.setattr(module, "PING_SECONDS", 0.05)
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.3)
    supervisor = start()
    job = supervisor.submit(make_job(steps=60, sleep=0.02))
    events = until(supervisor, "done", job)
    assert "worker-silent" not in [event.name for event in events]
    for _ in range(60):
        assert supervisor.poll() == []
        time.sleep(0.01)
    assert supervisor._connection._ping_number > 3
    os.kill(supervisor.pid, signal.SIGSTOP)
    silent = until(supervisor, "worker-silent")
    time.sleep(0.1)
    assert [event.name for event in silent + supervisor.poll()].count("worker-silent") == 1
    os.kill(supervisor.pid, signal.SIGCONT)
    until(supervisor, "done", supervisor.submit(make_job()))


def test_a_model_is_loaded_before_a_job_asks_for_it(start, make_job, until):
    supervisor = start()
    supervisor.load("starter")
    until_log(supervisor, "loaded starter beforehand")
    job = supervisor.submit(make_job(steps=1))
    assert names(until(supervisor, "done", job), job)[0] == "started"


@pytest.mark.parametrize("model", ["fail", "die"])
def test_a_model_that_cannot_be_loaded_beforehand_costs_the_next_job_nothing(start, make_job, until, model):
    supervisor = start()
    supervisor.load(model)
    until_log(supervisor, f"loaded {model} beforehand")
    if model == "die":
        until(supervisor, "worker-lost", None)
    job = supervisor.submit(make_job(steps=1))
    until(supervisor, "done", job)


def until_log(supervisor, words):
    end = time.monotonic() + 20
    while words not in supervisor.log.read_text():
        assert time.monotonic() < end
        supervisor.poll()
        time.sleep(0.02)
