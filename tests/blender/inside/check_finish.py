"""What a delivered mesh is made of, and how it is finished again, through a real worker process with an engine that
needs no model."""

import bpy
import numpy as np
import pytest
import scenes


def generate(extension, condition: str = "TEXT", **settings):
    extension.settings.condition, extension.settings.prompt = condition, "a chair"
    for name, value in settings.items():
        setattr(extension.settings, name, value)
    assert bpy.ops.wala.generate() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def request_of(extension, item):
    folder = extension.module("operators.preferences").folder("jobs") / item["wala_job"]
    return extension.module("runtime.jobs").read_request(folder)


def test_the_panels_settings_are_those_of_the_job_in_the_models_axes(extension):
    item = generate(extension)
    assert request_of(extension, item).finish == {
        "topology": "triangles",
        "faces": 20_000,
        "crisp": 0.0,
        "smoothing": 0,
        "symmetry": "off",
        "flat_base": False,
        "hollow": 0.0,
        "uv": False,
    }
    item = generate(
        extension, topology="LOW_POLY", low_poly_faces=700, symmetry="Y", hollow=True, wall=0.1, flat_base=True
    )
    finish = request_of(extension, item).finish
    assert (finish["topology"], finish["faces"], finish["symmetry"], finish["flat_base"]) == (
        "low-poly",
        700,
        "z",
        True,
    )
    assert finish["hollow"] == pytest.approx(0.1)


def test_triangles_quads_flat_faces_and_uvs_arrive_as_valid_meshes(extension):
    for settings, sides, count, smooth in (
        ({"topology": "TRIANGLES", "unwrap": True}, 3, 36, True),
        ({"topology": "QUADS"}, 4, 18, True),
        ({"topology": "LOW_POLY", "unwrap": False}, 3, 12, False),
    ):
        mesh = generate(extension, **settings).data
        assert {polygon.loop_total for polygon in mesh.polygons} == {sides} and len(mesh.polygons) == count
        assert all(polygon.use_smooth == smooth for polygon in mesh.polygons)
        assert not mesh.validate(verbose=True)
        assert len(mesh.uv_layers) == (1 if settings.get("unwrap") else 0)
        assert len(mesh.materials) == 1 and mesh.materials[0] is not None


@pytest.mark.parametrize(("source", "result"), [("WaLa chair.001", "WaLa chair"), ("WaLa", "WaLa.001")])
def test_the_name_has_the_title_once(extension, source, result):
    scenes.cube((0, 0, 0), (1, 1, 1), source)
    bpy.context.view_layer.objects.active.select_set(True)
    assert generate(extension, "VOXELS").name == result


@pytest.mark.parametrize(
    ("system", "scale", "size"), [("METRIC", 1, 2), ("METRIC", 0.01, 200), ("IMPERIAL", 1000, 0.002), ("NONE", 0.01, 2)]
)
def test_a_shape_is_two_metres_long_whatever_the_scenes_unit(extension, system, scale, size):
    bpy.context.scene.unit_settings.system, bpy.context.scene.unit_settings.scale_length = system, scale
    points = scenes.world_vertices(generate(extension))
    assert np.ptp(points, axis=0).max() == pytest.approx(size, rel=1e-5)


@pytest.mark.parametrize("origin", ["BASE", "MIDDLE"])
def test_the_origin_is_where_it_was_asked_for(extension, origin):
    scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    item = generate(extension, "VOXELS", origin=origin)
    local = np.array([vertex.co for vertex in item.data.vertices])
    low, high = local.min(axis=0), local.max(axis=0)
    assert (low + high)[:2] == pytest.approx([0, 0], abs=1e-5)
    assert (low[2] if origin == "BASE" else low[2] + high[2]) == pytest.approx(0, abs=1e-5)


def test_a_result_is_finished_again_in_place(extension, new_objects):
    item = generate(extension)
    item.name, item.location = "Throne", (7, 8, 9)
    material = item.data.materials[0]
    modifier = item.modifiers.new("Bevel", "BEVEL")
    assert bpy.ops.wala.finish(topology="QUADS", faces=500) == {"FINISHED"}
    assert new_objects() == ["Throne"] and list(item.location) == [7, 8, 9]
    assert {polygon.loop_total for polygon in item.data.polygons} == {4} and item.modifiers[0] == modifier
    assert list(item.data.materials) == [material] and item.data["wala_job"] == item["wala_job"]
    assert (request_of(extension, item).finish["topology"], request_of(extension, item).finish["faces"]) == (
        "quads",
        500,
    )
    assert len([mesh for mesh in bpy.data.meshes if mesh.users]) == 1
    # And another one like it is a whole job again.
    assert bpy.ops.wala.regenerate() == {"FINISHED"}
    assert request_of(extension, bpy.context.view_layer.objects.active).start == "input"


def test_a_mesh_that_comes_later_is_a_step_of_undo(extension):
    """As in a window: the operator is over before the mesh comes."""
    item = generate(extension)
    bpy.ops.ed.undo_push(message="Adjust Mesh")
    extension.module("operators.jobs.finish").start_again(bpy.context, item, {"topology": "quads", "faces": 500})
    extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    name, quads = item.name, len(item.data.polygons)
    item.location.x = 5
    bpy.ops.ed.undo_push(message="Move")
    bpy.ops.ed.undo()
    item = bpy.data.objects[name]
    assert (item.location.x, len(item.data.polygons)) == (0, quads) and item.data.polygons[0].loop_total == 4
    bpy.ops.ed.undo()
    assert bpy.data.objects[name].data.polygons[0].loop_total == 3
    bpy.ops.ed.redo()
    assert bpy.data.objects[name].data.polygons[0].loop_total == 4


def test_only_a_kept_result_can_be_finished_again(extension):
    scenes.cube((0, 0, 0), (1, 1, 1), "Cube")
    assert not bpy.ops.wala.finish.poll()
    generate(extension)
    assert bpy.ops.wala.finish.poll()
