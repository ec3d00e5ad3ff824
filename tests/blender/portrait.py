"""Makes the README's picture of a window: results of words with their colours, and their history in the panel.

window.sh CHROOT OUT portrait.py leaves OUT/window.png; `make pictures WINDOW=OUT/window.png` takes it along.
"""

import os
import sys
import traceback
from math import radians

import bpy

sys.path[:0] = [f"{os.environ.get('WALA_SOURCE', '/lab/source')}/tests/blender"]
bpy.context.preferences.view.show_splash = False

import hands  # noqa: E402
from hands import OUT, PACKAGE, WORKER, click, in_sidebar, made, note, panel, picture, press, until, view  # noqa: E402

PROMPTS = ("a pine tree", "a red chair", "a red mushroom", "a barrel")
APART = 1.8  # between two results
HISTORY, REMOVED = 333, ("Cube", "Camera", "Light")  # below the sidebar's top; objects of a new file


def story():
    yield 1.0
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    bpy.context.preferences.addons[PACKAGE].preferences.worker_python = WORKER
    for name in REMOVED:
        bpy.data.objects.remove(bpy.data.objects[name])
    space = view()[0].spaces.active
    space.show_region_ui, space.shading.color_type, space.overlay.show_cursor = True, "VERTEX", False
    eye = space.region_3d
    eye.view_perspective, eye.view_location, eye.view_distance = "PERSP", (1.5, 0, 0.5), 9.5
    from mathutils import Euler

    eye.view_rotation = Euler((radians(72), 0, radians(22))).to_quaternion()
    yield 1.0
    view()[2].active_panel_category = "WaLa"
    settings = bpy.context.scene.wala
    settings.condition = "TEXT"
    for number, prompt in enumerate(PROMPTS):
        settings.prompt, before = prompt, set(made())
        bpy.context.scene.cursor.location.x = (number - (len(PROMPTS) - 1) / 2) * APART
        yield 1.0
        press("ctrl+Return")
        yield from until(lambda before=before: len(made()) > len(before), 300)
    yield from until(lambda: not panel().busy, 60)
    yield 5.0
    click(*in_sidebar(HISTORY))
    yield 4.0
    picture("window")
    note(f"results: {made()}", len(made()) == len(PROMPTS))
    with open(f"{OUT}/report.txt", "a", encoding="utf-8") as report:
        report.write(f"finished, {hands.failures} failures, Blender {bpy.app.version_string}\n")


steps = story()


def step():
    try:
        return next(steps)
    except StopIteration:
        pass
    except Exception:
        note(traceback.format_exc(), False)
    bpy.ops.wm.quit_blender()
    return None


bpy.app.timers.register(step, first_interval=1.0, persistent=True)
