"""The worker's ends: with Blender, with a farm's cancel, at Cancel when a stage hangs; starts that must not be lost;
imports that fail."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime import channel, engine, jobs, process, worker, worker_connection
from runtime import supervisor as supervising
from runtime.messages import JobFailed
from wala_blender.cli import generate, main

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform == "win32", reason="signals, and links that anybody may make"),
]

REPOSITORY = Path(__file__).resolve().parents[2]


def is_running(pid):
    """Whether it runs; an orphan that ended may stay a zombie where nobody collects it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()[:1] not in ("Z", "")


def ends(pids, seconds=15.0):
    end = time.monotonic() + seconds
    while (left := [pid for pid in pids if is_running(pid)]) and time.monotonic() < end:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return not left


# Starts


def test_many_starts_in_a_row_none_is_lost(start, supervisor, until, tmp_path):
    for number in range(12):
        start(log_folder=tmp_path / str(number))
        events = until(supervisor, "worker-ready")
        assert [event.name for event in events] == ["worker-ready"]
        # What a lost start looks like comes a moment after "ready".
        time.sleep(0.1)
        assert supervisor.poll() == [] and supervisor.state == "ready"
        supervisor.stop()


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.8])
def test_who_heard_that_the_worker_is_ready_is_served(monkeypatch, delay):
    """Blender closes the worker's input at "ready", and the channel comes to the main thread later than the end of the
    input."""

    class Slow(channel.WorkerListener):
        def __init__(self):
            self._decision = worker.threading.Lock()
            self._has_client, self._is_closed = True, False

        def accept(self):
            time.sleep(delay)
            return "the channel"

    monkeypatch.setattr(worker, "_is_abandoned", lambda: True)
    monkeypatch.setattr(worker, "CONNECT_SECONDS", 0.0)
    assert worker._wait_for_blender(Slow()) == "the channel"


def test_a_worker_whose_blender_is_gone_promises_nothing_any_more(monkeypatch):
    folder = channel.private_folder()
    listener = channel.WorkerListener(channel.socket_address(folder), "key")
    monkeypatch.setattr(worker, "_is_abandoned", lambda: True)
    assert worker._wait_for_blender(listener) is None
    from runtime import messages

    late = channel.try_connect(channel.socket_address(folder))
    hello = late.receive(5.0)
    late.send(
        "hello",
        name=messages.BLENDER_NAME,
        protocol=messages.PROTOCOL,
        nonce="n",
        proof=channel.prove("key", messages.BLENDER_NAME, hello["nonce"]),
    )
    with pytest.raises(channel.ChannelClosed):
        late.receive(5.0)
    listener._listener.close()
    folder.rmdir()


# The end of Blender

BLENDER = """
import json, os, signal, sys, time
sys.path.insert(0, {repository!r})
from runtime.process import WorkerSettings
from runtime.supervisor import Supervisor
supervisor = Supervisor()
supervisor.start(WorkerSettings(sys.executable, {source_root!r}, engine="scripted_engine:ScriptedEngine", log_folder={log!r}))
supervisor.submit({folder!r})
while not any(event.name == "stage" and event.stage == "sample" for event in supervisor.poll()):
    time.sleep(0.01)
time.sleep(0.3)
forked = os.fork() if {how!r} == "forked" else 0
if {how!r} == "forked" and not forked:
    time.sleep(600)
if {how!r} == "stopped":
    os.kill(supervisor.pid, signal.SIGSTOP)
children = os.popen("ps -o pid= --ppid " + str(supervisor.pid)).read().split()
print(json.dumps([supervisor.pid, os.path.dirname(supervisor._connection.process.address), forked, children]), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ps --ppid")
@pytest.mark.parametrize(
    ("how", "at"),
    [
        ("plain", "stuck"),
        ("plain", "gil"),
        ("plain", "child"),
        ("stopped", "stuck"),
        ("stopped", "gil"),
        ("forked", "stuck"),
        ("forked", "gil"),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_worker_and_what_it_started_end_with_blender(source_root, make_job, tmp_path, how, at, number):
    program = BLENDER.format(
        repository=str(REPOSITORY),
        source_root=str(source_root),
        log=str(tmp_path / "log"),
        folder=str(make_job(at=at, when=0)),
        how=how,
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as blender:
        pid, private, forked, children = json.loads(blender.stdout.readline())
        try:
            os.kill(blender.pid, number)
            blender.wait(10)
            assert len(children) == 1 + (at == "child")
            assert ends([pid, *map(int, children)])
            assert not os.path.exists(private)
        finally:
            if forked:
                os.kill(forked, signal.SIGKILL)


# A farm's cancel


def farm_command(folder, monkeypatch):
    """What `wala run` becomes, with the scripted engine."""
    made = []
    monkeypatch.setattr(generate.os, "execve", lambda *words: made.append(words))
    main.main(["run", str(folder)])
    _, words, environment = made[0]
    return [*words, "--engine", "scripted_engine:ScriptedEngine"], environment


def as_a_shell_starts_jobs():
    """In the background interrupts are ignored; hang-ups are not, whatever these tests were started with (nohup)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("at", ["", "stuck", "gil"])
def test_a_farm_ends_the_work_by_ending_the_process(source_root, make_job, monkeypatch, tmp_path, number, at):
    folder = make_job(at=at, when=0 if at else -1, steps=10_000, sleep=0.05)
    words, environment = farm_command(folder, monkeypatch)
    with subprocess.Popen(
        words,
        env={**environment, "PYTHONPATH": str(source_root)},
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        preexec_fn=as_a_shell_starts_jobs,
    ) as running:
        end = time.monotonic() + 30
        while (
            not any(getattr(event, "stage", "") == "sample" for event in jobs.read_events(folder))
            and time.monotonic() < end
        ):
            time.sleep(0.05)
        time.sleep(0.2)
        os.kill(running.pid, number)
        try:
            code = running.wait(15)
        finally:
            running.kill()
    assert code in (130, -signal.SIGKILL)
    if not at and number != signal.SIGKILL:
        assert code == 130 and jobs.last_event(folder).name == "cancelled"


@pytest.mark.parametrize(
    "name",
    [
        "numpy",
        "json",
        "runpy",
        "pkgutil",
        "torch",
        "logging",
        "runtime",
        "wala_blender",
        "scripted_engine",
        "encodings",
        "site",
    ],
)
def test_no_code_of_the_working_folder_runs(source_root, make_job, monkeypatch, name):
    folder = make_job(steps=1)
    (folder / f"{name}.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\nraise SystemExit(77)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep + "." + os.pathsep)
    words, environment = farm_command(".", monkeypatch)
    assert "" not in environment["PYTHONPATH"].split(os.pathsep)
    done = subprocess.run(
        words,
        env={**environment, "PYTHONPATH": str(source_root)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, (folder / "ran").exists()) == (0, False), done.stderr


@pytest.mark.parametrize("name", ["numpy", "torch", "argparse", "json", "queue", "logging"])
@pytest.mark.parametrize("module", ["runtime.worker", "wala_blender"])
def test_no_code_of_the_working_folder_runs_with_python_m(make_job, name, module):
    folder = make_job(steps=1)
    (folder / f"{name}.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        env={**process.clean_environment(str(REPOSITORY))},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, (folder / "ran").exists()) == (0, False), done.stderr


# Stages that hang


@pytest.mark.parametrize(
    "where",
    [{"at": "stuck", "when": 0}, {"at": "gil", "when": 0}, {"load": "stuck"}, {"load": "gil"}],
    ids=["step", "step with the lock", "load", "load with the lock"],
)
@pytest.mark.parametrize("again", [True, False])
def test_cancel_ends_a_worker_that_hangs_and_the_next_job_runs(start, make_job, until, monkeypatch, where, again):
    monkeypatch.setattr(supervising, "CANCEL_AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(supervising, "CANCEL_SECONDS", 60.0 if again else 0.5)
    monkeypatch.setattr(supervising, "CANCEL_LOAD_SECONDS", 60.0 if again else 0.3)
    one = start()
    job, waiting = one.submit(make_job(**where)), one.submit(make_job(steps=1))
    until(one, "stage", job)
    time.sleep(0.2)
    pid = one.pid
    assert one.cancel(job) and one.cancel(job)
    # A stage that was on its way before the cancel may still arrive.
    assert not again or {event.name for event in one.poll()} <= {"stage"}
    if again:
        time.sleep(0.3)
        one.cancel(job)
    last = until(one, "cancelled", job)[-1]
    assert "loads the model anew" in last.message
    events = until(one, "done", waiting)
    assert "worker-lost" not in [event.name for event in events] and one.pid != pid and ends([pid])


@pytest.mark.parametrize(
    ("where", "stage"),
    [({"at": "stuck", "when": 0}, "sample"), ({"load": "stuck"}, "load"), ({"at": "gil", "when": 0}, "sample")],
    ids=["step", "load", "step with the lock"],
)
def test_a_stage_that_hangs_is_told_with_its_name_and_the_button(start, make_job, until, monkeypatch, where, stage):
    monkeypatch.setattr(worker_connection, "PING_SECONDS", 0.05)
    one = start()
    until(one, "worker-ready")
    monkeypatch.setattr(worker_connection, "SILENCE_SECONDS", 0.5)
    job = one.submit(make_job(**where))
    until(one, "stage", job)
    silent = until(one, "worker-silent", job)[-1]
    assert silent.stage == stage and silent.seconds > 0.5
    one.stop(0.0)


# Imports that fail


RAISED = [
    "ImportError('no torch')",
    "ModuleNotFoundError('no torch')",
    "OSError(126, 'a DLL is missing')",
    "OSError('libcudart.so.12: cannot open')",
    "RuntimeError('numpy version')",
    "AttributeError('partially initialised')",
    "SystemError('bad')",
    "KeyError('x')",
    "TypeError('x')",
    "ValueError('x')",
    "NameError('x')",
    "SyntaxError('x')",
    "AssertionError()",
    "SystemExit(3)",
    "BaseException('a panic')",
    "RecursionError()",
]


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("where", ["module", "function"])
def test_whatever_an_import_raises_leads_to_set_up(tmp_path, monkeypatch, raised, where):
    code = f"raise {raised}" if where == "module" else f"def load():\n    raise {raised}\nload()"
    (tmp_path / "half_installed.py").write_text(code + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with pytest.raises(JobFailed) as caught, engine.converted_errors():
        importlib.import_module("half_installed")
    assert caught.value.code == "no-torch" and "Set Up Worker" in caught.value.hint


@pytest.mark.parametrize("raised", RAISED)
def test_an_engine_that_cannot_be_imported_leads_to_set_up(tmp_path, monkeypatch, raised):
    from runtime.job_runner import EngineLoader

    (tmp_path / "half_engine.py").write_text(f"raise {raised}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with pytest.raises(JobFailed) as caught:
        EngineLoader("half_engine:Engine", "cpu", "auto").get()
    assert caught.value.code == "no-engine" and "Set Up Worker" in caught.value.hint
