"""From the operator to the object, through a real worker process with an engine that needs no model."""

import math
import os
import signal

import bpy
import numpy as np
import pytest
import scenes

MARKS = ("model", "weight_hash", "seed", "scale", "steps", "condition", "licence", "ai_generated")


def ask(extension, condition: str, prompt: str = "a chair"):
    extension.settings.condition, extension.settings.prompt = condition, prompt


def made(new_objects):
    names = new_objects()
    assert len(names) == 1, names
    return bpy.data.objects[names[0]]


def is_the_chair(item) -> None:
    """The lopsided chair as it is in Blender's axes: its back far from the front view, its arm at +X; all faces outward
    and smooth."""
    points = np.empty(len(item.data.vertices) * 3, np.float32)
    item.data.vertices.foreach_get("co", points)
    points = points.reshape(-1, 3) - (points.reshape(-1, 3).min(axis=0) + points.reshape(-1, 3).max(axis=0)) / 2
    points /= points[:, 2].max() / 0.9
    assert (len(points), len(item.data.polygons)) == (24, 36)
    assert points[points[:, 2] > 0.5][:, 1].min() > 0.1
    arm = points[np.abs(points[:, 2] - 0.1) < 0.01]
    assert len(arm) == 4 and arm[:, 0].min() > 0.3
    assert all(polygon.use_smooth for polygon in item.data.polygons)
    seat = sum((vertex.co for vertex in item.data.vertices[:8]), start=item.data.vertices[0].co * 0) / 8
    assert all(polygon.normal.dot(polygon.center - seat) > 0 for polygon in item.data.polygons[:12])
    assert not item.data.validate()


def test_text_stands_on_the_cursor_and_says_where_it_comes_from(extension, new_objects):
    ask(extension, "TEXT", "a chair ü")
    bpy.context.scene.cursor.location = (1, 2, 3)
    extension.settings.seed = 7
    assert bpy.ops.wala.generate() == {"FINISHED"}
    item = made(new_objects)
    is_the_chair(item)
    points = scenes.world_vertices(item)
    assert points[:, 2].min() == pytest.approx(3, abs=1e-5) and np.ptp(points, axis=0).max() == pytest.approx(
        2, abs=1e-5
    )
    assert item.select_get() and bpy.context.view_layer.objects.active == item
    for owner in (item, item.data):
        assert all(f"wala_{name}" in owner for name in MARKS)
        assert (owner["wala_seed"], owner["wala_prompt"], owner["wala_condition"]) == (7, "a chair ü", "text")
        assert owner["wala_ai_generated"] is True or owner["wala_ai_generated"] == 1
    assert extension.panel.busy is False and item.name in extension.panel.message


def test_another_one_like_a_result_needs_no_source_in_the_scene(extension, new_objects):
    scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    ask(extension, "VOXELS")
    extension.settings.seed = 7
    assert bpy.ops.wala.generate() == {"FINISHED"}
    first = bpy.context.view_layer.objects.active
    bpy.data.objects.remove(bpy.data.objects["Seat"])
    ask(extension, "TEXT", "a shelf")  # what the panel says now is of no account
    assert bpy.ops.wala.regenerate() == {"FINISHED"}
    second = bpy.data.objects[(set(new_objects()) - {first.name}).pop()]
    assert (second["wala_seed"], second["wala_condition"]) == (8, "voxels") and second["wala_job"] != first["wala_job"]
    assert second.name.startswith(first.name) and second == bpy.context.view_layer.objects.active
    assert (second.matrix_world.translation - first.matrix_world.translation).length < 1e-6
    assert bpy.ops.wala.regenerate() == {"FINISHED"}
    assert bpy.context.active_object["wala_seed"] == 9


SELECTING = ("VOXELS", "POINTS", "DEPTH")


def inputs_of(extension, item) -> dict:
    """The arrays that a result was made from, and its condition."""
    folder = extension.module("operators.preferences").folder("jobs") / item["wala_job"]
    return {
        path.name: {name: array.tolist() for name, array in np.load(path).items()}
        if path.suffix == ".npz"
        else np.load(path).tolist()
        for path in sorted((folder / "inputs").iterdir())
    }


@pytest.mark.parametrize("condition", SELECTING)
def test_the_second_press_takes_the_same_source_and_not_the_result(extension, condition):
    first, second = scenes.cube((4, 5, 1), (2, 2, 2), "Seat"), scenes.cube((4, 5, 3), (2, 0.5, 2), "Back")
    ask(extension, condition)
    assert bpy.ops.wala.generate() == {"FINISHED"}
    one = bpy.context.active_object
    assert bpy.context.selected_objects == [one] and bpy.context.window_manager.wala_input.endswith(", as before")
    second.name, first.name = "Renamed", "Also Renamed"
    assert bpy.ops.wala.generate() == {"FINISHED"}
    two = bpy.context.active_object
    assert two != one and inputs_of(extension, two) == inputs_of(extension, one)
    # Beside something of the artist's own, a result is left out.
    third = scenes.cube((0, 0, 0), (1, 1, 1), "Third")
    assert two.select_get() and bpy.ops.wala.generate() == {"FINISHED"}
    assert inputs_of(extension, bpy.context.active_object) != inputs_of(extension, one)
    assert bpy.context.active_object.name.startswith("WaLa Third") and third.name == "Third"


def test_the_second_press_takes_the_same_sketch(extension):
    sketch = scenes.sketch()
    bpy.context.view_layer.objects.active = sketch
    ask(extension, "SKETCH")
    assert bpy.ops.wala.generate() == {"FINISHED"}
    one = bpy.context.active_object
    assert one != sketch and bpy.ops.wala.generate.poll()
    assert bpy.context.window_manager.wala_input.startswith(
        "“Sketch”"
    ) and bpy.context.window_manager.wala_input.endswith(", as before")
    assert bpy.ops.wala.generate() == {"FINISHED"}
    assert inputs_of(extension, bpy.context.active_object) == inputs_of(extension, one)


def test_the_source_is_known_after_undo_and_in_a_saved_file(extension, tmp_path):
    scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    ask(extension, "VOXELS")
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.wala.generate("EXEC_DEFAULT", True) == {"FINISHED"}
    bpy.ops.ed.undo()
    bpy.ops.ed.redo()
    assert bpy.context.window_manager.wala_input == "Blockout: “Seat”, as before"
    path = str(tmp_path / "seat.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert bpy.context.window_manager.wala_input == "Blockout: “Seat”, as before"
    assert bpy.ops.wala.generate() == {"FINISHED"} and bpy.context.active_object.name == "WaLa Seat.001"


def test_a_result_is_taken_when_the_artist_says_so_and_never_silently(extension):
    ask(extension, "TEXT")
    assert bpy.ops.wala.generate() == {"FINISHED"}
    result = bpy.context.active_object
    copy = result.copy()
    copy.data = result.data.copy()
    del copy["wala_ai_generated"]
    bpy.context.scene.collection.objects.link(copy)
    for condition in SELECTING:
        ask(extension, condition)
        for item in (result, copy):  # whose mesh still carries the mark
            for other in list(bpy.context.selected_objects):
                other.select_set(False)
            item.select_set(True)
            bpy.context.view_layer.objects.active = item
            with pytest.raises(RuntimeError, match="is a result itself"):
                bpy.ops.wala.generate()
    extension.settings.take_results = True
    ask(extension, "VOXELS")
    assert bpy.ops.wala.generate() == {"FINISHED"}
    assert [entry.object for entry in bpy.context.active_object.wala.sources] == [copy]


def test_a_source_that_is_hidden_or_gone_is_said(extension):
    seat = scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    ask(extension, "VOXELS")
    assert bpy.ops.wala.generate() == {"FINISHED"}
    seat.hide_set(True)
    with pytest.raises(RuntimeError, match="Show “Seat” again"):
        bpy.ops.wala.generate()
    bpy.data.objects.remove(seat)
    scenes.cube((0, 0, 0), (1, 1, 1), "Seat").select_set(False)
    bpy.context.view_layer.objects.active = bpy.data.objects["WaLa Seat"]
    with pytest.raises(RuntimeError, match="is a result itself"):  # another one of the same name
        bpy.ops.wala.generate()


def test_depth_from_one_view_is_as_wide_and_high_as_what_was_seen(extension):
    """However deep the chair is beside the slab: the camera looks along its depth."""
    for depth in (0.3, 2.0, 9.0):
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        scenes.cube((4, 5, 1), (2, depth, 3), "Slab")
        scenes.camera((4, -20, 1), (math.radians(90), 0, 0))
        ask(extension, "DEPTH")
        assert bpy.ops.wala.generate() == {"FINISHED"}
        points = scenes.world_vertices(bpy.context.active_object)
        low, high = points.min(axis=0), points.max(axis=0)
        assert high[2] - low[2] == pytest.approx(3, abs=1e-3) and (low[[0, 2]] + high[[0, 2]]) / 2 == pytest.approx(
            [4, 1], abs=1e-3
        )
        assert low[1] == pytest.approx(5 - depth / 2, abs=1e-3)


@pytest.mark.parametrize("one_piece", [True, False])
def test_one_piece_is_left_to_the_model_or_switched_off(extension, one_piece):
    ask(extension, "TEXT")
    extension.settings.one_piece = one_piece
    assert bpy.ops.wala.generate() == {"FINISHED"}
    folder = extension.module("operators.preferences").folder("jobs") / bpy.context.active_object["wala_job"]
    assert extension.module("runtime.jobs").read_request(folder).one_piece is (None if one_piece else False)


def test_a_refusal_is_in_the_panel(extension):
    ask(extension, "TEXT", "fail")
    with pytest.raises(RuntimeError):
        bpy.ops.wala.generate()
    assert "“fail”" in extension.panel.problem
    scenes.mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)], "Sheet")
    ask(extension, "VOXELS")
    with pytest.raises(RuntimeError, match="no volume"):
        bpy.ops.wala.generate()
    assert "no volume" in extension.panel.problem and "thickness" in extension.panel.hint and not extension.panel.busy


def test_a_job_tells_the_time_that_jobs_like_it_took(extension):
    ask(extension, "TEXT", "slow")
    jobs = extension.module("runtime.jobs")
    folder = extension.module("operators.preferences").folder("jobs")
    for path in folder.iterdir():
        for file in sorted(path.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
        path.rmdir()
    request = jobs.Request(jobs.new_id(), "starter", "text", {"prompt": "a chair"})
    path, events = jobs.write_job(folder, request, {}), extension.module("runtime.events")
    jobs.append_event(path, events.StartedEvent())
    for stage, seconds in (("condition", 0), ("sample", 1), ("decode", 101), ("surface", 111)):
        jobs.append_event(path, events.StageEvent(stage, 0, 1, seconds))
    jobs.append_event(path, events.DoneEvent(120))
    jobs.append_event(path, events.DeliveredEvent())
    seen = []
    extension.start()
    extension.poll_until(lambda: seen.append(extension.panel.message) or "step 1 of 4" in extension.panel.message)
    assert "about 2 min left" in extension.panel.message
    extension.poll_until(lambda: "step 2 of 4" in extension.panel.message)
    assert "about 45 s left" in extension.panel.message  # three steps of eight seconds, and what follows


def test_the_models_remark_is_passed_on(extension, new_objects):
    ask(extension, "TEXT", "a shelf")
    assert bpy.ops.wala.generate() == {"FINISHED"}
    assert extension.panel.message.endswith("”. It is made of boxes")


def test_words_beside_a_blockout_go_along(extension, new_objects):
    scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    ask(extension, "VOXELS", "a shelf")
    extension.settings.subject = "  a   seat "
    assert bpy.ops.wala.generate() == {"FINISHED"}
    first = bpy.context.active_object
    assert (first["wala_prompt"], first["wala_condition"], first.name) == ("a seat", "voxels", "WaLa a seat")
    extension.settings.subject = ""
    assert bpy.ops.wala.regenerate() == {"FINISHED"} and bpy.context.active_object["wala_prompt"] == "a seat"
    bpy.data.objects["Seat"].select_set(True)
    assert bpy.ops.wala.generate() == {"FINISHED"}
    assert "wala_prompt" not in bpy.context.active_object


def test_words_are_left_out_where_the_model_reads_none(extension, new_objects):
    models = extension.module("operators.models.catalog")
    models.KNOWN["cells"] = models.Model("cells", "Cells", ("voxels",))
    try:
        scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
        ask(extension, "VOXELS")
        extension.settings.model, extension.settings.subject = "cells", "a seat"
        assert bpy.ops.wala.generate() == {"FINISHED"}
        assert "wala_prompt" not in bpy.context.active_object
    finally:
        extension.settings.model = "starter"
        del models.KNOWN["cells"]


def test_another_one_is_made_of_results_only(extension, new_objects):
    scenes.cube((0, 0, 0), (1, 1, 1), "Mine")
    assert not bpy.ops.wala.regenerate.poll()
    bpy.context.active_object["wala_job"] = "../../secrets"
    assert not bpy.ops.wala.regenerate.poll()


def test_a_blockout_is_filled_and_not_left(extension, new_objects):
    scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    scenes.cube((4, 5, 3), (2, 0.5, 2), "Back")
    ask(extension, "VOXELS")
    before = set(new_objects())
    assert bpy.ops.wala.generate() == {"FINISHED"}
    item = bpy.data.objects[(set(new_objects()) - before).pop()]
    is_the_chair(item)
    points = scenes.world_vertices(item)
    low, high = points.min(axis=0), points.max(axis=0)
    assert (low > np.array([3, 4, 0]) - 1e-4).all() and (high < np.array([5, 6, 4]) + 1e-4).all()
    assert np.allclose((low + high) / 2, [4, 5, 2], atol=1e-4)


def test_points_come_back_where_they_were(extension, new_objects):
    item = scenes.cube((4, 5, 1), (2, 2, 4), "Cloud")
    ask(extension, "POINTS")
    assert bpy.ops.wala.generate() == {"FINISHED"}
    item = bpy.data.objects[(set(new_objects()) - {"Cloud"}).pop()]
    points = scenes.world_vertices(item)
    assert np.allclose((points.min(axis=0) + points.max(axis=0)) / 2, [4, 5, 1], atol=1e-4)
    assert np.ptp(points[:, 2]) == pytest.approx(4, abs=1e-3)


@pytest.mark.parametrize("orthographic", [False, True])
def test_a_sketch_is_covered_in_the_cameras_picture(extension, new_objects, orthographic):
    extension.settings.sketch = scenes.sketch()
    camera = scenes.camera((5, -6, 4), (0, 0, 0), orthographic)
    target = scenes.add("Target", None)
    target.location = (0, 0, 1)
    track = camera.constraints.new("TRACK_TO")
    track.target, track.track_axis, track.up_axis = target, "TRACK_NEGATIVE_Z", "UP_Y"
    bpy.context.view_layer.update()
    ask(extension, "SKETCH")
    before = set(new_objects())
    assert bpy.ops.wala.generate() == {"FINISHED"}
    item = bpy.data.objects[(set(new_objects()) - before).pop()]
    is_the_chair(item)
    assert item.rotation_euler[2] == pytest.approx(math.atan2(5, 6), abs=0.02)
    evaluated = bpy.context.evaluated_depsgraph_get()
    matrix = np.array(
        camera.calc_matrix_camera(evaluated, x=1000, y=1000) @ camera.evaluated_get(evaluated).matrix_world.inverted()
    )

    def picture(points):
        clip = np.c_[points, np.ones(len(points))] @ matrix.T
        flat = clip[:, :2] / clip[:, 3:]
        return flat.min(axis=0), flat.max(axis=0)

    drawn, got = picture(np.concatenate(scenes.CHAIR)), picture(scenes.world_vertices(item))
    side = max(drawn[1] - drawn[0])
    assert max(got[1] - got[0]) == pytest.approx(side, rel=0.02)
    assert np.allclose((got[0] + got[1]) / 2, (drawn[0] + drawn[1]) / 2, atol=0.02 * side)


def test_undo_takes_the_result_away_in_one_step(extension, new_objects):
    ask(extension, "TEXT")
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.wala.generate("EXEC_DEFAULT", True)
    assert len(new_objects()) == 1
    bpy.ops.ed.undo()
    assert new_objects() == []
    bpy.ops.ed.redo()
    assert len(new_objects()) == 1


def test_a_result_from_the_timer_is_one_undo_step(extension, new_objects):
    ask(extension, "TEXT")
    bpy.ops.ed.undo_push(message="Before")
    extension.start()
    extension.poll_until(lambda: new_objects())
    bpy.ops.ed.undo()
    assert new_objects() == []


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT"])
def test_a_result_in_another_mode_leaves_the_mode_and_is_one_undo_step(extension, new_objects, mode):
    cube = scenes.cube(name="Cube")
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.object.mode_set(mode=mode)
    bpy.ops.ed.undo_push(message="Mode")
    ask(extension, "TEXT")
    extension.start()
    extension.poll_until(lambda: "WaLa a chair" in new_objects())
    assert cube.mode == mode and bpy.context.view_layer.objects.active == cube
    bpy.ops.ed.undo()
    assert new_objects() == ["Cube"]
    bpy.ops.object.mode_set(mode="OBJECT")


def test_the_worker_stays_warm_between_jobs(extension, new_objects):
    ask(extension, "TEXT")
    bpy.ops.wala.generate()
    pid = extension.session.current.queue.supervisor.pid
    bpy.ops.wala.generate()
    assert extension.session.current.queue.supervisor.pid == pid and len(new_objects()) == 2


def test_progress_reaches_the_panel_and_cancel_stops_between_steps(extension, new_objects):
    ask(extension, "TEXT", "slow")
    extension.start()
    extension.poll_until(lambda: "step 1 of 4" in extension.panel.message)
    assert extension.panel.busy and 0.1 < extension.panel.progress < 0.9
    with pytest.raises(RuntimeError, match="being made"):
        bpy.ops.wala.check_worker()
    pid = extension.session.current.queue.supervisor.pid
    bpy.ops.wala.cancel()
    extension.poll_until(lambda: not extension.panel.busy)
    assert extension.panel.message == "Cancelled" and extension.panel.problem == "" and new_objects() == []
    ask(extension, "TEXT")
    assert bpy.ops.wala.generate() == {"FINISHED"}
    assert extension.session.current.queue.supervisor.pid == pid


def test_a_killed_worker_is_reported_with_its_last_words_and_replaced(extension, new_objects):
    ask(extension, "TEXT", "die")
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.wala.generate()
    assert "Traceback" not in str(caught.value) and extension.panel.problem and "last words" in extension.panel.detail
    assert new_objects() == [] and not extension.panel.busy
    ask(extension, "TEXT")
    assert bpy.ops.wala.generate() == {"FINISHED"} and extension.panel.problem == ""


def test_a_worker_killed_from_outside_is_noticed(extension):
    ask(extension, "TEXT", "slow")
    extension.start()
    extension.poll_until(lambda: "step 1" in extension.panel.message)
    os.kill(extension.session.current.queue.supervisor.pid, signal.SIGKILL)
    extension.poll_until(lambda: extension.panel.problem, seconds=3)
    assert not extension.session.current.queue.unfinished


def test_a_failed_job_keeps_the_worker(extension, new_objects):
    ask(extension, "TEXT", "fail")
    with pytest.raises(RuntimeError, match="No known word.*plain English"):
        bpy.ops.wala.generate()
    assert extension.panel.problem.startswith("No known word") and extension.panel.hint
    assert extension.session.current.queue.supervisor.state == "ready" and new_objects() == []


def test_the_newest_jobs_are_kept_and_never_one_under_way_removed(extension):
    folder = extension.module("operators.preferences").folder("jobs")
    ask(extension, "TEXT")
    before = {path.name for path in folder.iterdir()}
    bpy.ops.wala.generate()
    bpy.ops.wala.generate()
    kept = {path.name for path in folder.iterdir()}
    assert kept > before and len(kept - before) == 2  # all of them are far smaller than the preference
    extension.preferences.history_size = 0
    try:
        ticket = extension.start()
        assert [path.name for path in folder.iterdir()] == [ticket.job]
        extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    finally:
        extension.preferences.property_unset("history_size")
    assert "Made" in extension.panel.message and ticket.folder.is_dir()


@pytest.mark.parametrize("prompt", ["maps", "maps, then fail"])
def test_maps_that_a_job_drew_on_its_way_can_be_painted_and_used(extension, new_objects, prompt):
    own = bpy.data.images.new("Mine", 2, 2)
    bpy.ops.wala.list_maps(count="4")
    extension.settings.maps[0].image = own
    ask(extension, "TEXT", prompt)
    if prompt == "maps":
        assert bpy.ops.wala.generate() == {"FINISHED"}
    else:
        with pytest.raises(RuntimeError, match="No known word"):
            bpy.ops.wala.generate()
    maps = extension.settings.maps
    assert [item.view for item in maps] == [3, 6, 10, 26, 49, 50] and len({item.image.name for item in maps}) == 6
    assert maps[0].image.name == f"View 3, {prompt}" and len(new_objects()) == (prompt == "maps")
    for item in maps:
        assert item.image.packed_file and item.image.use_fake_user and tuple(item.image.size) == (2, 1)
    assert own.use_fake_user
    maps[2].image.pixels[:] = [0.25, 0.25, 0.25, 1.0] * 2
    extension.module("operators.models.catalog").KNOWN["maps"] = extension.module("operators.models.catalog").Model(
        "maps", "Maps", ("depths",)
    )
    extension.settings.model = "maps"
    ask(extension, "MAPS")
    try:
        assert bpy.ops.wala.generate() == {"FINISHED"}
        folder = max(
            extension.module("operators.preferences").folder("jobs").iterdir(), key=lambda path: path.stat().st_ctime
        )
        request = extension.module("runtime.jobs").read_request(folder)
        assert (request.condition, list(request.inputs["views"])) == ("depths", [3, 6, 10, 26, 49, 50])
        maps_read = [bpy.data.images.load(str(folder / name)) for name in request.inputs["images"]]
        assert list(maps_read[0].pixels) == [0, 0, 0, 1, 1, 1, 1, 1] and maps_read[2].pixels[0] == pytest.approx(
            64 / 255
        )
    finally:
        del extension.module("operators.models.catalog").KNOWN["maps"]


def test_bad_input_costs_nothing(extension, new_objects):
    scenes.mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)])
    ask(extension, "VOXELS")
    folder = extension.module("operators.preferences").folder("jobs")
    names, files = new_objects(), sorted(folder.iterdir())
    with pytest.raises(RuntimeError, match="no volume"):
        bpy.ops.wala.generate()
    assert new_objects() == names and sorted(folder.iterdir()) == files


def test_no_worker_is_explained(extension, tmp_path):
    ask(extension, "TEXT")
    extension.preferences.worker_python = ""
    with pytest.raises(RuntimeError, match="Set Up Worker"):
        bpy.ops.wala.generate()
    extension.preferences.worker_python = str(tmp_path / "gone")
    with pytest.raises(RuntimeError, match="does not exist"):
        bpy.ops.wala.generate()
    extension.session.tick()
    assert "does not exist" in extension.panel.worker_problem
    assert not bpy.ops.wala.generate.poll()
    extension.use_shaping_engine()
    assert bpy.ops.wala.generate() == {"FINISHED"}


def test_escape_leaves_a_set_up_alone(extension, monkeypatch):
    class SetUp:
        is_cancelled = False

        def poll(self):
            return []

        def cancel(self):
            self.is_cancelled = True

    set_up = SetUp()
    monkeypatch.setattr(extension.session.current.environment, "program", set_up)
    assert bpy.ops.wala.cancel(only_jobs=True) == {"PASS_THROUGH"} and not set_up.is_cancelled
    assert bpy.ops.wala.cancel() == {"FINISHED"} and set_up.is_cancelled


class BuiltAtOnce:
    """A set-up that is over with the first poll; ``last`` is its event."""

    def __init__(self, last):
        self.last = last

    def poll(self):
        return [self.last]


def test_what_set_up_built_is_used_instead_of_a_chosen_python(extension, monkeypatch, tmp_path):
    task, paths = extension.session.current.environment, extension.module("operators.preferences")
    events = extension.module("runtime.events")
    built = tmp_path / "built" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    built.parent.mkdir(parents=True)
    for path in (built, tmp_path / "built" / "wala-environment.json"):
        path.write_text("")
    monkeypatch.setattr(paths, "environment_folder", lambda: tmp_path / "built")
    chosen = extension.preferences.worker_python = str(tmp_path / "chosen")
    task.run(BuiltAtOnce(events.FailedEvent("build", "no", "")))
    task.poll()
    assert extension.preferences.worker_python == chosen
    task.run(BuiltAtOnce(events.EnvironmentBuiltEvent(str(built))))
    task.poll()
    assert extension.preferences.worker_python == "" and paths.worker_python() == str(built)
    assert chosen in extension.panel.message and task.outcome.ok and task.outcome.message == extension.panel.message
    task.run(BuiltAtOnce(events.EnvironmentBuiltEvent(str(built))))
    task.poll()
    assert extension.panel.message == "The worker is set up"


def test_an_interrupted_wait_leaves_nothing_behind(extension, new_objects, monkeypatch):
    tick = extension.session.tick

    def interrupted():
        monkeypatch.setattr(extension.session, "tick", tick)
        raise KeyboardInterrupt

    ask(extension, "TEXT", "slow")
    ticket = extension.start()
    monkeypatch.setattr(extension.session, "tick", interrupted)
    with pytest.raises(KeyboardInterrupt):
        extension.session.wait(ticket)
    assert not extension.session.current.queue.is_busy
    ask(extension, "TEXT")
    assert bpy.ops.wala.generate() == {"FINISHED"}


def is_quiet(extension) -> bool:
    return not extension.session.current.queue.is_busy


@pytest.mark.parametrize("answer", ["place", "discard"])
def test_a_result_for_another_file_asks_first(extension, answer):
    ask(extension, "TEXT", "maps")
    ticket = extension.start()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    extension.session.tick()
    assert extension.session.current.queue.unfinished and extension.panel.busy
    extension.poll_until(lambda: is_quiet(extension))
    extension.session.tick()
    assert not len(bpy.context.scene.objects) and not len(bpy.data.meshes) and not len(bpy.data.images)
    assert extension.panel.ready == "maps" and not extension.panel.busy
    ask(extension, "TEXT")
    assert bpy.ops.wala.generate.poll()  # it is in nobody's way
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    extension.session.tick()
    assert extension.panel.ready == "maps"
    bpy.ops.ed.undo_push(message="Before")
    assert getattr(bpy.ops.wala, answer)("EXEC_DEFAULT", True) == {"FINISHED"}
    placed = [item.name for item in bpy.context.scene.objects]
    assert placed == (["WaLa maps"] if answer == "place" else []) and extension.panel.ready == ""
    assert len(extension.settings.maps) == (6 if answer == "place" else 0)
    assert not bpy.ops.wala.place.poll() and not bpy.ops.wala.discard.poll()
    assert '"delivered"' in (ticket.folder / "events.ndjson").read_text("utf-8").splitlines()[-1]
    if answer == "place":
        bpy.ops.ed.undo()
        assert not len(bpy.context.scene.objects)


def test_a_job_for_another_file_that_fails_leaves_this_one_alone(extension):
    ask(extension, "TEXT", "maps, then fail")
    extension.start()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    extension.poll_until(lambda: is_quiet(extension))
    assert not len(bpy.data.images) and not len(extension.settings.maps) and extension.panel.problem


def test_the_same_file_opened_anew_keeps_the_scene(extension, tmp_path):
    side = bpy.data.scenes.new("Side")
    name = bpy.context.scene.name
    path = str(tmp_path / "chairs.blend")
    ask(extension, "TEXT")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    extension.start()
    bpy.ops.wm.open_mainfile(filepath=path)
    extension.poll_until(lambda: is_quiet(extension))
    assert [item.name for item in bpy.data.collections["WaLa"].objects] == ["WaLa a chair"]
    assert extension.panel.ready == ""
    assert len(bpy.data.scenes[name].objects) == 1 and not len(bpy.data.scenes["Side"].objects) and side is not None


@pytest.mark.parametrize("hide", ["scene", "collection"])
def test_a_result_that_is_not_seen_says_where_it_is(extension, hide):
    ask(extension, "TEXT")
    bpy.ops.wala.generate()
    extension.start()
    if hide == "scene" and len(bpy.context.window_manager.windows):
        bpy.context.window_manager.windows[0].scene = bpy.data.scenes.new("Other")
    elif hide == "scene":
        pytest.skip("no window shows a scene here")
    else:
        bpy.context.view_layer.layer_collection.children["WaLa"].hide_viewport = True
    extension.poll_until(lambda: is_quiet(extension))
    words = (
        "is in the scene “Scene”, which is not shown"
        if hide == "scene"
        else "is in the collection “WaLa”, which is hidden"
    )
    assert words in extension.panel.message and len(bpy.data.collections["WaLa"].objects) == 2


def test_deleting_the_sketch_and_its_collection_while_a_job_runs(extension, new_objects):
    collection = bpy.data.collections.new("Sketches")
    bpy.context.scene.collection.children.link(collection)
    bpy.context.view_layer.active_layer_collection = bpy.context.view_layer.layer_collection.children["Sketches"]
    extension.settings.sketch = scenes.sketch()
    ask(extension, "SKETCH")
    extension.start()
    bpy.data.objects.remove(bpy.data.objects["Sketch"])
    bpy.data.collections.remove(collection)
    extension.poll_until(lambda: new_objects())
    assert made(new_objects).name in bpy.data.collections["WaLa"].objects


def test_a_random_seed_is_kept_for_repeating(extension, new_objects):
    ask(extension, "TEXT")
    extension.settings.randomise_seed = True
    bpy.ops.wala.generate()
    assert made(new_objects)["wala_seed"] == extension.settings.seed


def test_check_worker_says_what_is_missing_or_there(extension):
    extension.module("operators.preferences").SOURCE_ROOT = (
        extension.module("operators.preferences").Path(__file__).parents[3]
    )
    try:
        bpy.ops.wala.check_worker()
    except RuntimeError as error:
        assert "Traceback" not in str(error) and extension.panel.problem and extension.panel.hint
    else:
        assert "PyTorch" in extension.panel.message
