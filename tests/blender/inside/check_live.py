"""Live: a draft after each edit of a result's source, in its place; a newer edit supersedes it."""

import bpy
import pytest
import scenes


@pytest.fixture
def result(extension):
    """A result of a blockout, with Live switched on."""
    scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    extension.settings.condition = "VOXELS"
    assert bpy.ops.wala.generate() == {"FINISHED"}
    extension.settings.live = True
    tick(extension)
    return bpy.context.active_object


def tick(extension):
    bpy.context.view_layer.update()
    extension.session.tick()


def jobs_of(extension):
    return extension.session.current.queue.unfinished


def request_of(extension, item):
    folder = extension.module("operators.preferences").folder("jobs") / item["wala_job"]
    return extension.module("runtime.jobs").read_request(folder)


@pytest.mark.parametrize("active", ["the result", "the blockout"])
def test_an_edit_makes_a_draft_in_place(extension, result, active):
    source, job = bpy.data.objects["Seat"], result["wala_job"]
    bpy.context.view_layer.objects.active = result if active == "the result" else source
    tick(extension)
    assert not jobs_of(extension)
    source.scale.z = 2.0
    tick(extension)
    [ticket] = jobs_of(extension)
    extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    assert result["wala_job"] == ticket.job != job and request_of(extension, result).quality == "draft"
    assert result.wala.settings.quality == "NORMAL" and len(bpy.data.collections["WaLa"].objects) == 1
    tick(extension)
    assert not jobs_of(extension) and not extension.panel.outdated
    # Then in full quality.
    bpy.context.view_layer.objects.active = result
    assert bpy.ops.wala.update() == {"FINISHED"} and request_of(extension, result).quality == "normal"
    folder = extension.module("operators.preferences").folder("jobs")
    assert (folder / job).is_dir() and not (folder / ticket.job).exists()  # a draft that is replaced is not kept


def test_a_newer_edit_supersedes_the_draft_and_only_its_own(extension, result):
    source = bpy.data.objects["Seat"]
    source.scale.z = 1.5
    tick(extension)
    [first] = jobs_of(extension)
    source.scale.z = 2.0
    tick(extension)
    assert jobs_of(extension)[-1] != first
    last = jobs_of(extension)[-1]
    extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    assert result["wala_job"] == last.job and not extension.session.current.queue.failed


def test_nothing_is_made_where_nothing_changed_or_live_is_off(extension, result):
    source = bpy.data.objects["Seat"]
    scenes.cube((0, 0, 0), (1, 1, 1), "Other").location.x = 3
    bpy.context.view_layer.objects.active = source
    tick(extension)
    source.location.x += 1
    source.location.x -= 1
    tick(extension)
    assert not jobs_of(extension)
    extension.settings.live = False
    source.location.x += 1
    tick(extension)
    assert not jobs_of(extension)


def test_an_edit_that_is_no_input_waits_for_the_next_one(extension, result):
    source = bpy.data.objects["Seat"]
    source.scale.z = 0.0
    tick(extension)
    assert not jobs_of(extension) and not extension.panel.problem
    source.scale.z = 1.5
    tick(extension)
    assert len(jobs_of(extension)) == 1


def test_a_draft_is_no_undo_step_of_its_own(extension, result):
    source = bpy.data.objects["Seat"]
    bpy.ops.ed.undo_push(message="Before")
    source.scale.z = 2.0
    bpy.ops.ed.undo_push(message="Scale")
    tick(extension)
    extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    bpy.ops.ed.undo()
    assert bpy.data.objects["Seat"].scale.z == pytest.approx(1.0)
