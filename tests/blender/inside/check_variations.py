"""Variations of a result: one job, the best first; another one takes the place of the one that is seen, and all of them
stand in a row."""

import shutil

import bpy
import numpy as np
import pytest
import scenes

COUNT = 3


@pytest.fixture
def result(extension):
    """A result of three variations, made from a blockout; its seeds are 9, 8 and 7."""
    scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    extension.settings.condition, extension.settings.variations, extension.settings.seed = "VOXELS", COUNT, 7
    assert bpy.ops.wala.generate() == {"FINISHED"}
    yield bpy.context.active_object
    extension.settings.variations = 1


def heights(item) -> float:
    """Of its vertices, over their width: tells the variations apart."""
    points = np.empty(len(item.data.vertices) * 3, np.float32)
    item.data.vertices.foreach_get("co", points)
    extent = np.ptp(points.reshape(-1, 3), axis=0)
    return extent[2] / extent[0]


def test_the_best_is_the_object_and_all_have_a_picture(extension, result):
    assert (result.wala.variations, result.wala.variation, result["wala_seed"]) == (COUNT, 0, 9)
    assert len(bpy.data.collections["WaLa"].objects) == 1
    extension.session.tick()
    assert len(extension.panel.thumbnails) == COUNT
    bpy.context.view_layer.objects.active = bpy.data.objects["Seat"]
    extension.session.tick()
    assert not len(extension.panel.thumbnails)


def test_another_variation_takes_the_place_and_nothing_else_changes(extension, result):
    material = bpy.data.materials.new("Oak")
    result.data.materials.append(material)
    result.modifiers.new("Bevel", "BEVEL")
    result.name, result.location.x, parent = "My Chair", 9.0, scenes.add("Parent", None)
    result.parent = parent
    bpy.context.view_layer.update()
    before, mesh, matrix = heights(result), result.data.name, result.matrix_world.copy()
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.wala.show_variation("EXEC_DEFAULT", True, number=2) == {"FINISHED"}
    item = bpy.data.objects["My Chair"]
    assert heights(item) == pytest.approx(before * 1.5, rel=1e-4) and item["wala_seed"] == 7
    assert (item.wala.variation, item.data.name) == (2, mesh) and item.matrix_world == matrix
    assert item.data.materials[-1] == bpy.data.materials["Oak"] and len(item.modifiers) == 1
    assert item.parent.name == "Parent" and len(bpy.data.collections["WaLa"].objects) == 1
    bpy.ops.ed.undo()
    item = bpy.data.objects["My Chair"]
    assert heights(item) == pytest.approx(before, rel=1e-4) and item.wala.variation == 0 and item["wala_seed"] == 9


def test_a_variation_stands_where_the_first_one_stood(result):
    low, high = np.ptp(scenes.world_vertices(result), axis=0), scenes.world_vertices(result).mean(axis=0)
    assert bpy.ops.wala.show_variation(number=1) == {"FINISHED"}
    points = scenes.world_vertices(result)
    # In the blockout's box, as every one of them would have been placed.
    assert (points.min(axis=0) > np.array([3, 4, 0]) - 1e-3).all() and (
        points.max(axis=0) < np.array([5, 6, 2]) + 1e-3
    ).all()
    assert np.allclose((points.min(axis=0) + points.max(axis=0)) / 2, [4, 5, 1], atol=1e-3) and len(low) == len(high)


def test_one_is_kept(extension, result):
    bpy.ops.wala.show_variation(number=1)
    kept = heights(result)
    assert bpy.ops.wala.keep_variation() == {"FINISHED"}
    assert result.wala.variations == 0 and heights(result) == kept and not len(extension.panel.thumbnails)
    assert not bpy.ops.wala.show_variation.poll()


def test_all_are_kept_in_a_row_in_one_undo_step(extension, result):
    bpy.ops.wala.show_variation(number=1)
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.wala.keep_all_variations("EXEC_DEFAULT", True) == {"FINISHED"}
    made = sorted(bpy.data.collections["WaLa"].objects, key=lambda item: item.location.x)
    assert [item["wala_seed"] for item in made] == [8, 9, 7] and made[0].location.x == pytest.approx(4, abs=1e-4)
    boxes = [(points[:, 0].min(), points[:, 0].max()) for points in map(scenes.world_vertices, made)]
    assert boxes[0][1] < boxes[1][0] and boxes[1][1] < boxes[2][0]
    assert bpy.context.active_object == made[0] and not any(item.wala.variations for item in made)
    assert all([entry.object.name for entry in item.wala.sources] == ["Seat"] for item in made)
    bpy.ops.ed.undo()
    assert len(bpy.data.collections["WaLa"].objects) == 1


def test_variations_that_are_not_kept_are_not_offered(extension, result):
    folder = extension.module("operators.preferences").folder("jobs") / result["wala_job"]
    (folder / "variations" / "01" / "result" / "mesh.npz").write_bytes(b"damaged")
    with pytest.raises(RuntimeError, match="damaged"):
        bpy.ops.wala.show_variation(number=1)
    with pytest.raises(RuntimeError, match="no variation 9"):
        bpy.ops.wala.show_variation(number=8)
    assert result.wala.variation == 0 and len(result.data.vertices) == 24
    shutil.rmtree(folder)
    extension.session.tick()
    assert not len(extension.panel.thumbnails)
    with pytest.raises(RuntimeError, match="not kept any more"):
        bpy.ops.wala.show_variation(number=1)


def test_another_one_goes_on_with_the_next_seeds(result):
    assert bpy.ops.wala.regenerate() == {"FINISHED"}
    again = bpy.context.active_object
    assert (again["wala_seed"], again.wala.variations) == (12, COUNT) and again != result
