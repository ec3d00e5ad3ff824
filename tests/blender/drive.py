"""Drives a windowed Blender as an artist would: clicks, keys, looks. Runs inside it, started by window.sh.

Each step of `story` is done by a timer, so that Blender lives between two of them. Writes /lab/out/report.txt and pictures.
"""

import math
import os
import subprocess
import sys
import time
import traceback

import bpy

OUT = os.environ.get("WALA_OUT", "/lab/out")
SOURCE = os.environ.get("WALA_SOURCE", "/lab/source")
PACKAGE = "bl_ext.user_default.wala"
WORKER = os.environ.get("WALA_WORKER", "")
os.environ["WALA_TEST_PAUSE"] = "0.8"
sys.path[:0] = [f"{SOURCE}/tests/blender/inside"]

bpy.context.preferences.view.show_splash = False
failures = 0


def note(words: str, good: bool = True) -> None:
    global failures
    failures += not good
    with open(f"{OUT}/report.txt", "a", encoding="utf-8") as report:
        report.write(f"{'ok    ' if good else 'FAILED'} {words}\n")


def picture(name: str) -> None:
    subprocess.run(["import", "-window", "root", f"{OUT}/{name}.png"], check=True, timeout=20)


def do(*arguments: str) -> None:
    """xdotool, without waiting: Blender has to handle the events meanwhile."""
    subprocess.Popen(["xdotool", *map(str, arguments)])


def view() -> tuple:
    """(area, its main region, its sidebar)."""
    area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    regions = {region.type: region for region in area.regions}
    return area, regions["WINDOW"], regions["UI"]


def click(x: float, y: float) -> None:
    """x, y: Blender's window coordinates, bottom-up."""
    do("mousemove", int(x), int(bpy.context.window_manager.windows[0].height - y), "sleep", "0.6", "click", "1")


def press(key: str) -> None:
    """A key, over the middle of the 3D view."""
    region = view()[1]
    height = bpy.context.window_manager.windows[0].height
    do("mousemove", region.x + region.width // 3, height - region.y - region.height // 2, "sleep", "0.5", "key", key)


def board():
    return bpy.context.window_manager.wala


def made() -> list:
    return [item.name for item in bpy.data.objects if item.name.startswith("WaLa ")]


def until(condition, seconds: float):
    """Yield until the condition holds or the time is over."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        yield 0.1


def in_sidebar(below_the_top: float) -> tuple[float, float]:
    """A place in the sidebar with a sketch chosen and nothing made yet, in interface units below its top."""
    sidebar, scale = view()[2], bpy.context.preferences.system.ui_scale
    return sidebar.x + sidebar.width * 0.3, sidebar.y + sidebar.height - below_the_top * scale


CONDITION, GENERATE, SETTINGS, WORKER_PANEL = 46, 124, 160, 186


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
        sys.modules[f"{PACKAGE}.operators.session"].ENGINE = "tests.blender.shaping_engine:ShapingEngine"
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
    yield from until(lambda: board().busy, 5)
    note("a click on Generate starts a job", board().busy)
    yield from until(lambda: "step 2" in board().message, 60)
    picture("2-progress")
    note(f"progress is shown: {board().message!r}", "step" in board().message)
    yield from until(lambda: not board().busy, 180)
    yield 1.0
    picture("3-result")
    note(f"the result is there: {made()} {board().message!r} {board().problem!r}", len(made()) == 1)

    press("ctrl+z")
    yield 2.0
    note(f"one undo takes it away: {made()}", made() == [])
    press("ctrl+shift+z")
    yield 2.0
    note(f"redo brings it back: {made()}", len(made()) == 1)

    long_job()
    before = len(made())
    yield 0.5
    press("ctrl+Return")
    yield from until(lambda: "step 1" in board().message, 60)
    note("Ctrl Enter starts a job", board().busy)
    press("Escape")
    yield from until(lambda: not board().busy, 30)
    note(f"Escape cancels it: {board().message!r}", board().message == "Cancelled" and len(made()) == before)
    yield 1.0
    picture("4-cancelled")

    yield from result_while_drawing()

    bpy.context.scene.wala.prompt = "die"
    if not WORKER:
        press("ctrl+Return")
        yield from until(lambda: board().problem, 20)
        yield 0.5
        picture("6-worker-lost")
        note(f"a lost worker is reported: {board().problem!r}", bool(board().problem))
    bpy.context.preferences.addons[PACKAGE].preferences.worker_python = "/nowhere/python"
    yield 2.5
    picture("7-no-worker")
    note(f"a missing worker is explained: {board().worker_problem!r}", "does not exist" in board().worker_problem)
    bpy.context.preferences.addons[PACKAGE].preferences.worker_python = WORKER or "/usr/bin/python3"
    yield 1.5
    long_job()
    press("ctrl+Return")
    yield 3.0
    note("Blender quits with a job under way", board().busy)
    bpy.ops.preferences.addon_show(module=PACKAGE)
    yield 2.0
    picture("8-preferences")


def all_conditions():
    """The panel of each of them, with a second model to choose from; window.sh looks for errors in what Blender said."""
    models, captures = sys.modules[f"{PACKAGE}.operators.models"], sys.modules[f"{PACKAGE}.operators.capture"].CAPTURES
    settings = bpy.context.scene.wala
    models.KNOWN["all"] = models.Model("all", "Takes Everything", tuple(row.condition for row in captures.values()))
    settings.model = "all"
    yield 1.5
    for identifier in captures:
        settings.condition = identifier
        view()[0].tag_redraw()
        yield 0.6
    picture("1-two-models")
    note(f"both models are offered: {[item.title for item in board().models]}", len(board().models) == 2)
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
    yield 2.0
    sketch = bpy.context.scene.wala.sketch
    note(f"one undo takes it away there: {made()} {sketch.mode}", len(made()) == before)
    with bpy.context.temp_override(area=area, region=region):
        if sketch.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
    yield 0.5


steps = story()


def step():
    try:
        return next(steps)
    except StopIteration:
        with open(f"{OUT}/report.txt", "a", encoding="utf-8") as report:
            report.write(f"finished, {failures} failures, Blender {bpy.app.version_string}, Python {sys.version.split()[0]}\n")
    except Exception:
        note(traceback.format_exc(), False)
    bpy.ops.wm.quit_blender()
    return None


bpy.app.timers.register(step, first_interval=1.0, persistent=True)
