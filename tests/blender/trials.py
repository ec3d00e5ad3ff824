"""What artists ran into, tried again in a window: second presses, redraws, refusals, other files and scenes."""

import tempfile
from pathlib import Path

import bpy
import numpy as np
import scenes
from hands import PACKAGE, click, in_sidebar, made, module, note, panel, picture, press, until, view

FILE = str(Path(tempfile.gettempdir()) / "trials.blend")
ANSWERS = 206  # below the sidebar's top, as in_sidebar takes it


def story():
    """All of it, one after the other; the scene is another one afterwards."""
    yield from second_press()
    yield from second_press_with_a_sketch()
    yield from depth_in_its_width()
    yield from redraws()
    yield from refusal()
    yield from off_and_on()
    yield from another_scene()
    yield from same_file()
    yield from new_file()


def show_panel():
    """The sidebar's tab, after a new file: whose windows are not there before Blender has handled its events."""
    yield 2.0
    area = view()[0]
    area.spaces.active.show_region_ui = True
    yield 1.0
    view()[2].active_panel_category = "WaLa"
    area.tag_redraw()
    yield 1.0


def only(*items) -> None:
    """Select these alone, the last one active."""
    for item in list(bpy.context.view_layer.objects):
        item.select_set(item in items)
    bpy.context.view_layer.objects.active = items[-1]


def generate(seconds: float = 240):
    """Ctrl Enter, and the wait for the result."""
    before = len(made())
    press("ctrl+Return")
    yield from until(lambda: len(made()) > before, seconds)
    yield 1.0


def inputs_of(name: str) -> dict:
    """The arrays that a result was made from."""
    folder = module("operators.preferences").folder("jobs") / bpy.data.objects[name]["wala_job"] / "inputs"
    return {
        path.name: {part: values.tolist() for part, values in np.load(path).items()}
        for path in sorted(folder.glob("*.npz"))
    }


def second_press():
    """A blockout, and Ctrl Enter twice: both results are of the blockout."""
    settings = bpy.context.scene.wala
    settings.condition, settings.steps = "VOXELS", 0
    seat, back = scenes.cube((6, 0, 0.5), (1, 1, 1), "Seat"), scenes.cube((6, 0.4, 1.5), (1, 0.2, 1), "Back")
    only(back, seat)
    yield 1.0
    before = set(made())
    yield from generate()
    picture("10-blockout-made")
    words = bpy.context.window_manager.wala_input
    note(
        f"the selection is the result, the sentence says: {words!r}", words == "Blockout: “Seat” and 1 more, as before"
    )
    yield from generate()
    new = sorted(set(made()) - before)
    note(
        f"the second press takes the blockout again: {new}",
        len(new) == 2 and inputs_of(new[0]) == inputs_of(new[1]) != {},
    )
    seat.hide_set(True)
    yield 1.0
    picture("10-source-hidden")
    note(
        f"a hidden source is said: {bpy.context.window_manager.wala_input!r}",
        "Show “Seat” again" in bpy.context.window_manager.wala_input,
    )
    seat.hide_set(False)


def second_press_with_a_sketch():
    """As above; none is chosen in the settings."""
    settings = bpy.context.scene.wala
    sketch, settings.sketch, settings.condition = settings.sketch, None, "SKETCH"
    only(sketch)
    yield 1.0
    before = set(made())
    yield from generate()
    picture("11-sketch-made")
    yield from generate()
    new = sorted(set(made()) - before)
    note(
        f"the second press takes the sketch again: {new}",
        len(new) == 2 and inputs_of(new[0]) == inputs_of(new[1]) != {},
    )


def depth_in_its_width():
    """Seen from the front, beside a deep slab."""
    slab = scenes.cube((12, 0, 1), (1, 6, 2), "Slab")
    only(slab)
    bpy.context.scene.wala.condition = "DEPTH"
    area, region, _ = view()
    rotation = area.spaces.active.region_3d.view_rotation.copy()
    with bpy.context.temp_override(area=area, region=region):
        bpy.ops.view3d.view_axis(type="FRONT")
    yield 2.0
    before = set(made())
    yield from generate()
    picture("12-depth")
    [name] = set(made()) - before
    points = scenes.world_vertices(bpy.data.objects[name])
    height, near = np.ptp(points[:, 2]), points[:, 1].min()
    note(
        f"depth from one view is as high as the slab, 2, and as near, −3: {height:.3f}, {near:.3f}",
        abs(height - 2) < 0.01 and abs(near + 3) < 0.01,
    )
    area.spaces.active.region_3d.view_rotation = rotation


def redraws():
    """Messages of a job draw the sidebar, and not the 3D view beside it; the time left is of the whole job."""
    settings, drawn, panels, seen = bpy.context.scene.wala, [0, 0], module("ui.panels"), []
    settings.condition, settings.prompt = "TEXT", "a chair"
    # Long enough to be watched: from noise, many steps.
    settings.originality, settings.steps = 1.0, 100
    yield from generate(240)  # whose seconds the next one is told by
    yield 2.0
    press("ctrl+Return")
    yield from until(lambda: panel().message.startswith("Shaping, step"), 60)
    yield 0.5

    def count():
        drawn[0] += 1

    handler = bpy.types.SpaceView3D.draw_handler_add(count, (), "WINDOW", "POST_PIXEL")
    plain = panels.draw_progress

    def draw_progress(layout, context, session):
        drawn[1] += 1
        seen.append(session.message)
        plain(layout, context, session)

    panels.draw_progress = draw_progress
    yield from until(lambda: not panel().message.startswith("Shaping"), 120)
    counted = list(drawn)
    picture("13-time-left")
    bpy.types.SpaceView3D.draw_handler_remove(handler, "WINDOW")
    panels.draw_progress = plain
    note(
        f"messages drew the sidebar {counted[1]} times and the 3D view {counted[0]} times",
        counted[0] == 0 and counted[1] >= 5,
    )
    note(f"the time left is told: {sorted(set(seen))}", any("about" in words for words in seen))
    yield from until(lambda: not panel().busy, 120)
    settings.originality, settings.steps = 0.3, 0
    yield 1.0


def refusal():
    """A flat sheet is no blockout: the panel says so, and goes on saying so."""
    only(scenes.mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)], "Sheet"))
    bpy.context.scene.wala.condition = "VOXELS"
    yield 1.0
    press("ctrl+Return")
    yield from until(lambda: panel().problem, 10)
    yield 3.0
    picture("14-refused")
    note(f"a refusal is in the panel: {panel().problem!r} {panel().hint!r}", "no volume" in panel().problem)
    press("Escape")  # Blender's own report, which takes the next key
    yield 1.0


def off_and_on():
    """The old message is gone."""
    session, preferences = module("operators.jobs.session"), module("operators.preferences")
    engine, root = session.ENGINE, preferences.SOURCE_ROOT
    python = bpy.context.preferences.addons[PACKAGE].preferences.worker_python
    bpy.ops.preferences.addon_disable(module=PACKAGE)
    yield 1.0
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    module("operators.jobs.session").ENGINE, module("operators.preferences").SOURCE_ROOT = engine, root
    bpy.context.preferences.addons[PACKAGE].preferences.worker_python = python
    yield from show_panel()
    picture("15-off-and-on")
    note(
        f"nothing old is said after off and on: {panel().problem!r} {panel().message!r}",
        not (panel().problem or panel().message),
    )


def another_scene():
    """The window turns to another scene while the shape is made."""
    window = bpy.context.window_manager.windows[0]
    scene, before = bpy.context.scene, len(made())
    scene.wala.condition, scene.wala.prompt = "TEXT", "a chair"
    yield 1.0
    press("ctrl+Return")
    yield from until(lambda: panel().busy, 30)
    window.scene = bpy.data.scenes.new("Other")
    yield from until(lambda: len(made()) > before, 180)
    yield 1.0
    picture("16-another-scene")
    note(f"a result elsewhere says where: {panel().message!r}", f"in the scene “{scene.name}”" in panel().message)
    window.scene = scene
    yield 1.0


def same_file():
    """Saved, Ctrl Enter, opened anew."""
    collection = bpy.data.collections["WaLa"]
    collection.name, before = "Chairs", len(collection.objects)
    bpy.ops.wm.save_as_mainfile(filepath=FILE)
    yield 1.0
    press("ctrl+Return")
    yield from until(lambda: panel().busy, 30)
    bpy.ops.wm.open_mainfile(filepath=FILE, load_ui=False)
    yield 1.0
    yield from until(lambda: not panel().busy, 180)
    yield 1.0
    picture("17-same-file")
    inside = [item.name for item in bpy.data.collections["Chairs"].objects]
    note(
        f"the same file opened anew keeps its collection of results: {inside} {panel().message!r}",
        len(inside) == before + 1 and not panel().ready,
    )


def new_file():
    """File, New while a shape is made: the panel asks."""
    for answer in ("discard", "place"):
        bpy.context.scene.wala.condition, bpy.context.scene.wala.prompt = "TEXT", "a chair"
        yield 1.0
        press("ctrl+Return")
        yield from until(lambda: panel().busy, 30)
        bpy.ops.wm.read_homefile(use_factory_startup=True)
        yield from show_panel()
        yield from until(lambda: panel().ready, 180)
        yield 1.0
        picture(f"18-new-file-{answer}")
        note(
            f"a shape for another file asks: {panel().ready!r}, and places nothing: {made()}",
            bool(panel().ready) and not made(),
        )
        click(*in_sidebar(ANSWERS, {"place": 0.3, "discard": 0.7}[answer]))
        yield from until(lambda: not panel().ready, 10)
        yield 1.0
        picture(f"18-new-file-{answer}-pressed")
        note(f"{answer}: {made()} {panel().message!r}", bool(made()) == (answer == "place") and not panel().ready)
    press("ctrl+z")
    yield from until(lambda: not made(), 10)
    note(f"one undo takes the placed one away: {made()}", not made())
