"""Update: the panel says when a result's source has changed, and the mesh is made anew in place."""

import bpy
import numpy as np
import pytest
import scenes


def generate(extension, condition="VOXELS", **settings):
    extension.settings.condition = condition
    for name, value in settings.items():
        setattr(extension.settings, name, value)
    assert bpy.ops.wala.generate() == {"FINISHED"}
    extension.session.tick()
    return bpy.context.active_object


def changed(extension) -> str:
    """What the panel says after the timer's next look."""
    bpy.context.view_layer.update()
    extension.session.tick()
    return extension.panel.outdated


def seat():
    return scenes.cube((4, 5, 1), (2, 2, 2), "Seat")


def test_a_blockout_that_changes_is_told_and_one_that_is_moved_back_is_not(extension):
    source = seat()
    result = generate(extension)
    assert changed(extension) == ""
    source.location.x += 1
    assert changed(extension) == "“Seat” has changed"
    source.location.x -= 1
    assert changed(extension) == ""
    source.data.vertices[0].co.z -= 0.5
    source.data.update()
    assert changed(extension) == "“Seat” has changed"
    bpy.context.view_layer.objects.active = source
    assert changed(extension) == ""
    bpy.context.view_layer.objects.active = result
    assert changed(extension)
    bpy.data.objects.remove(source)
    bpy.context.view_layer.objects.active = None
    assert changed(extension) == ""


def test_a_change_of_the_settings_or_of_the_view_is_none_of_the_source(extension):
    sketch = scenes.sketch()
    bpy.context.view_layer.objects.active = sketch
    scenes.camera((0, -8, 1), (np.pi / 2, 0, 0))
    generate(extension, "SKETCH")
    bpy.context.scene.camera.location = (6, -6, 3)
    extension.settings.seed, extension.settings.prompt = 99, "a table"
    assert changed(extension) == ""


def test_update_keeps_everything_but_the_shape(extension):
    source = seat()
    result = generate(extension, seed=5)
    material = bpy.data.materials.new("Oak")
    result.data.materials.append(material)
    result.modifiers.new("Bevel", "BEVEL")
    other = bpy.data.collections.new("Mine")
    bpy.context.scene.collection.children.link(other)
    other.objects.link(result)
    result.name, result.parent = "My Chair", scenes.add("Parent", None)
    result.location.y += 10
    bpy.context.view_layer.update()
    matrix, mesh, job = result.matrix_world.copy(), result.data.name, result["wala_job"]
    source.scale.z, source.location.z = 2.0, 2.0
    extension.settings.condition, extension.settings.seed = "TEXT", 77
    assert changed(extension)
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.wala.update("EXEC_DEFAULT", True) == {"FINISHED"}
    item = bpy.data.objects["My Chair"]
    points = scenes.world_vertices(item)
    low, high = points.min(axis=0), points.max(axis=0)
    # As high as a chair of that width can be, in the middle of the blockout as it is now, and as far from it as before.
    assert high[2] - low[2] == pytest.approx(3, rel=0.01)
    assert np.allclose((low + high) / 2, [4, 15, 2], atol=1e-3)
    assert item.matrix_world == matrix and item.data.name == mesh and item.data.materials[-1].name == "Oak"
    assert len(item.modifiers) == 1 and item.parent.name == "Parent"
    assert {collection.name for collection in item.users_collection} == {"WaLa", "Mine"}
    assert item["wala_seed"] == 5 and item["wala_condition"] == "voxels" and item["wala_job"] != job
    assert len(bpy.data.collections["WaLa"].objects) == 1 and changed(extension) == ""
    bpy.ops.ed.undo()
    item = bpy.data.objects["My Chair"]
    assert np.ptp(scenes.world_vertices(item)[:, 2]) == pytest.approx(2, rel=0.01) and item["wala_job"] == job


def test_an_update_from_the_timer_is_one_undo_step_and_waits_for_the_artist(extension):
    source = seat()
    result = generate(extension)
    source.scale.z = 2.0
    assert changed(extension)
    bpy.ops.ed.undo_push(message="Before")
    ticket = extension.module("operators.jobs.update").start(bpy.context, result)
    bpy.ops.object.mode_set(mode="EDIT")
    extension.poll_until(lambda: "leave this mode" in extension.panel.message)
    assert extension.session.current.queue.finished == [ticket]
    bpy.ops.object.mode_set(mode="OBJECT")
    extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    assert bpy.data.objects["WaLa Seat"]["wala_job"] == ticket.job
    bpy.ops.ed.undo()
    assert bpy.data.objects["WaLa Seat"]["wala_job"] != ticket.job


def test_a_result_that_is_deleted_meanwhile_comes_as_a_new_object(extension):
    seat()
    result = generate(extension)
    extension.module("operators.jobs.update").start(bpy.context, result)
    bpy.data.objects.remove(result)
    extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    assert [item.name for item in bpy.data.collections["WaLa"].objects] == ["WaLa Seat"]


def test_a_sketch_is_updated_as_seen_by_the_eye_it_was_drawn_from(extension):
    sketch = scenes.sketch()
    bpy.context.view_layer.objects.active = sketch
    scenes.camera((0, -8, 1), (np.pi / 2, 0, 0))
    result = generate(extension, "SKETCH")
    jobs, folder = extension.module("runtime.jobs"), extension.module("operators.preferences").folder("jobs")
    before = jobs.read_request(folder / result["wala_job"]).placement
    bpy.context.scene.camera.location, bpy.context.scene.camera.rotation_euler = (8, 0, 1), (np.pi / 2, 0, np.pi / 2)
    sketch.location.x += 0.5
    assert changed(extension) == "“Sketch” has changed"
    assert bpy.ops.wala.update() == {"FINISHED"}
    after = jobs.read_request(folder / result["wala_job"]).placement
    assert after["view"] == before["view"] and after["azimuth"] == pytest.approx(before["azimuth"], abs=5)
    middle = np.mean([scenes.world_vertices(result).min(axis=0), scenes.world_vertices(result).max(axis=0)], axis=0)
    assert middle[0] == pytest.approx(0.5, abs=0.1)


def test_a_picture_that_is_painted_on_is_told(extension):
    image = bpy.data.images.new("Photo", 8, 8)
    result = generate(extension, "IMAGE", image=image)
    assert changed(extension) == "" and result.wala.settings.image == image
    image.pixels[0] = 0.25
    image.update()
    assert changed(extension) == "“Photo” has changed"
    assert bpy.ops.wala.update() == {"FINISHED"} and changed(extension) == ""


def test_what_cannot_be_updated_says_why(extension):
    assert not bpy.ops.wala.update.poll()
    extension.settings.prompt = "a chair"
    generate(extension, "TEXT")
    with pytest.raises(RuntimeError, match="blockout, a sketch, a picture or another mesh"):
        bpy.ops.wala.update()
    source = seat()
    generate(extension)
    bpy.data.objects.remove(source)
    with pytest.raises(RuntimeError, match="is gone"):
        bpy.ops.wala.update()


def test_a_result_keeps_its_settings_in_the_file(extension, tmp_path):
    seat()
    generate(extension, quality="DRAFT", seed=11)
    path = str(tmp_path / "kept.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    kept = bpy.data.objects["WaLa Seat"].wala
    assert (kept.settings.quality, kept.settings.seed, kept.settings.condition) == ("DRAFT", 11, "VOXELS")
    assert [entry.object.name for entry in kept.sources] == ["Seat"]
    bpy.data.objects["Seat"].location.z += 3
    assert changed(extension) == "“Seat” has changed"
    assert bpy.ops.wala.update() == {"FINISHED"}


def test_every_listed_map_is_followed(extension):
    bpy.ops.wala.list_maps(count="4")
    for number, entry in enumerate(extension.settings.maps):
        entry.image = bpy.data.images.new(f"Map {number}", 4, 4)
    extension.settings.condition = "MAPS"
    found = extension.module("operators.jobs.fingerprint").images_of(extension.settings)
    assert [image.name for image in found] == ["Map 0", "Map 1", "Map 2", "Map 3"]
    extension.settings.condition = "TEXT"
    assert extension.module("operators.jobs.fingerprint").images_of(extension.settings) == []
