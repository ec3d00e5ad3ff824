"""The worker's environment: a real one built from stand-in packages without a network, and builds that go wrong."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile

import pytest
from packaging.requirements import Requirement

from runtime import environment, environment_check
from runtime.environment import Build
from runtime.events import BytesEvent, CancelledEvent, EnvironmentBuiltEvent

CONSTRAINTS = [
    Requirement(line)
    for line in environment_check.CONSTRAINTS.read_text("utf-8").splitlines()
    if not line.startswith("#")
]
LOCKED = {
    line.name: str(line.specifier).removeprefix("==")
    for line in CONSTRAINTS
    if line.marker is None or line.marker.evaluate()
}
# Every required package in the version that is locked.
STAND_INS = {name: LOCKED[name.replace("_", "-")] for name in environment_check.requirements()}


def write_wheel(folder, name, version):
    """A minimal wheel: one module that can be imported."""
    module, base = environment_check.IMPORT_NAMES.get(name, name), f"{name.replace('-', '_')}-{version}"
    source = "class ndarray: pass\nclass cuda:\n    is_available = lambda: False\n    device_count = lambda: 0\n"
    files = {
        f"{module}.py": source,
        f"{base}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{base}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}\n"
        for path, text in files.items()
    )
    with zipfile.ZipFile(folder / f"{base}-py3-none-any.whl", "w") as wheel:
        for path, text in (files | {f"{base}.dist-info/RECORD": record + f"{base}.dist-info/RECORD,,\n"}).items():
            wheel.writestr(path, text)


def finish(build, seconds=120.0, cancel_at=""):
    """Polls a build to its end; returns all events."""
    events, end = [], time.monotonic() + seconds
    while build.state == "running":
        assert time.monotonic() < end, events
        events += build.poll()
        if cancel_at and any(getattr(event, "stage", "") == cancel_at for event in events):
            build.cancel()
        time.sleep(0.005)
    assert build.poll() == []
    assert sum(event.name in ("done", "failed", "cancelled") for event in events) == 1
    return events


@pytest.fixture(autouse=True)
def small_needs(monkeypatch):
    """The stand-ins fit on any disk."""
    monkeypatch.setattr(environment, "NEEDED_BYTES", dict.fromkeys(environment.NEEDED_BYTES, 10**6))


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder of stand-in packages that is all that pip can see."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name, version in STAND_INS.items():
        write_wheel(folder, name, version)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    # What must not reach the worker's environment.
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    return folder


def test_a_real_environment(tmp_path, packages, source_root):
    folder = tmp_path / "Ordner mit Leerzeichen ñ" / "env"
    build = Build(folder, online_access=True, base_python=sys.executable, gpu=False)
    assert not folder.parent.exists()
    events = finish(build)
    assert events[-1] == EnvironmentBuiltEvent(str(environment.environment_python(folder)))
    stages = [event.stage for event in events if event.name == "setup-stage"]
    assert stages == list(environment.STAGES)
    assert any(f"torch-{STAND_INS['torch']}" in event.text for event in events if event.name == "line")
    result = environment.check(environment.environment_python(folder), source_root)
    assert result.ok and result.versions == STAND_INS and not result.cuda, result
    assert sorted(os.listdir(folder.parent)) == ["env", "env-setup.log"]


def test_where_the_locked_torch_is_not_built_the_newest_of_the_range_is_taken(tmp_path, packages, source_root):
    (packages / f"torch-{STAND_INS['torch']}-py3-none-any.whl").unlink()
    for version in ("2.9.1", "2.11.0", "2.12.0"):
        write_wheel(packages, "torch", version)
    folder = tmp_path / "env"
    last = finish(Build(folder, online_access=True, base_python=sys.executable, gpu=False))[-1]
    assert last.name == "done", last
    assert environment.check(environment.environment_python(folder), source_root).versions == STAND_INS | {
        "torch": "2.12.0"
    }


def test_newer_versions_than_the_locked_ones_are_not_taken(tmp_path, packages, source_root):
    for name in ("torch", "pillow", "numpy"):
        write_wheel(packages, name, environment_check.requirements()[name].partition("<")[2] + "a1")
        write_wheel(packages, name, STAND_INS[name] + ".1")
    folder = tmp_path / "env"
    assert finish(Build(folder, online_access=True, base_python=sys.executable, gpu=False))[-1].name == "done"
    assert environment.check(environment.environment_python(folder), source_root).versions == STAND_INS


def test_versions_that_are_too_old_and_packages_that_do_not_load_are_told():
    missing = {
        "libigl": "ImportError: no such file libigl.so",
        "the worker's own code": "ModuleNotFoundError: No module named 'runtime'",
        "scipy": "ModuleNotFoundError: No module named 'scipy'",
    }
    versions = {name: version for name, version in STAND_INS.items() if name not in missing} | {"torch": "1.13.1+cu117"}
    report = {"python": "p", "version": "3.9.1", "versions": versions, "missing": missing, "cuda": False, "devices": []}
    result = environment_check.result_of("p", ["noise", environment_check._MARK + json.dumps(report)], 0)
    assert not result.ok and "Set Up Worker" in result.hint
    for words in (
        "Python 3.9.1",
        "torch is 1.13.1+cu117",
        ">=2.10",
        "lacks scipy",
        "libigl.so",
        "the worker's own code does not load",
    ):
        assert words in result.message


@pytest.mark.parametrize(
    ("program", "words"), [("/nowhere/python", "cannot be started"), ("/bin/false", "exit code 1")]
)
def test_what_is_no_python_is_told(source_root, program, words):
    result = environment.check(program, source_root)
    assert not result.ok and program in result.message and words in result.message


def test_a_check_can_be_cancelled(source_root, tmp_path):
    program = tmp_path / "slow"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    check = environment.Check(program, source_root)
    assert check.poll() == []
    check.cancel()
    assert check.poll() == [CancelledEvent()] and check.poll() == []


# Plays a Python that can make environments; what its pip does is in the environment variable BEHAVIOUR.
FAKE = """#!{python}
import os, pathlib, shutil, sys, time
words = sys.argv[1:]
with open({calls!r}, "a") as file:
    file.write(repr(words) + "\\n")
behaviour = os.environ["BEHAVIOUR"]
if words[0] == "-c" and "ensurepip" in words[1]:
    print("BASE", os.environ.get("VERSION", "3.12.1"), sys.argv[0])
elif words[0] == "-c" and "WALA-CHECK" in words[1]:
    print("Fatal Python error: broken"); sys.exit(1)
elif words[0] == "-c":
    sys.argv = words[1:]
    exec(words[1])
elif words[1] == "venv":
    target = pathlib.Path(words[2])
    (target / "bin").mkdir(parents=True)
    (target / "pyvenv.cfg").write_text("")
    shutil.copy(sys.argv[0], target / "bin" / "python")
elif "--version" in words:
    print("pip 25.1 from nowhere")
elif any(word.startswith("torch") for word in words):
    print("Collecting torch\\nProgress 10 of 100\\nProgress 100 of 100")
    if behaviour == "sleep":
        sys.stdout.flush()
        time.sleep(60)
    if behaviour != "ok":
        print(behaviour); sys.exit(1)
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Builds with the fake Python; .calls() lists what it was asked for."""
    if sys.platform == "win32":
        pytest.skip("the fake is a script with a shebang")
    program, calls = tmp_path / "fake python", tmp_path / "calls"
    program.write_text(FAKE.format(python=sys.executable, calls=str(calls)))
    program.chmod(0o755)
    monkeypatch.setenv("BEHAVIOUR", "ok")

    class Fake:
        folder = tmp_path / "place" / "env"

        def build(self, behaviour="ok", online_access=True, gpu=False, cancel_at="", base_python=str(program)):
            monkeypatch.setenv("BEHAVIOUR", behaviour)
            return finish(Build(self.folder, online_access, base_python, gpu), 30, cancel_at)

        def calls(self):
            return calls.read_text().splitlines() if calls.exists() else []

        def start(self, behaviour="ok"):
            """A build that is polled up to the download of PyTorch."""
            monkeypatch.setenv("BEHAVIOUR", behaviour)
            build = Build(self.folder, True, str(program), False)
            end = time.monotonic() + 30
            while not any("Collecting torch" in getattr(event, "text", "") for event in build.poll()):
                assert build.state == "running" and time.monotonic() < end
                time.sleep(0.005)
            return build

        def start_removal(self):
            """A build that has just begun to remove an ".old"."""
            build = Build(self.folder, True, str(program), False)
            end = time.monotonic() + 30
            while not any("rmtree" in line for line in self.calls()):
                assert time.monotonic() < end
                build.poll()
                time.sleep(0.001)
            return build

        def put_old(self):
            (self.folder / "bin").mkdir(parents=True)
            for name in ("pyvenv.cfg", environment.MARKER, "bin/python"):
                (self.folder / name).write_text("old")

        def put_old_that_runs(self):
            self.put_old()
            shutil.copy(program, self.folder / "bin" / "python")

        def is_old(self):
            return (self.folder / "pyvenv.cfg").read_text() == "old" and environment.environment_python(
                self.folder
            ) is not None

        def is_left(self, *names):
            """Whether only these are left, at last: a helper removes the rest."""
            end = time.monotonic() + 20
            while sorted(os.listdir(self.folder.parent)) != sorted(names) and time.monotonic() < end:
                time.sleep(0.02)
            return sorted(os.listdir(self.folder.parent)) == sorted(names)

    return Fake()


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk-full"),
        ("WARNING: Retrying: NewConnectionError\\nERROR: No matching distribution found for torch", "network"),
        ("ERROR: No matching distribution found for torch", "build"),
        ("ERROR: something else", "build"),
        ("ok", "build"),
    ],
)
@pytest.mark.parametrize("is_old_there", [False, True])
def test_a_failed_build_leaves_what_was_there(fake, output, code, is_old_there):
    if is_old_there:
        fake.put_old()
    events = fake.build(output)
    assert (events[-1].name, events[-1].code) == ("failed", code)
    assert events[-1].message and events[-1].hint and events[-1].log
    assert sorted(os.listdir(fake.folder.parent)) == ["env"] * is_old_there + ["env-setup.log"]
    assert (environment.environment_python(fake.folder) is not None) == is_old_there
    if is_old_there:
        assert (fake.folder / "pyvenv.cfg").read_text() == "old"
    assert BytesEvent(10, 100) in events


@pytest.mark.parametrize("stage", ["python", "venv", "torch"])
def test_a_cancelled_build_leaves_what_was_there(fake, stage):
    fake.put_old()
    assert fake.build("sleep", cancel_at=stage)[-1] == CancelledEvent()
    assert sorted(os.listdir(fake.folder.parent)) == ["env", "env-setup.log"]
    assert (fake.folder / "pyvenv.cfg").read_text() == "old"


def test_an_abandoned_build_puts_back_what_was_there_at_once(fake):
    fake.put_old_that_runs()
    build = fake.start("sleep")
    assert environment.environment_python(fake.folder) is None
    build.abandon()
    assert fake.is_old() and build.state == "cancelled" and build.poll() == []
    assert fake.is_left("env", "env-setup.log")
    # And the next one may begin.
    assert fake.build("ERROR: x")[-1].name == "failed" and fake.is_old()


def test_what_a_dead_blender_moved_aside_is_put_back_at_the_next_start(fake):
    fake.put_old_that_runs()
    assert not environment.restore(fake.folder) and fake.is_old()
    aside = fake.folder.with_name("env.old")
    os.replace(fake.folder, aside)
    (fake.folder / "lib").mkdir(parents=True)
    (fake.folder / "lib" / "half").write_text("half")
    assert environment.restore(fake.folder) and fake.is_old()
    assert fake.is_left("env")
    # An older environment without a marker was on its way out: it stays out.
    (fake.folder / environment.MARKER).unlink()
    os.replace(fake.folder, aside)
    assert not environment.restore(fake.folder) and not fake.folder.exists()


def test_a_build_under_way_in_another_blender_is_left_alone(fake):
    fake.put_old_that_runs()
    build = fake.start("sleep")
    program = "from runtime import environment; import sys; print(environment.restore(sys.argv[1]))"
    other = subprocess.run(
        [sys.executable, "-c", program, str(fake.folder)], cwd=environment.SOURCE_ROOT, capture_output=True, text=True
    )
    assert other.stdout.strip() == "False", other.stderr
    second = fake.build()[-1]
    assert (second.name, second.code) == ("failed", "in-use") and "another Blender" in second.message
    assert fake.folder.with_name("env.old").is_dir() and build.state == "running"
    build.cancel()
    finish(build, 30)
    assert fake.is_old()


def test_what_an_interrupted_removal_left_goes_before_a_build_and_costs_nothing(fake):
    fake.put_old()
    for name in ("env.half", "env.old"):
        (fake.folder.with_name(name) / "lib").mkdir(parents=True)
    assert fake.build("ERROR: x")[-1].name == "failed" and fake.is_old()
    assert sorted(os.listdir(fake.folder.parent)) == ["env", "env-setup.log"]


def test_cancelling_before_the_working_environment_stepped_aside_does_not_remove_it(fake):
    fake.put_old()
    fake.folder.with_name("env.old").mkdir()
    build = fake.start_removal()
    build.cancel()
    assert finish(build, 30)[-1] == CancelledEvent() and fake.is_old()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one build of PyTorch")
@pytest.mark.parametrize(
    ("gpu", "index"),
    [(True, "https://download.pytorch.org/whl/cu128"), (False, "https://download.pytorch.org/whl/cpu")],
)
def test_pip_installs_ready_made_packages_and_torch_from_its_own_index(fake, gpu, index):
    fake.build(gpu=gpu)
    installs = [line for line in fake.calls() if "'install'" in line]
    assert len(installs) == 3 and all("'--only-binary', ':all:'" in line for line in installs)
    assert [index in line for line in installs] == [False, True, False]
    assert "'raw'" in installs[1]
    assert all(name in installs[2] for name in STAND_INS) and "'-c'" in installs[2]


def test_without_online_access_nothing_happens(fake):
    (event,) = fake.build(online_access=False)
    assert event.code == "offline" and "online access" in event.message.lower()
    assert fake.calls() == [] and not fake.folder.parent.exists()


def test_no_python_to_build_from(fake, monkeypatch):
    assert fake.build(base_python="/nowhere/python3")[-1].code == "no-python"
    monkeypatch.setenv("VERSION", "3.8.2")
    failure = fake.build()[-1]
    assert failure.code == "no-python" and "3.8.2" in failure.message
    assert not fake.folder.exists()


def test_a_folder_with_other_files_is_left_alone(fake):
    fake.folder.mkdir(parents=True)
    (fake.folder / "thesis.txt").write_text("precious")
    assert fake.build()[-1].code == "in-use"
    assert os.listdir(fake.folder) == ["thesis.txt"]


def test_a_half_environment_is_none_and_is_replaced(fake):
    fake.put_old()
    (fake.folder / environment.MARKER).unlink()
    assert environment.environment_python(fake.folder) is None
    fake.build("ERROR: x")
    assert not fake.folder.exists()


def test_too_little_space_is_told_before_anything_is_made(fake, monkeypatch):
    monkeypatch.setattr(environment, "NEEDED_BYTES", dict.fromkeys(environment.NEEDED_BYTES, 10**18))
    failure = fake.build()[-1]
    assert failure.code == "disk-full" and "GB free" in failure.message
    assert fake.calls() == []


def test_a_place_that_cannot_be_written(fake, tmp_path):
    (tmp_path / "file").write_text("")
    fake.folder = tmp_path / "file" / "env"
    assert fake.build()[-1].code == "cannot-write"
