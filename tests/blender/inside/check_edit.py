"""Editing meshes: the result takes the mesh's place, and the job says what is to become of which part of it."""

import bmesh
import bpy
import numpy as np
import pytest
import scenes

CUBE_FACES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def thing(name="Thing"):
    """A mesh that is turned, stretched and away from its own origin."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float) * [2, 1, 4] + [3, 0, 0]
    item = scenes.mesh(corners, CUBE_FACES, name)
    item.location, item.rotation_euler, item.scale = (4, 5, 1), (0.3, 0.2, 0.7), (1, 2, 0.5)
    bpy.context.view_layer.update()
    return item


def job_of(extension, item):
    """The request and the files of the job that made an object."""
    jobs = extension.module("runtime.jobs")
    folder = extension.module("operators.preferences").folder("jobs") / item["wala_job"]
    request = jobs.read_request(folder)
    arrays = {}
    for name in jobs.read_inputs(folder, request):
        loaded = np.load(folder / "inputs" / name)
        arrays[name] = {key: loaded[key] for key in loaded.files} if name.endswith(".npz") else loaded
    return request, arrays


def same_points(a, b) -> bool:
    def ordered(points):
        return np.array(sorted(np.round(np.asarray(points, float), 3).tolist()))

    return np.allclose(ordered(a), ordered(b), atol=2e-3)


def vary(extension, item, **settings):
    for name, value in settings.items():
        setattr(extension.settings, name, value)
    assert bpy.ops.wala.vary("EXEC_DEFAULT", True) == {"FINISHED"}
    return bpy.context.active_object


def test_a_varied_mesh_takes_the_place_of_the_mesh(extension):
    item = thing()
    wood = bpy.data.materials.new("Wood")
    item.data.materials.append(wood)
    before, matrix = scenes.world_vertices(item), item.matrix_world.copy()
    bpy.ops.ed.undo_push(message="Before")
    made = vary(extension, item, strength=0.25, seed=9)
    item = bpy.data.objects["Thing"]
    assert made.name == "WaLa Thing" and made.users_collection[0].name == "WaLa"
    assert same_points(scenes.world_vertices(made), before)
    assert np.allclose(made.matrix_world, matrix, atol=1e-5)
    assert not item.visible_get() and [entry.object for entry in made.wala.sources] == [item]
    assert [material.name for material in made.data.materials] == ["Wood"]
    request, files = job_of(extension, made)
    assert (request.condition, request.inputs, request.edit["strength"], request.seed) == ("none", {}, 0.25, 9)
    assert request.scale is None and "region" not in request.edit
    sent = files["edited.npz"]["vertices"]
    # As large as the model's shapes, and as stretched as the object: 2 · 1, 1 · 2 and 4 · 0.5 are all the same.
    assert np.allclose(np.ptp(sent, axis=0), 1.8, atol=1e-4)
    assert np.allclose(sent.min(axis=0) + sent.max(axis=0), 0, atol=1e-4)
    bpy.ops.ed.undo()
    assert [one.name for one in bpy.data.objects] == ["Thing"] and bpy.data.objects["Thing"].visible_get()


@pytest.mark.parametrize(
    "angles", [(np.pi / 2, 0, 0.4), (-np.pi / 2, 0, 0), (np.pi, 0, 0), (0, np.pi / 2, 0), (0, -1.5, 0)]
)
def test_what_is_up_in_the_world_is_up_for_the_model(extension, angles):
    """As with files whose Y is up: Blender turns the object, not its mesh."""
    item = scenes.cube((1, 2, 3), (2, 4, 8))
    item.rotation_euler = angles
    bpy.context.view_layer.update()
    before = scenes.world_vertices(item)
    made = vary(extension, item)
    assert same_points(scenes.world_vertices(made), before)
    # The model's Y is the world's Z, up to how far the object is tilted.
    sent = job_of(extension, made)[1]["edited.npz"]["vertices"]
    matrix = np.linalg.lstsq(np.c_[sent, np.ones(8)], scenes.world_vertices(made), rcond=None)[0]
    assert matrix[1, 2] / np.linalg.norm(matrix[1]) > 0.99
    assert bpy.ops.wala.add_region() == {"FINISHED"}
    bpy.context.view_layer.update()
    region = extension.settings.region.matrix_world.translation
    assert region.z > before[:, 2].mean() and np.allclose(region.xy, before.mean(axis=0)[:2], atol=0.6)


def test_words_are_the_condition(extension):
    made = vary(extension, thing(), edit_words="  a  chair ", scale=3.0)
    request, _ = job_of(extension, made)
    assert (request.condition, request.inputs, request.scale) == ("text", {"prompt": "a chair"}, 3.0)


def test_each_variation_has_a_seed_of_its_own_where_that_is_chosen(extension):
    made = vary(extension, thing(), seed=5, randomise_seed=True)
    assert made["wala_seed"] == extension.settings.seed != 5


def test_the_mesh_is_taken_with_its_modifiers(extension):
    item = thing()
    item.modifiers.new("Mirror", "MIRROR")
    made = vary(extension, item)
    assert len(job_of(extension, made)[1]["edited.npz"]["vertices"]) == 16


def test_an_empty_is_the_region(extension):
    item = thing()
    # An empty that fills the mesh's box: it has the mesh's corners.
    region = scenes.add("Region", None)
    region.empty_display_type, region.empty_display_size = "CUBE", 0.5
    local = np.diag([2.0, 1.0, 4.0, 1.0])
    local[:3, 3] = (4, 0.5, 2)
    region.matrix_world = item.matrix_world @ type(item.matrix_world)(local.tolist())
    bpy.context.view_layer.update()
    made = vary(extension, item, edit_region="EMPTY", region=region)
    request, files = job_of(extension, made)
    assert (request.edit["region"], request.edit["strength"]) == ("box", 1.0)
    matrix = np.array(request.edit["region_matrix"]).reshape(4, 4)
    corners = (
        np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) @ matrix[:3, :3].T + matrix[:3, 3]
    )
    assert same_points(corners, files["edited.npz"]["vertices"])


def test_the_added_region_is_the_upper_half(extension):
    item = scenes.cube((1, 2, 3), (2, 2, 2))
    assert bpy.ops.wala.add_region() == {"FINISHED"}
    region = extension.settings.region
    bpy.context.view_layer.update()
    assert extension.settings.edit_region == "EMPTY" and bpy.context.active_object == item
    assert np.allclose(region.matrix_world.translation, (1, 2, 3.5)) and region.scale.z == pytest.approx(0.55)


def choose(item, faces) -> None:
    """Select these faces of a mesh in Edit Mode, and nothing else of it."""
    mesh = bmesh.from_edit_mesh(item.data)
    for part in (*mesh.verts, *mesh.edges, *mesh.faces):
        part.select = False
    mesh.faces.ensure_lookup_table()
    for number in faces:
        mesh.faces[number].select_set(True)
    bmesh.update_edit_mesh(item.data)


def test_selected_faces_are_the_region(extension):
    item = thing()
    extension.settings.edit_region, extension.settings.region_radius = "FACES", 0.2
    bpy.ops.object.mode_set(mode="EDIT")
    choose(item, ())
    with pytest.raises(RuntimeError, match="No face is selected"):
        bpy.ops.wala.vary()
    choose(item, (1,))
    assert bpy.ops.wala.vary() == {"FINISHED"}
    bpy.ops.object.mode_set(mode="OBJECT")
    request, files = job_of(extension, bpy.data.objects["WaLa Thing"])
    assert request.edit["region"] == "points" and request.edit["region_radius"] == pytest.approx(0.36)
    sent = files["edited.npz"]["vertices"]
    right = sent[sent[:, 0] > 0]
    assert same_points(files["region.npy"], [*right, right.mean(axis=0)])


def test_a_result_is_sent_as_the_model_made_it_with_its_own_source(extension):
    scenes.cube((4, 5, 1), (2, 1.5, 2), "Seat")
    extension.settings.condition = "VOXELS"
    assert bpy.ops.wala.generate() == {"FINISHED"}
    result = bpy.context.active_object
    request, files = job_of(extension, result)
    before = scenes.world_vertices(result)
    made = vary(extension, result, edit_guide="SOURCE", strength=0.4)
    again, sent = job_of(extension, made)
    assert (again.condition, again.inputs) == (request.condition, request.inputs)
    assert np.array_equal(sent["mesh.npz"]["vertices"], files["mesh.npz"]["vertices"])
    folder = extension.module("operators.preferences").folder("jobs") / result["wala_job"]
    with np.load(folder / "result" / "mesh.npz") as arrays:
        assert same_points(sent["edited.npz"]["vertices"], arrays["vertices"])
    assert same_points(scenes.world_vertices(made), before)
    assert not result.visible_get() and made.name == "WaLa Seat.001"
    # The variation's own source is still the blockout, and the one before is put away.
    third = vary(extension, made, edit_guide="SOURCE")
    assert job_of(extension, third)[0].inputs == request.inputs and not made.visible_get()
    bpy.data.objects.remove(third)
    extension.session.tick()
    assert made.visible_get()


def test_variations_and_another_one_stay_in_place(extension):
    item = thing()
    made = vary(extension, item, variations=2, seed=3)
    extension.settings.variations = 1
    low = scenes.world_vertices(made).min(axis=0)
    assert made.wala.variations == 2
    assert bpy.ops.wala.show_variation(number=1) == {"FINISHED"}
    assert bpy.ops.wala.show_variation(number=0) == {"FINISHED"}
    assert np.allclose(scenes.world_vertices(made).min(axis=0), low, atol=1e-3)
    assert bpy.ops.wala.regenerate() == {"FINISHED"}
    again = bpy.context.active_object
    assert again != made and not made.visible_get()
    request, _ = job_of(extension, again)
    assert request.seed == 5 and request.edit["mesh"]
    assert np.allclose(scenes.world_vertices(again).min(axis=0), low, atol=1e-3)


def test_a_blend_stands_beside_both(extension):
    other = scenes.cube((9, 0, 0), (2, 2, 2), "Other")
    item = scenes.cube((0, 0, 0), (1, 1, 3), "One")
    other.select_set(True)
    extension.settings.mix = 0.3
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.wala.blend("EXEC_DEFAULT", True) == {"FINISHED"}
    made = bpy.context.active_object
    request, files = job_of(extension, made)
    assert request.edit["mix"] == pytest.approx(0.3) and request.edit["strength"] == 0
    assert np.allclose(np.ptp(files["other.npz"]["vertices"], axis=0), 1.8, atol=1e-4)
    assert scenes.world_vertices(made)[:, 0].min() > 10 and np.ptp(scenes.world_vertices(made)[:, 2]) == pytest.approx(
        3
    )
    item, other = bpy.data.objects["One"], bpy.data.objects["Other"]
    assert item.visible_get() and other.visible_get() and item.display_type == "TEXTURED"
    assert {entry.object.name for entry in made.wala.sources} == {"One", "Other"}
    bpy.ops.ed.undo()
    assert {one.name for one in bpy.data.objects} == {"One", "Other"}


def test_what_cannot_be_edited_says_why(extension):
    with pytest.raises(RuntimeError, match="Make a mesh active"):
        bpy.ops.wala.vary()
    thing()
    with pytest.raises(RuntimeError, match="Select two meshes"):
        bpy.ops.wala.blend()
    extension.settings.edit_region = "EMPTY"
    with pytest.raises(RuntimeError, match="cube or sphere empty"):
        bpy.ops.wala.vary()
    extension.settings.edit_region, extension.settings.edit_guide = "ALL", "SOURCE"
    with pytest.raises(RuntimeError, match="choose Words"):
        bpy.ops.wala.vary()
    extension.settings.edit_guide = "WORDS"
    bpy.context.active_object.scale = (1, 1, 0)
    region = scenes.add("Flat", None)
    region.empty_display_type, region.scale.z = "CUBE", 0
    bpy.context.view_layer.update()
    extension.settings.edit_region, extension.settings.region = "EMPTY", region
    with pytest.raises(RuntimeError, match="flat"):
        bpy.ops.wala.vary()


def test_an_edit_follows_its_mesh_and_its_region(extension):
    """Once the mesh is shown again and changed, the panel says so, and Update makes the edit anew in place."""
    item = thing()
    region = scenes.add("Region", None)
    region.empty_display_type, region.location = "CUBE", item.location
    bpy.context.view_layer.update()
    made = vary(extension, item, region=region, edit_region="EMPTY", region_strength=0.75, seed=9, strength=0.5)
    made.name, job = "Better", made["wala_job"]
    extension.session.tick()
    assert made.wala.settings.edit == "vary" and not extension.settings.edit and not extension.panel.outdated
    item.hide_set(False)
    item.data.vertices[0].co.x -= 1.0
    item.data.update()
    bpy.context.view_layer.update()
    extension.session.tick()
    assert extension.panel.outdated == "“Thing” has changed"
    extension.settings.seed, extension.settings.region_strength = 1, 0.1
    item.location.z += 3
    assert bpy.ops.wala.update() == {"FINISHED"}
    request, _ = job_of(extension, made)
    assert (request.seed, request.edit["strength"], made.name) == (9, 0.75, "Better") and made["wala_job"] != job
    assert same_points(scenes.world_vertices(made) + (0, 0, 3), scenes.world_vertices(item))
    extension.session.tick()
    assert not extension.panel.outdated
    region.scale = (2, 2, 2)
    bpy.context.view_layer.update()
    extension.session.tick()
    assert extension.panel.outdated
    extension.settings.property_unset("region_strength")
    extension.settings.edit_region = "ALL"


def test_live_makes_a_draft_of_an_edit(extension):
    item = thing()
    made = vary(extension, item, edit_region="ALL", strength=0.5)
    item.hide_set(False)
    extension.settings.live = True
    try:
        bpy.context.view_layer.objects.active = item
        extension.session.tick()
        item.data.vertices[0].co.x -= 1.0
        item.data.update()
        bpy.context.view_layer.update()
        extension.session.tick()
        assert len(extension.session.current.queue.unfinished) == 1
        extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    finally:
        extension.settings.live = False
    request, _ = job_of(extension, made)
    assert (request.quality, request.edit["strength"]) == ("draft", 0.5)
    assert same_points(scenes.world_vertices(made), scenes.world_vertices(item))


def test_a_blend_follows_both(extension):
    first, second = thing("First"), thing("Second")
    second.location.x += 20
    second.select_set(True)
    first.select_set(True)
    bpy.context.view_layer.objects.active = first
    assert bpy.ops.wala.blend("EXEC_DEFAULT", True) == {"FINISHED"}
    made = bpy.context.active_object
    place = made.matrix_world.copy()
    extension.session.tick()
    second.data.vertices[0].co.x -= 1.0
    second.data.update()
    bpy.context.view_layer.update()
    extension.session.tick()
    assert extension.panel.outdated == "What it was made from has changed"
    assert bpy.ops.wala.update() == {"FINISHED"}
    request, files = job_of(extension, made)
    assert request.edit["mix"] == pytest.approx(0.5) and "other.npz" in files and made.matrix_world == place
