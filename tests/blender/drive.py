"""Drives a windowed Blender as an artist would: clicks, keys, looks. Runs inside it, started by window.sh.

Each step of `story` is done by a timer, so that Blender lives between two of them. Writes /lab/out/report.txt and
pictures.
"""

import math
import os
import sys
import threading
import traceback

import bpy

SOURCE = os.environ.get("WALA_SOURCE", "/lab/source")
os.environ["WALA_TEST_PAUSE"] = "2.0"
sys.path[:0] = [f"{SOURCE}/tests/blender/inside", f"{SOURCE}/tests/blender"]
bpy.context.preferences.view.show_splash = False

import hands  # noqa: E402
import trials  # noqa: E402
from hands import OUT, PACKAGE, WORKER, click, do, in_sidebar, made, note, panel, picture, press, until, view  # noqa: E402

CONDITION, GENERATE, SETTINGS, WORKER_PANEL = 46, 175, 291, 343


def long_job() -> None:
    """Settings of a text job that takes its time."""
    settings = bpy.context.scene.wala
    settings.condition, settings.prompt, settings.steps = "TEXT", "a chair" if WORKER else "slow", 400 if WORKER else 0
    view()[0].tag_redraw()


def set_up():
    preferences = bpy.context.preferences
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    chosen = preferences.addons[PACKAGE].preferences
    chosen.worker_python = WORKER or "/usr/bin/python3"
    if not WORKER:
        sys.modules[f"{PACKAGE}.operators.jobs.session"].ENGINE = "tests.blender.shaping_engine:ShapingEngine"
        sys.modules[f"{PACKAGE}.operators.preferences"].SOURCE_ROOT = SOURCE


def look_around():
    import scenes

    for item in list(bpy.data.objects):
        if item.type == "MESH":
            bpy.data.objects.remove(item)
    strokes = scenes.CHAIR + [[(-0.5, 0, 0.95), (-0.5, 0, 1.05), (0.5, 0, 1.05), (0.5, 0, 0.95)]]
    sketch = scenes.sketch(strokes)
    material = bpy.data.materials.new("Ink")
    bpy.data.materials.create_gpencil_data(material)
    sketch.data.materials.append(material)
    sketch.select_set(True)
    bpy.context.view_layer.objects.active = sketch
    bpy.context.scene.wala.sketch = sketch
    area = view()[0]
    space = area.spaces.active
    space.show_region_ui = True
    space.region_3d.view_perspective = "PERSP"
    from mathutils import Euler

    space.region_3d.view_rotation = Euler((math.radians(75), 0, math.radians(25))).to_quaternion()
    space.region_3d.view_location, space.region_3d.view_distance = (0, 0, 1), 6.0
    bpy.ops.ed.undo_push(message="Sketch")


def story():
    yield 1.0
    set_up()
    yield 0.5
    look_around()
    yield 1.0
    view()[2].active_panel_category = "WaLa"
    view()[0].tag_redraw()
    yield 1.0
    picture("1-panel")

    yield from all_conditions()
    click(*in_sidebar(CONDITION))
    yield 1.5
    picture("1-conditions")
    press("Escape")
    yield 1.0

    click(*in_sidebar(WORKER_PANEL))
    yield 1.5
    click(*in_sidebar(SETTINGS))
    yield 1.5
    picture("1-panels-open")

    bpy.context.scene.wala.steps = 60  # the starter's own few would be over before a picture is taken
    click(*in_sidebar(GENERATE))
    yield from until(lambda: panel().busy, 5)
    note("a click on Generate starts a job", panel().busy)
    yield from until(lambda: "step 2" in panel().message, 60)
    picture("2-progress")
    note(f"progress is shown: {panel().message!r}", "step" in panel().message)
    yield from until(lambda: not panel().busy, 180)
    yield 1.0
    picture("3-result")
    note(f"the result is there: {made()} {panel().message!r} {panel().problem!r}", len(made()) == 1)

    press("ctrl+z")
    yield from until(lambda: not made(), 20)
    note(f"one undo takes it away: {made()}", made() == [])
    press("ctrl+shift+z")
    yield from until(made, 20)
    note(f"redo brings it back: {made()}", len(made()) == 1)

    long_job()
    before = len(made())
    yield 0.5
    press("ctrl+Return")
    yield from until(lambda: "step 1" in panel().message, 60)
    note("Ctrl Enter starts a job", panel().busy)
    press("Escape")
    yield from until(lambda: not panel().busy, 30)
    note(f"Escape cancels it: {panel().message!r}", panel().message == "Cancelled" and len(made()) == before)
    yield 1.0
    picture("4-cancelled")

    yield from result_while_drawing()
    yield from render_and_asset()
    yield from trials.story()

    bpy.context.scene.wala.condition, bpy.context.scene.wala.prompt, bpy.context.scene.wala.steps = "TEXT", "die", 0
    if not WORKER:
        press("ctrl+Return")
        yield from until(lambda: panel().problem, 20)
        yield 0.5
        picture("6-worker-lost")
        note(f"a lost worker is reported: {panel().problem!r}", bool(panel().problem))
    bpy.context.preferences.addons[PACKAGE].preferences.worker_python = "/nowhere/python"
    yield 2.5
    picture("7-no-worker")
    note(f"a missing worker is explained: {panel().worker_problem!r}", "does not exist" in panel().worker_problem)
    bpy.context.preferences.addons[PACKAGE].preferences.worker_python = WORKER or "/usr/bin/python3"
    yield 1.5
    long_job()
    press("ctrl+Return")
    yield 3.0
    note("Blender quits with a job under way", panel().busy)
    yield from preferences_and_licence()


def all_conditions():
    """The panel of each of them, with a second model to choose from; window.sh looks for errors in what Blender
    said."""
    models, captures = (
        sys.modules[f"{PACKAGE}.operators.models.catalog"],
        sys.modules[f"{PACKAGE}.operators.conditions"].CAPTURES,
    )
    settings = bpy.context.scene.wala
    taken = tuple(row.condition for row in captures.values())
    models.KNOWN["all"] = models.Model("all", "Takes Everything", taken, taken)
    settings.model = "all"
    yield 1.5
    for identifier in captures:
        settings.condition = identifier
        view()[0].tag_redraw()
        yield 1.2  # the panels below glide to their places
        picture(f"1-from-{identifier.lower()}", view()[2])
    picture("1-two-models")
    note(f"both models are offered: {[item.title for item in panel().models]}", len(panel().models) == 2)
    del models.KNOWN["all"]
    settings.model, settings.condition = models.STARTER.name, "SKETCH"
    yield 1.5


def result_while_drawing():
    """A result that arrives in another mode: it comes, undo takes it away, and the artist's mode stays."""
    sketch = bpy.context.scene.wala.sketch
    for item in bpy.context.selected_objects:
        item.select_set(False)
    sketch.select_set(True)
    bpy.context.view_layer.objects.active = sketch
    area, region, _ = view()
    with bpy.context.temp_override(area=area, region=region):
        bpy.ops.object.mode_set(mode="PAINT_GREASE_PENCIL")
        bpy.ops.ed.undo_push(message="Draw Mode")
    bpy.context.scene.wala.prompt, bpy.context.scene.wala.steps = "a chair", 0
    before = len(made())
    yield 1.0
    press("ctrl+Return")
    yield from until(lambda: len(made()) > before, 180)
    yield 1.0
    picture("5-draw-mode")
    note(f"a result arrives in Draw Mode: {made()}", len(made()) == before + 1 and sketch.mode == "PAINT_GREASE_PENCIL")
    press("ctrl+z")
    yield from until(lambda: len(made()) == before, 20)
    yield 0.5
    sketch = bpy.context.scene.wala.sketch
    note(f"one undo takes it away there: {made()} {sketch.mode}", len(made()) == before)
    with bpy.context.temp_override(area=area, region=region):
        if sketch.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
    yield 0.5


def render_and_asset():
    """A render from the window, which runs in a thread of its own, finds the worker unloaded; the next shape is marked
    as an asset."""
    supervisor = sys.modules[f"{PACKAGE}.operators.jobs.session"].current.queue.supervisor
    scene, seen = bpy.context.scene, []
    bpy.context.preferences.view.render_display_type = "NONE"
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x = scene.render.resolution_y = 64
    note(f"the worker rests: {supervisor.state}", supervisor.state == "ready")

    def look(*_):
        seen.append((supervisor.state, threading.current_thread() is threading.main_thread()))

    bpy.app.handlers.render_pre.append(look)
    area, region, _ = view()
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region):
        bpy.ops.render.render("INVOKE_DEFAULT")  # F12 arrives with Alt from some X servers, and renders the sequencer
    yield from until(lambda: seen, 120)
    yield 2.0
    bpy.app.handlers.render_pre.remove(look)
    note(f"a render finds it unloaded: (state, in the main thread) {seen}", bool(seen) and seen[0][0] == "stopped")
    scene.wala.prompt, scene.wala.condition, scene.wala.mark_as_asset = "a chair", "TEXT", True
    before = set(made())
    press("ctrl+Return")
    yield from until(lambda: len(made()) > len(before), 400)
    yield 3.0
    scene.wala.mark_as_asset = False
    new = [bpy.data.objects[name] for name in set(made()) - before]
    asset = new[0].asset_data if new else None
    note(
        f"the next shape is an asset: {asset and asset.description!r}, tags {asset and asset.tags.keys()}, "
        f"preview {new and tuple(new[0].preview.image_size)}",
        bool(asset and asset.description and new[0].preview.image_size[0]),
    )
    note(f"a preview is no render: {supervisor.state}", supervisor.state == "ready")


def preferences_and_licence():
    """The list of models, real where there is a real worker, and the dialog before the first download."""
    models = sys.modules[f"{PACKAGE}.operators.models.catalog"]
    if WORKER:
        bpy.ops.wala.refresh_models()
        yield from until(lambda: not panel().models_busy, 120)
    else:
        models.KNOWN["wala-vx16-1b"] = models.Model(
            "wala-vx16-1b",
            "WaLa 1B · voxels",
            ("voxels",),
            is_installed=False,
            can_fetch=True,
            size=4_000_000_000,
            memory="3.7 GB",
            licence="Somebody's",
            non_commercial=True,
            link="https://example.org",
            terms="The weights and every shape are not for sale. " * 3,
        )
        yield 1.5
    fetchable = [number for number, item in enumerate(panel().models) if item.can_fetch]
    note(f"models to fetch: {[panel().models[number].title for number in fetchable]}", bool(fetchable))
    panel().model_index = fetchable[0]
    bpy.context.preferences.system.use_online_access = True
    bpy.ops.preferences.addon_show(module=PACKAGE)
    yield 2.0
    do("search", "--name", "Preferences", "windowmove", 0, 0, "windowsize", 760, 800)
    yield 2.0
    picture("8-preferences")
    window = bpy.context.window_manager.windows[-1]
    do("mousemove", 380, 400)
    yield 1.0
    with bpy.context.temp_override(window=window):
        bpy.ops.wala.fetch_model("INVOKE_DEFAULT", name=panel().models[panel().model_index].name)
    yield 2.0
    picture("9-licence")
    do("key", "Escape")
    yield 1.0
    bpy.context.preferences.system.use_online_access = False


steps = story()


def step():
    try:
        return next(steps)
    except StopIteration:
        with open(f"{OUT}/report.txt", "a", encoding="utf-8") as report:
            report.write(
                f"finished, {hands.failures} failures, Blender {bpy.app.version_string}, Python {sys.version.split()[0]}\n"
            )
    except Exception:
        note(traceback.format_exc(), False)
    bpy.ops.wm.quit_blender()
    return None


bpy.app.timers.register(step, first_interval=1.0, persistent=True)
