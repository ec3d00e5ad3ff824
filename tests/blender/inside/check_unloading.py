"""The worker's memory: given back on a press, after a rest and before a render, and never from under a job; the next
shape just works."""

import threading
from dataclasses import replace

import bpy
import pytest
import scenes

REST = 16 * 60  # seconds


@pytest.fixture
def supervisor(extension):
    """That of a worker which has made a shape and rests."""
    extension.settings.condition, extension.settings.prompt = "TEXT", "a chair"
    assert bpy.ops.wala.generate() == {"FINISHED"}
    supervisor = extension.session.current.queue.supervisor
    assert supervisor.state == "ready"
    yield supervisor
    chosen = extension.preferences
    chosen.idle_minutes, chosen.unload_before_render = 15, True


@pytest.fixture
def render():
    """A function: a tiny render, blocking."""
    scene = bpy.context.scene
    scenes.cube()
    scenes.camera((5, -6, 4), (0, 0, 0), False)
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 1, False
    scene.render.resolution_x = scene.render.resolution_y = 8
    return bpy.ops.render.render


@pytest.fixture
def busy(extension, supervisor):
    """The id of a job that takes its time, and is ended after the test."""
    extension.settings.prompt = "slow"
    ticket = extension.start()
    extension.poll_until(lambda: "step 1" in extension.panel.message)
    yield ticket.job
    extension.session.unload()


def test_a_press_unloads_and_the_next_shape_just_works(extension, supervisor):
    pid = supervisor.pid
    assert bpy.ops.wala.unload() == {"FINISHED"}
    assert supervisor.state == "stopped" and extension.panel.worker_state == "STOPPED"
    assert bpy.ops.wala.generate() == {"FINISHED"} and supervisor.pid != pid


def test_a_rest_of_minutes_unloads(extension, supervisor):
    session = extension.session
    session.tick()
    assert supervisor.state == "ready"
    session.current.used -= REST
    extension.preferences.idle_minutes = 0
    session.tick()
    assert supervisor.state == "ready"
    extension.preferences.idle_minutes = 15
    session.tick()
    assert supervisor.state == "stopped"


def test_neither_a_rest_nor_a_render_ends_a_job(extension, supervisor, busy, render):
    extension.session.current.used -= REST
    extension.session.tick()
    render()
    assert supervisor.running == busy and busy == extension.session.current.queue.running.job


def test_a_render_unloads_a_resting_worker(extension, supervisor, render):
    extension.preferences.unload_before_render = False
    render()
    assert supervisor.state == "ready"
    extension.preferences.unload_before_render = True
    render()
    assert supervisor.state == "stopped"
    assert bpy.ops.wala.generate() == {"FINISHED"}


def test_a_capture_that_renders_keeps_the_worker(extension, supervisor, render, monkeypatch):
    captures = extension.module("operators.conditions").CAPTURES

    def capture(context, settings):
        render()
        return captures["TEXT"].capture(context, settings)

    monkeypatch.setitem(
        extension.module("operators.jobs.submit").CAPTURES,
        "VIEWS",
        replace(captures["VIEWS"], condition="text", capture=capture),
    )
    extension.settings.condition, pid = "VIEWS", supervisor.pid
    assert bpy.ops.wala.generate() == {"FINISHED"} and supervisor.pid == pid


def test_a_render_in_a_thread_of_its_own_waits_for_the_timer(extension, supervisor):
    """As in a window; nothing of ours is touched but by the main thread."""
    render = threading.Thread(target=extension.module("operators.environment.render_memory").make_room)
    render.start()
    while extension.session.current.unload_soon is None:
        pass
    assert supervisor.state == "ready" and render.is_alive()
    extension.session.tick()
    render.join(extension.module("operators.environment.render_memory").PATIENCE / 2)
    assert supervisor.state == "stopped" and not render.is_alive()
    extension.module("operators.environment.render_memory").make_room()  # nothing to give back: nothing to wait for
