"""The models in the preferences: listed, fetched, cancelled, verified and removed through a script that plays the
worker's `wala models`."""

import json
import os
from types import SimpleNamespace

import bpy
import pytest

# Has one model to fetch, which is there once it was fetched; "slow" never arrives.
SCRIPT = """
import json, os, sys, time
from pathlib import Path
here, words = Path({folder!r}), sys.argv[2:]
with open(here / "calls", "a") as file:
    print(json.dumps([words, os.environ.get("WALA_MODELS"), os.getpid()]), file=file)

def row(name, title, conditions, size=100_000_000, installed=None, shape_model=None):
    memory = dict(cuda=4.1e9, cuda_low=3.4e9, cpu=6.6e9) if size else None
    return dict(name=name, title=title, conditions=conditions, shape_model=shape_model, size=size, repository="R" if size else None, installed=installed,
                memory=memory, licence="Some Licence", non_commercial=bool(size), link="https://example.org", terms="Be good." if size else None,
                accepted=(here / "accepted").exists())

if words[0] == "list":
    there = "/there" if (here / "there").exists() else None
    print(json.dumps([row("starter", "Starter (small)", {{"sketch": {{}}, "text": {{}}}}, None, "/here"), row("rooms", "Rooms", {{"none": {{}}}}, installed=there),
                      row("views", "Views", {{"text": {{}}}}, installed="/views", shape_model="gone"), row("slow", "Slow", {{"none": {{}}}})]))
elif words[0] == "fetch":
    for done in (10_000_000, 60_000_000):
        print(json.dumps(dict(event="bytes", done=done, total=100_000_000, seconds_left=None if done < 50_000_000 else 200.0)))
    time.sleep(60 if words[-1] == "slow" else 0)
    (here / "there").touch()
    (here / "accepted").touch()
elif words[0] == "remove":
    (here / "there").unlink()
elif words[0] == "verify":
    sys.exit("wala: model.safetensors has the checksum 12…, expected 34…")
"""


@pytest.fixture
def library(extension, tmp_path):
    """The folder of the script; its ``calls`` are [words, models folder, process id] a line."""
    package = tmp_path / "wala_blender"
    package.mkdir()
    (package / "__init__.py").touch()  # or a wala_blender that is installed would come first
    (package / "__main__.py").write_text(SCRIPT.format(folder=str(tmp_path)), encoding="utf-8")
    extension.module("operators.preferences").SOURCE_ROOT = tmp_path
    extension.preferences.models_folder = str(tmp_path / "models")
    system = bpy.context.preferences.system
    system.use_online_access = True
    yield tmp_path
    system.use_online_access = False
    extension.session.current.models.stop()
    extension.module("operators.models.catalog").learn([])
    extension.preferences.models_folder = ""


def calls(folder):
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def fetch_slowly(extension, library):
    """A fetch under way, as in a window; returns its process id."""
    bpy.ops.wala.refresh_models()
    words = extension.module("runtime.downloads").fetch_arguments("slow", True)
    extension.session.current.models.begin(words, "Fetching Slow", "Fetched")
    extension.poll_until(lambda: extension.panel.models_progress > 0.5)
    return calls(library)[-1][-1]


def test_the_list_is_read_and_kept(extension, library):
    assert bpy.ops.wala.refresh_models() == {"FINISHED"}
    shown = {item.name: item for item in extension.panel.models}
    assert list(shown) == ["starter", "rooms", "views", "slow"]
    assert [item.offered for item in shown.values()] == [True, False, False, False] and shown["views"].installed
    rooms = shown["rooms"]
    assert (rooms.size, rooms.licence, rooms.can_fetch, rooms.can_remove) == (
        "0.1 GB",
        "Some Licence, non-commercial",
        True,
        False,
    )
    assert rooms.memory.startswith("about 4.1 GB on a graphics card, 3.4 GB in low-memory mode")
    assert calls(library)[0][:2] == [["list", "--json"], str(library / "models")]

    models = extension.module("operators.models.catalog")
    models.learn([])
    extension.module("operators.models.model_task").load_kept_list()  # as the next session does
    assert "rooms" in models.KNOWN and len(calls(library)) == 1


def test_a_model_is_fetched_offered_and_removed(extension, library):
    bpy.ops.wala.refresh_models()
    with pytest.raises(RuntimeError, match="was not accepted"):
        bpy.ops.wala.fetch_model(name="rooms")
    with pytest.raises(RuntimeError, match="no model to fetch"):
        bpy.ops.wala.fetch_model(name="starter", accept_licence=True)
    assert len(calls(library)) == 1
    extension.settings.model = "rooms"
    assert "not on this computer" in extension.module("operators.jobs.generate").what_is_missing(
        bpy.context, extension.settings
    )
    extension.settings.model, extension.settings.condition = "starter", "SKETCH"

    assert bpy.ops.wala.fetch_model(name="rooms", accept_licence=True) == {"FINISHED"}
    assert calls(library)[1][0] == ["fetch", "--json", "--accept-licence", "--", "rooms"]
    assert extension.panel.models["rooms"].offered and extension.panel.models_message == "Rooms: fetched"
    extension.settings.model = "rooms"
    assert extension.settings.condition == "NONE"
    assert [row.condition for row in extension.module("ui.panels").offered(extension.settings, extension.panel)] == [
        "none"
    ]

    with pytest.raises(RuntimeError, match="has the checksum 12…, expected 34…"):
        bpy.ops.wala.verify_model(name="rooms")
    assert (
        extension.panel.models_problem.startswith("model.safetensors has the checksum")
        and not extension.panel.models_busy
    )
    assert bpy.ops.wala.remove_model(name="rooms") == {"FINISHED"}
    assert not extension.panel.models["rooms"].installed and extension.panel.models["rooms"].can_fetch


def test_a_folder_is_added(extension, library):
    with pytest.raises(RuntimeError, match="Choose the folder"):
        bpy.ops.wala.add_model()
    assert bpy.ops.wala.add_model(directory=str(library), condition="sketch", accept_licence=True) == {"FINISHED"}
    assert calls(library)[0][0] == ["add", "--condition=sketch", "--accept-licence", "--", str(library)]


def test_nothing_is_fetched_without_online_access(extension, library):
    bpy.context.preferences.system.use_online_access = False
    assert bpy.ops.wala.refresh_models() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="Online Access"):
        bpy.ops.wala.fetch_model(name="rooms", accept_licence=True)
    assert [words for words, _, _ in calls(library)] == [["list", "--json"]]


def test_a_fetch_tells_how_far_it_is_and_is_cancelled(extension, library):
    pid = fetch_slowly(extension, library)
    assert extension.panel.models_busy and extension.panel.models_message == "0.06 of 0.10 GB, 3 min left"
    with pytest.raises(RuntimeError, match="being downloaded, added or removed"):
        bpy.ops.wala.check_worker()
    with pytest.raises(RuntimeError, match="being downloaded, added or removed"):
        bpy.ops.wala.refresh_models()
    extension.settings.condition, extension.settings.prompt = "TEXT", "a chair"
    assert bpy.ops.wala.generate.poll()
    bpy.ops.wala.cancel_models()
    extension.poll_until(lambda: not extension.panel.models_busy)
    assert extension.panel.models_message == "Cancelled" and not extension.panel.models_problem and not is_alive(pid)
    with pytest.raises(RuntimeError, match="Nothing is being done"):
        bpy.ops.wala.cancel_models()


def test_switching_off_in_the_middle_of_a_fetch_leaves_no_process_and_no_timer(extension, library):
    pid, tick = fetch_slowly(extension, library), extension.session.tick
    assert is_alive(pid)
    bpy.ops.preferences.addon_disable(module=extension.package)
    assert not is_alive(pid) and not bpy.app.timers.is_registered(tick) and tick() is None
    bpy.ops.preferences.addon_enable(module=extension.package)
    extension.session.tick()
    assert not extension.panel.models_busy


def test_a_kept_list_of_another_kind_or_folder_is_not_used(extension, library):
    bpy.ops.wala.refresh_models()
    downloads, models = extension.module("operators.models.model_task"), extension.module("operators.models.catalog")
    extension.preferences.models_folder = ""
    downloads.load_kept_list()
    assert list(models.KNOWN) == ["starter"]
    (extension.module("operators.preferences").folder("worker") / downloads.KEPT).write_text(
        '{"folder": "", "models": [{"name": 1}]}'
    )
    downloads.load_kept_list()
    assert list(models.KNOWN) == ["starter"]


def test_the_worker_is_told_where_models_lie_and_whether_to_save_memory(extension, library, monkeypatch):
    started = []
    session = extension.session
    played = SimpleNamespace(
        start=started.append,
        submit=lambda path: "job",
        cancel=lambda job: None,
        poll=lambda: (),
        stop=lambda: None,
        state="ready",
    )
    monkeypatch.setattr(session.current.queue, "supervisor", played)
    extension.settings.condition, extension.settings.prompt, extension.preferences.low_memory = "TEXT", "a chair", "on"
    extension.start()
    session.current.queue.running = None
    extension.preferences.low_memory = "auto"
    assert (started[0].models_folder, started[0].low_memory) == (str(library / "models"), "on")


class Layout:
    """Takes what is drawn and compares the names with Blender's; ``drawn`` has the texts."""

    icons = bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items.keys()

    def __init__(self, drawn):
        self.drawn = drawn

    def row(self, align=False):
        return Layout(self.drawn)

    column = row

    def label(self, text, icon="NONE"):
        assert icon in self.icons
        self.drawn.append(text)

    def template_list(self, kind, name, data, collection, active_data, index, rows):
        assert hasattr(bpy.types, kind) and hasattr(data, collection) and hasattr(active_data, index)

    def progress(self, factor, text):
        self.drawn.append(text)

    def operator(self, name, text="", icon="NONE"):
        assert icon in self.icons and hasattr(bpy.types, f"WALA_OT_{name.removeprefix('wala.')}")
        return SimpleNamespace()


def test_what_the_preferences_draw(extension, library):
    def drawn():
        texts = []
        extension.module("ui.library").draw_library(Layout(texts), extension.panel)
        return texts

    extension.session.tick()
    assert any("Refresh lists" in text for text in drawn())
    fetch_slowly(extension, library)
    extension.panel.model_index = 1
    assert {"Takes: none", "Licence: Some Licence, non-commercial", "0.06 of 0.10 GB, 3 min left"} <= set(drawn())
