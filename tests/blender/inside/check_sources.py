"""Results and their sources: one collection, sources drawn as wire or hidden while a result is seen, earlier results
hidden."""

import bpy
import pytest
import scenes


def generate(extension, display="WIRE", condition="VOXELS"):
    extension.settings.condition, extension.settings.source_display = condition, display
    assert bpy.ops.wala.generate() == {"FINISHED"}
    return bpy.context.active_object


def seat():
    return scenes.cube((4, 5, 1), (2, 2, 2), "Seat")


def look(extension):
    """As the timer does."""
    extension.session.tick()


def test_results_go_into_one_collection_that_may_be_renamed(extension):
    extension.settings.prompt = "a chair"
    first = generate(extension, condition="TEXT")
    [collection] = first.users_collection
    assert collection.name == "WaLa" and collection in bpy.context.scene.collection.children[:]
    collection.name = "Shapes"
    second = generate(extension, condition="TEXT")
    assert set(collection.objects) == {first, second} and len(bpy.data.collections) == 1
    bpy.context.window.scene = bpy.data.scenes.new("Other") if bpy.context.window else bpy.context.scene
    other = generate(extension, condition="TEXT")
    assert other.name in bpy.context.scene.objects


@pytest.mark.parametrize("display", ["KEEP", "WIRE", "HIDE"])
def test_a_source_makes_room_and_comes_back_with_the_results_end(extension, display):
    source = seat()
    source.display_type = "SOLID"
    result = generate(extension, display)
    assert source.display_type == ("WIRE" if display == "WIRE" else "SOLID")
    assert source.hide_get() == (display == "HIDE") and not result.hide_get()
    look(extension)
    assert source.wala.covered == display
    bpy.data.objects.remove(result)
    look(extension)
    assert (source.display_type, source.hide_get(), source.wala.covered) == ("SOLID", False, "KEEP")


@pytest.mark.parametrize("display", ["WIRE", "HIDE"])
def test_undo_brings_the_source_back_in_one_step(extension, display):
    seat()
    bpy.ops.ed.undo_push(message="Before")
    extension.settings.condition, extension.settings.source_display = "VOXELS", display
    extension.start()
    extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    assert bpy.data.objects["Seat"].wala.covered == display
    bpy.ops.ed.undo()
    source = bpy.data.objects["Seat"]
    assert (source.display_type, source.hide_get(), source.wala.covered) == ("TEXTURED", False, "KEEP")
    assert "WaLa Seat" not in bpy.data.objects
    bpy.ops.ed.redo()
    assert bpy.data.objects["Seat"].wala.covered == display and "WaLa Seat" in bpy.data.objects


def test_the_next_shape_of_a_hidden_source_takes_it_and_hides_the_earlier_result(extension):
    source = seat()
    first = generate(extension, "HIDE")
    assert bpy.context.window_manager.wala_input == "Blockout: “Seat”, as before"
    second = generate(extension, "HIDE")
    assert first.hide_get() and not second.hide_get() and source.hide_get()
    assert [entry.object for entry in second.wala.sources] == [source]
    # One that the artist moved away is in nobody's place.
    second.location.x += 5
    third = generate(extension, "HIDE")
    assert not second.hide_get() and not third.hide_get()
    # Two are seen: the source comes back with the last of them.
    bpy.data.objects.remove(third)
    look(extension)
    assert source.hide_get()
    bpy.data.objects.remove(second)
    look(extension)
    assert not source.hide_get() and first.hide_get()


def test_a_source_that_the_artist_shows_again_stays_so(extension):
    source = seat()
    result = generate(extension, "WIRE")
    source.display_type = "BOUNDS"
    bpy.data.objects.remove(result)
    look(extension)
    assert source.display_type == "BOUNDS"


def test_a_result_knows_a_renamed_source_and_forgets_a_deleted_one(extension):
    source = seat()
    result = generate(extension, "WIRE")
    source.name = "Renamed"
    assert [entry.object.name for entry in result.wala.sources] == ["Renamed"]
    bpy.data.objects.remove(source)
    assert extension.module("operators.jobs.sources").find(result, bpy.context.scene) == []


def test_a_sketch_stays_seen_as_wire_would_be_the_same(extension):
    sketch = scenes.sketch()
    bpy.context.view_layer.objects.active = sketch
    generate(extension, "WIRE", "SKETCH")
    assert not sketch.hide_get() and sketch.wala.covered == "KEEP"
