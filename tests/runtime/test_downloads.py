"""`wala models` as a helper program, played by a script: its progress, its errors, and its end in every way."""

import json
import os
import sys
import time

import pytest

from runtime import downloads
from runtime.downloads import Command, LibraryLocation
from runtime.events import CancelledEvent, ModelsDoneEvent
from runtime.messages import JobFailed

# Plays wala_blender; what it does is the model's name, or the action.
SCRIPT = """
import json, os, signal, sys, time
words = sys.argv[1:]
with open({told!r}, "w") as file:
    json.dump([words, os.environ.get("WALA_MODELS"), os.environ.get("HF_HUB_OFFLINE"), os.getpid()], file)
print("a library's remark")
if words[1] == "list":
    print(json.dumps([{{"name": "starter", "title": "Größe"}}]))
elif words[-1] == "refused":
    print("wala: a warning", file=sys.stderr)
    sys.exit("wala: the disk is full. Make room")
else:
    for done in (10, 60, 100):
        print(json.dumps({{"event": "bytes", "done": done, "total": 100, "seconds_left": None if done == 10 else 1.5}}))
    print("{{no JSON")
    if words[-1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60 if words[-1] == "slow" else 0)
    print(json.dumps({{"event": "done", "folder": "f", "note": "not checked"}}))
"""


@pytest.fixture
def played(tmp_path):
    """start(words) → a running Command; told() → what the script was given."""
    package = tmp_path / "Größe und x" / "wala_blender"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()  # or a wala_blender that is installed would come first
    (package / "__main__.py").write_text(SCRIPT.format(told=str(tmp_path / "told")), encoding="utf-8")

    class Played:
        location = LibraryLocation(sys.executable, str(package.parent), "/the models")

        def start(self, words, online_access=True):
            return Command(self.location, words, online_access)

        def told(self):
            return json.loads((tmp_path / "told").read_text())

    return Played()


def finish(command, until="", seconds=60.0):
    """Polls to the end, or to an event of that name; returns all events."""
    events, end = [], time.monotonic() + seconds
    while command.state == "running" and until not in [event.name for event in events]:
        assert time.monotonic() < end, events
        events += command.poll()
        time.sleep(0.005)
    return events


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_list_comes_as_plain_data(played):
    assert finish(played.start(downloads.list_arguments(), False)) == [
        ModelsDoneEvent([{"name": "starter", "title": "Größe"}])
    ]
    words, models, offline, _ = played.told()
    assert (words, models, offline) == (["models", "list", "--json"], "/the models", "1")


def test_a_fetch_tells_bytes_and_time_left(played):
    command = played.start(downloads.fetch_arguments("--name", True))
    events = finish(command)
    assert [(event.done, event.seconds_left) for event in events[:-1]] == [(10, None), (60, 1.5), (100, 1.5)]
    assert events[-1] == ModelsDoneEvent(note="not checked") and command.state == "done" and command.poll() == []
    words, _, offline, _ = played.told()
    assert words == ["models", "fetch", "--json", "--accept-licence", "--", "--name"] and offline is None


def test_without_a_models_folder_the_library_chooses(played, monkeypatch):
    monkeypatch.delenv("WALA_MODELS", raising=False)
    played.location = LibraryLocation(played.location.python, played.location.source_root)
    finish(played.start(downloads.verify_arguments("m")))
    assert played.told()[1] is None


def test_a_refusal_is_the_last_thing_said(played):
    event = finish(played.start(downloads.remove_arguments("refused")))[-1]
    assert event.name == "failed" and event.message == "the disk is full. Make room"
    assert "a warning" in event.log and "a library's remark" in event.log


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_a_program_that_the_system_ends_is_told(played):
    event = finish(played.start(downloads.fetch_arguments("killed", True)))[-1]
    assert event.name == "failed" and "SIGKILL" in event.message


def test_a_cancelled_fetch_is_gone(played):
    command = played.start(downloads.fetch_arguments("slow", True))
    finish(command, until="bytes")
    command.cancel()
    assert finish(command)[-1] == CancelledEvent() and command.state == "cancelled"
    assert is_gone(played.told()[-1])


def test_an_abandoned_fetch_is_gone_at_once(played):
    command = played.start(downloads.fetch_arguments("slow", True))
    finish(command, until="bytes")
    command.abandon()
    assert is_gone(played.told()[-1]) and command.state == "cancelled" and command.poll() == []
    command.abandon()


def test_without_online_access_nothing_is_started(played, tmp_path):
    with pytest.raises(JobFailed, match="online access is off") as caught:
        played.start(downloads.fetch_arguments("m", True), online_access=False)
    assert caught.value.code == "offline" and not (tmp_path / "told").exists()


def test_a_python_that_is_not_there(played):
    played.location = LibraryLocation("/nowhere/python", played.location.source_root)
    with pytest.raises(JobFailed, match="/nowhere/python could not be started"):
        played.start(downloads.list_arguments())


def test_a_folder_is_added_with_what_it_does_not_say():
    assert downloads.add_arguments("/x y") == ["add", "--", "/x y"]
    assert downloads.add_arguments("/x", "-n", "sketch", True) == [
        "add",
        "--name=-n",
        "--condition=sketch",
        "--accept-licence",
        "--",
        "/x",
    ]
