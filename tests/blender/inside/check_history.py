"""History: finished jobs are listed, imported again, set again and removed; those of a crash are offered."""

import bpy
import numpy as np
import pytest
import scenes


@pytest.fixture
def history(extension):
    """A function: the entries that the panel lists, after the polls that they need."""

    def shown():
        for _ in range(50):
            extension.session.tick()
        return list(extension.panel.history)

    bpy.context.preferences.addons[extension.package].preferences.history_size = 0
    extension.settings.condition, extension.settings.prompt = "TEXT", "fail"
    with pytest.raises(RuntimeError):
        bpy.ops.wala.generate()  # which puts the earlier ones away
    extension.preferences.property_unset("history_size")
    return shown


def test_finished_jobs_are_listed_the_newest_first(extension, history):
    extension.settings.prompt = "a chair"
    bpy.ops.wala.generate()
    extension.settings.prompt = "a table"
    bpy.ops.wala.generate()
    assert [(entry.name, entry.words, entry.condition) for entry in history()] == [
        ("a table", "a table", "Text"),
        ("a chair", "a chair", "Text"),
    ]
    assert all(len(entry.when) == 5 and entry.has_settings and not entry.is_waiting for entry in history())
    assert extension.panel.waiting == 0


def test_a_shape_is_imported_again_in_its_place(extension, history):
    cube = scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    extension.settings.condition = "VOXELS"
    bpy.ops.wala.generate()
    first = bpy.context.active_object
    points, job = scenes.world_vertices(first), first["wala_job"]
    bpy.data.objects.remove(first)
    assert bpy.ops.wala.import_result(job=job) == {"FINISHED"}
    again = bpy.context.active_object
    assert again.name == "WaLa Seat" and np.allclose(scenes.world_vertices(again), points, atol=1e-5)
    assert [entry.object for entry in again.wala.sources] == [cube] and again.wala.settings.condition == "VOXELS"
    assert again["wala_job"] == job and bpy.ops.wala.regenerate.poll()
    with pytest.raises(RuntimeError, match="no job"):
        bpy.ops.wala.import_result(job="../elsewhere")


def test_settings_are_taken_over(extension, history):
    extension.settings.prompt, extension.settings.seed, extension.settings.crisp = "a red chair", 5, 0.5
    extension.settings.sketch = scenes.sketch()
    bpy.ops.wala.generate()
    extension.settings.prompt, extension.settings.seed, extension.settings.crisp = "a table", 0, 0.0
    extension.settings.sketch, extension.settings.randomise_seed = None, True
    assert bpy.ops.wala.restore_settings(job=history()[0].job) == {"FINISHED"}
    settings = extension.settings
    assert (settings.prompt, settings.seed, settings.crisp) == ("a red chair", 5, 0.5)
    assert settings.sketch.name == "Sketch" and not settings.randomise_seed
    settings.crisp = 0.0


def test_a_job_is_removed(extension, history):
    extension.settings.prompt = "a chair"
    bpy.ops.wala.generate()
    item = bpy.context.active_object
    assert bpy.ops.wala.remove_result(job=item["wala_job"]) == {"FINISHED"}
    assert history() == [] and not bpy.ops.wala.finish.poll() and item.name in bpy.data.objects


def test_what_was_finished_after_a_crash_is_offered(extension, history, new_objects):
    """The job's events end with "done", as after a Blender that was killed while a window was open."""
    extension.settings.prompt = "a chair"
    bpy.ops.wala.generate()
    item = bpy.context.active_object
    folder = extension.module("operators.preferences").folder("jobs") / item["wala_job"]
    bpy.data.objects.remove(item)
    events = folder / "events.ndjson"
    events.write_text("".join(line for line in events.read_text().splitlines(True) if "delivered" not in line))
    bpy.ops.preferences.addon_disable(module=extension.package)
    bpy.ops.preferences.addon_enable(module=extension.package)
    extension.use_shaping_engine()
    assert [entry.is_waiting for entry in history()] == [True] and extension.panel.waiting == 1
    assert bpy.ops.wala.import_waiting() == {"FINISHED"}
    assert new_objects() == ["WaLa a chair"]
    assert [entry.is_waiting for entry in history()] == [False] and extension.panel.waiting == 0
    assert not bpy.ops.wala.dismiss_waiting.poll()
