"""Workers that die, lie or are never born, and Blenders that vanish: each is told in words, and the next job runs."""

import os
import signal
import subprocess
import sys
import time

import pytest

from runtime import channel, jobs
from runtime.process import describe_exit

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_a_killed_worker_is_noticed_and_the_next_job_runs(start, make_job, until):
    supervisor = start()
    folder, other = make_job(steps=1000, sleep=0.02), make_job()
    job, waiting = supervisor.submit(folder), supervisor.submit(other)
    until(supervisor, "step", job)
    pid = supervisor.pid
    os.kill(pid, signal.SIGKILL)
    events = until(supervisor, "worker-lost", job, seconds=1.0)
    lost = [event for event in events if event.name == "worker-lost"]
    assert [event.job for event in lost] == [job, waiting]
    assert lost[0].exit_code == -signal.SIGKILL and "SIGKILL" in lost[0].message
    assert "a library prints to standard output" in lost[0].log
    assert "before" in lost[1].message
    assert [jobs.read_events(one)[-1].code for one in (folder, other)] == ["worker-lost"] * 2
    assert supervisor.state == "stopped" and supervisor.running is None and supervisor.poll() == []

    until(supervisor, "done", supervisor.submit(other))
    assert supervisor.pid != pid
    assert jobs.read_result(other).record["count"] == 1


def test_a_lost_job_shows_no_lines_of_other_jobs(start, make_job, until):
    supervisor = start()
    earlier = supervisor.submit(make_job())
    until(supervisor, "done", earlier)
    folder = make_job(steps=1000, sleep=0.02)
    job, waiting = supervisor.submit(folder), supervisor.submit(make_job())
    until(supervisor, "step", job)
    os.unlink(folder / jobs.LOG)  # then the worker's own log is all there is
    os.kill(supervisor.pid, signal.SIGKILL)
    lost = {event.job: event.log for event in until(supervisor, "worker-lost", waiting) if event.name == "worker-lost"}
    assert job in lost[job] and earlier not in lost[job] and lost[waiting] == ""


def test_a_submit_before_the_loss_is_noticed_starts_a_new_worker(start, make_job, until):
    supervisor = start()
    until(supervisor, "worker-ready")
    pid = supervisor.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    events = until(supervisor, "done", supervisor.submit(make_job()))
    assert [(event.name, event.job) for event in events[:2]] == [("worker-lost", None), ("worker-ready", None)]
    assert supervisor.pid != pid


def test_a_crash_in_a_job_has_its_last_words_in_the_report(start, make_job, until):
    supervisor = start()
    for at, code in (("exit", 7), ("kill", -9)):
        lost = until(supervisor, "worker-lost", supervisor.submit(make_job(at=at, when=1)))[-1]
        assert lost.exit_code == code
        assert "last words before the" in lost.log
    until(supervisor, "done", supervisor.submit(make_job()))


def test_words_said_before_the_death_count(start, make_job, until):
    """The worker finishes and is killed before Blender looks: the job is done, not lost."""
    supervisor = start()
    folder = make_job()
    job = supervisor.submit(folder)
    until(supervisor, "worker-ready")
    supervisor.poll()
    end = time.monotonic() + 20
    while not any(event.name == "done" for event in jobs.read_events(folder)) and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(supervisor.pid, signal.SIGKILL)
    events = until(supervisor, "worker-lost")
    assert [event.name for event in events if event.job == job][-1] == "done"
    assert [event.job for event in events if event.name == "worker-lost"] == [None]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo broken installation >&2; exit 3", "broken installation"),
        ("exit 0", ""),
    ],
)
def test_a_program_that_is_no_worker(start, make_job, until, tmp_path, script, words):
    fake = tmp_path / "a python"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    supervisor = start(python=fake)
    lost = until(supervisor, "worker-lost")[-1]
    assert words in lost.log and "Set Up Worker" in lost.hint
    assert supervisor.state == "stopped"


IMPOSTOR = """#!{python}
import json, sys, time
sys.path.insert(0, {repository!r})
from multiprocessing.connection import Listener
from runtime import messages
secret = json.loads(sys.stdin.readline())
with Listener(secret["address"]) as listener, listener.accept() as connection:
    {behaviour}
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("connection.send_bytes(messages.encode('ready', proof='x', pid=1))", "prove"),
        (
            "connection.send_bytes(messages.encode('hello', name='wala-worker', protocol=messages.PROTOCOL, nonce='n', proof='')); connection.recv_bytes(); "
            "connection.send_bytes(messages.encode('ready', proof='x', pid=1))",
            "prove",
        ),
        (
            "connection.send_bytes(messages.encode('hello', name='wala-worker', protocol=99, nonce='n', proof=''))",
            "protocol 99",
        ),
    ],
)
def test_an_impostor_is_not_believed(start, make_job, until, tmp_path, behaviour, words):
    fake = tmp_path / "impostor"
    fake.write_text(IMPOSTOR.format(python=sys.executable, repository=REPOSITORY, behaviour=behaviour))
    fake.chmod(0o755)
    supervisor = start(python=fake)
    pid = supervisor.pid
    events = until(supervisor, "worker-lost", supervisor.submit(make_job()))
    assert words in events[-1].message
    assert "worker-ready" not in [event.name for event in events]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_that_never_answers_is_given_up(start, until, tmp_path, monkeypatch):
    from runtime import worker_connection as module

    monkeypatch.setattr(module, "START_SECONDS", 0.3)
    fake = tmp_path / "sleeper"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    lost = until(start(python=fake), "worker-lost")[-1]
    assert "did not answer" in lost.message


def test_garbage_said_to_the_worker_is_dropped(start, make_job, until):
    supervisor = start()
    folder = make_job(steps=50, sleep=0.01)
    job = supervisor.submit(folder)
    until(supervisor, "step", job)
    supervisor._connection._channel._frames.write(b"\x00{garbage", True)
    supervisor._connection._channel._frames.write(b'{"type": "run", "job": 5}', True)
    until(supervisor, "done", job)
    assert "an invalid message" in (folder / jobs.LOG).read_text() + supervisor.log.read_text()


BLENDER = """
import os, sys, time
sys.path[:0] = [{repository!r}]
from runtime.process import WorkerSettings
from runtime.supervisor import Supervisor
supervisor = Supervisor()
supervisor.start(WorkerSettings(sys.executable, {source_root!r}, engine="scripted_engine:ScriptedEngine", log_folder={log!r}))
wanted = {wanted!r}
if wanted == "started":
    supervisor.submit({folder!r})
while wanted and not any(event.name == wanted for event in supervisor.poll()):
    time.sleep(0.01)
print(supervisor.pid, os.path.dirname(supervisor._connection.process.address), flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("wanted", ["", "worker-ready", "started"])
def test_the_worker_ends_when_blender_ends(source_root, make_job, tmp_path, wanted):
    """Before it connected, while it is idle, and in the middle of a step that never ends; it clears up what Blender
    left."""
    folder = make_job(at="stuck", when=0)
    program = BLENDER.format(
        repository=REPOSITORY,
        source_root=str(source_root),
        log=str(tmp_path / "log"),
        folder=str(folder),
        wanted=wanted,
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    number, private = done.stdout.split()
    pid, end = int(number), time.monotonic() + 20
    while (is_running(pid) or os.path.exists(private)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(pid)
    assert not os.path.exists(private)


def is_running(pid):
    """Whether it runs; an orphan that ended may stay a zombie where nobody collects it."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return os.path.isdir("/proc/self") is False


def test_nothing_is_left_in_the_temporary_folder(start, make_job, until, tmp_path, monkeypatch):
    private = tmp_path / "t"
    private.mkdir()
    monkeypatch.setattr(channel.tempfile, "gettempdir", lambda: str(private))
    supervisor = start(log_folder=None)
    until(supervisor, "done", supervisor.submit(make_job()))
    assert supervisor.log.exists()
    os.kill(supervisor.pid, signal.SIGKILL)
    until(supervisor, "worker-lost")
    until(supervisor, "done", supervisor.submit(make_job()))
    supervisor.stop()
    assert list(private.iterdir()) == []


def test_exits_in_words():
    assert "SIGKILL" in describe_exit(-9)
    assert "0xC0000005" in describe_exit(0xC0000005)
    assert "exit code 1" in describe_exit(1)
    assert "signal" in describe_exit(-99)
