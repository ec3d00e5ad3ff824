"""The worker starts, and loads the model, when the panel is first seen: once in a session, where the preferences say
so, never in background."""

from types import SimpleNamespace

import bpy
import pytest


@pytest.fixture
def cold(extension):
    """A session whose worker was never started, as if in a window."""
    bpy.ops.preferences.addon_disable(module=extension.package)
    bpy.ops.preferences.addon_enable(module=extension.package)
    extension.use_shaping_engine()
    yield extension
    extension.preferences.start_with_panel = True
    extension.session.unload()


@pytest.fixture
def seen(cold, monkeypatch):
    """The panel is on the screen of a Blender with a window."""
    monkeypatch.setattr(
        cold.session,
        "bpy",
        SimpleNamespace(app=SimpleNamespace(background=False, timers=bpy.app.timers), context=bpy.context),
    )
    monkeypatch.setattr(cold.module("operators.scene.compatibility"), "is_panel_shown", lambda windows: True)
    cold.session.tick()
    return cold.session


def windows(kind="VIEW_3D", tab="WaLa", is_open=True):
    region = SimpleNamespace(type="UI", active_panel_category=tab)
    area = SimpleNamespace(
        type=kind, regions=[region], spaces=SimpleNamespace(active=SimpleNamespace(show_region_ui=is_open))
    )
    return [SimpleNamespace(screen=SimpleNamespace(areas=[area]))]


def test_the_panel_is_seen_where_the_sidebar_is_open_on_our_tab(extension):
    is_shown = extension.module("operators.scene.compatibility").is_panel_shown
    assert is_shown(windows())
    assert not (
        is_shown(windows(tab="Item"))
        or is_shown(windows(is_open=False))
        or is_shown(windows("IMAGE_EDITOR"))
        or is_shown([])
    )
    assert bpy.types.WALA_PT_main.bl_category == extension.module("operators.scene.compatibility").TAB
    assert "active_panel_category" in bpy.types.Region.bl_rna.properties


def test_a_seen_panel_starts_the_worker_which_loads_the_model_and_makes_the_first_shape(cold, seen):
    supervisor = seen.current.queue.supervisor
    assert supervisor.state == "starting" and not cold.panel.busy
    cold.poll_until(lambda: "loaded starter beforehand" in supervisor.log.read_text())
    pid, cold.settings.condition, cold.settings.prompt = supervisor.pid, "TEXT", "a chair"
    assert bpy.ops.wala.generate() == {"FINISHED"} and supervisor.pid == pid


def test_what_was_unloaded_stays_so_until_a_shape_is_asked_for(cold, seen):
    seen.unload()
    seen.tick()
    assert seen.current.queue.supervisor.state == "stopped"


def test_a_worker_that_cannot_start_is_no_error_of_the_panels(cold, monkeypatch):
    def refused(*arguments, **settings):
        raise cold.module("runtime.messages").JobFailed("worker-start", "no")

    monkeypatch.setattr(cold.session.current.queue.supervisor, "start", refused)
    cold.session.warm_up("starter")
    assert not cold.panel.problem and cold.session.current.queue.supervisor.state == "stopped"


def test_nothing_starts_in_background_or_against_the_preference(cold, monkeypatch):
    monkeypatch.setattr(cold.module("operators.scene.compatibility"), "is_panel_shown", lambda windows: True)
    cold.session.tick()
    assert cold.session.current.queue.supervisor.state == "stopped"
    cold.preferences.start_with_panel = False
    monkeypatch.setattr(
        cold.session,
        "bpy",
        SimpleNamespace(app=SimpleNamespace(background=False, timers=bpy.app.timers), context=bpy.context),
    )
    cold.session.tick()
    assert cold.session.current.queue.supervisor.state == "stopped"
