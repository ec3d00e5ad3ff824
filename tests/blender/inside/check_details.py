"""Details made anew: what stays, where the results are, and when a result's latents come with it."""

import bpy
import numpy as np
import pytest
import scenes

MODELS = "operators.models.catalog"


@pytest.fixture
def levels(extension, monkeypatch):
    """The shipped model of levels, wherever its weights are."""
    catalog = extension.module(MODELS)
    shipped = catalog.Model("levels", "Levels", ("mesh",), cascade=True)
    published = catalog.Model("lagem", "LaGeM", ("mesh",))
    monkeypatch.setattr(catalog, "KNOWN", {"starter": catalog.STARTER, "levels": shipped, "lagem": published})
    extension.settings.detail_variants = 1
    return catalog


def job_of(extension, item):
    """The folder, the request and the files of the job that made an object."""
    jobs = extension.module("runtime.jobs")
    folder = extension.module("operators.preferences").folder("jobs") / item["wala_job"]
    request = jobs.read_request(folder)
    files = {}
    for name in jobs.read_inputs(folder, request):
        with np.load(folder / "inputs" / name) as arrays:
            files[name] = {key: arrays[key] for key in arrays.files}
    return folder, request, files


def vary(extension, **settings):
    for name, value in settings.items():
        setattr(extension.settings, name, value)
    assert bpy.ops.wala.vary_details("EXEC_DEFAULT", True) == {"FINISHED"}
    return bpy.context.active_object


def box(item) -> np.ndarray:
    vertices = scenes.world_vertices(item)
    return np.array([vertices.min(axis=0), vertices.max(axis=0)])


def test_the_mesh_is_sent_and_the_result_takes_its_place_in_one_undo_step(extension, levels):
    item = scenes.cube((1, 2, 3), (2, 1, 4), "Thing")
    before = box(item)
    bpy.ops.ed.undo_push(message="Before")
    made = vary(extension, detail_keep="STRUCTURE", detail_strength=0.5, seed=9)
    assert made.name == "WaLa Thing" and np.allclose(box(made), before, atol=1e-4)
    assert not bpy.data.objects["Thing"].visible_get()
    _, request, files = job_of(extension, made)
    assert (request.model, request.condition, request.seed) == ("levels", "mesh", 9)
    assert request.inputs == {"mesh": "inputs/mesh.npz", "keep": "structure", "strength": 0.5}
    assert np.allclose(np.abs(files["mesh.npz"]["vertices"]).max(axis=0), [0.45, 0.9, 0.225], atol=1e-4)
    bpy.ops.ed.undo()
    assert [one.name for one in bpy.data.objects] == ["Thing"] and bpy.data.objects["Thing"].visible_get()


@pytest.mark.parametrize(("choice", "keep"), [("MAJOR", "structure+major"), ("NOTHING", "nothing")])
def test_what_stays_is_chosen(extension, levels, choice, keep):
    scenes.cube((0, 0, 0), (2, 2, 2), "Thing")
    made = vary(extension, detail_keep=choice)
    assert job_of(extension, made)[1].inputs["keep"] == keep


def test_variants_are_shown_side_by_side(extension, levels):
    item = scenes.cube((1, 2, 3), (2, 1, 4), "Thing")
    low = box(item)[0]
    made = vary(extension, detail_variants=3, seed=5)
    assert made.wala.variations == 3 and extension.settings.variations == 1
    assert bpy.ops.wala.show_variation(number=2) == {"FINISHED"}
    assert np.allclose(box(made)[0][:2], low[:2], atol=1e-3)
    assert bpy.ops.wala.regenerate() == {"FINISHED"}
    assert job_of(extension, bpy.context.active_object)[1].seed == 8


def test_a_results_latents_come_with_it_until_it_is_changed(extension, levels):
    scenes.cube((1, 2, 3), (2, 1, 4), "Thing")
    first = vary(extension, detail_variants=2, seed=5)
    assert bpy.ops.wala.show_variation(number=1) == {"FINISHED"}  # it has outgrown the box of model space
    before = box(first)
    second = vary(extension, detail_variants=1)
    folder, request, files = job_of(extension, second)
    assert request.inputs["latents"] == "inputs/latents.npz"
    assert (files["latents.npz"]["z1"] == 5).all()  # of the variation that is seen, which has that seed
    made = extension.module("runtime.jobs").read_result(folder).vertices
    assert np.allclose(files["mesh.npz"]["vertices"], made, atol=1e-5)
    assert np.allclose(box(second), before, atol=1e-3)
    second.data.vertices[0].co.x += 0.3
    third = vary(extension)
    assert "latents" not in job_of(extension, third)[1].inputs


def test_a_model_without_a_cascade_and_one_without_weights_say_why(extension, levels, monkeypatch):
    scenes.cube((0, 0, 0), (2, 2, 2), "Thing")
    assert bpy.ops.wala.vary_details.poll() and bpy.context.window_manager.wala_details
    extension.settings.model = "lagem"
    with pytest.raises(RuntimeError, match="has no cascade"):
        bpy.ops.wala.vary_details()
    extension.settings.model = "starter"
    levels.KNOWN["levels"] = levels.Model("levels", "Levels", ("mesh",), is_installed=False, cascade=True)
    monkeypatch.setattr(levels, "LEVELS", levels.KNOWN["levels"])
    assert not bpy.context.window_manager.wala_details  # the panel is not drawn
    with pytest.raises(RuntimeError, match="are not part of this version"):
        bpy.ops.wala.vary_details()
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="Make a mesh active"):
        bpy.ops.wala.vary_details()


def test_cancel_stops_it_and_nothing_changes(extension, levels):
    item = scenes.cube((0, 0, 0), (2, 2, 2), "Thing")
    operator = extension.module("operators.jobs.vary_details").WALA_OT_vary_details
    operator.start(None, bpy.context, extension.settings)
    bpy.ops.wala.cancel()
    extension.poll_until(lambda: not extension.session.current.queue.unfinished)
    assert [one.name for one in bpy.data.objects] == ["Thing"] and item.visible_get()
