"""A second input beside the first: both are in the job, with their weights, and an edit is guided by both."""

import bpy
import numpy as np
import pytest
import scenes


@pytest.fixture
def both(extension):
    """A drawing, and a blockout that is selected."""
    scenes.sketch()
    scenes.camera((0, -8, 1), (np.pi / 2, 0, 0))
    scenes.cube((4, 5, 1), (2, 2, 2), "Seat")
    extension.settings.condition, extension.settings.sketch = "SKETCH", bpy.data.objects["Sketch"]
    return extension


def request_of(extension, item):
    folder = extension.module("operators.preferences").folder("jobs") / item["wala_job"]
    return extension.module("runtime.jobs").read_request(folder), folder


def test_both_inputs_are_in_the_job_with_their_weights(both):
    both.settings.also, both.settings.also_weight, both.settings.subject = "VOXELS", 0.25, "a chair"
    assert bpy.ops.wala.generate() == {"FINISHED"}
    request, folder = request_of(both, bpy.context.active_object)
    assert request.condition == "sketch" and request.beside["voxels"]["mesh"] == "inputs/also_mesh.npz"
    assert request.weights == {"sketch": 1.0, "voxels": 0.25, "text": 1.0}
    with np.load(folder / "inputs" / "also_mesh.npz") as arrays:
        assert len(arrays["vertices"]) == 8
    bpy.context.scene.wala.edit_guide = "SOURCE"
    assert bpy.ops.wala.vary() == {"FINISHED"}
    varied, _ = request_of(both, bpy.context.active_object)
    assert (varied.beside, varied.weights) == (request.beside, request.weights)
    assert both.settings.also == "VOXELS" and bpy.context.active_object.wala.settings.also_weight == 0.25


def test_words_alone_can_be_weighed(both):
    both.settings.subject, both.settings.words_weight = "a chair", 0.5
    assert bpy.ops.wala.generate() == {"FINISHED"}
    request, _ = request_of(both, bpy.context.active_object)
    assert (request.beside, request.weights) == ({}, {"text": 0.5})


def test_one_input_of_full_weight_is_a_job_as_before(both):
    both.settings.subject = "a chair"
    assert bpy.ops.wala.generate() == {"FINISHED"}
    request, _ = request_of(both, bpy.context.active_object)
    assert (request.beside, request.weights) == ({}, {})


def test_what_cannot_be_combined_says_why(both):
    both.settings.also = "SKETCH"
    with pytest.raises(RuntimeError, match="cannot be combined"):
        bpy.ops.wala.generate()
    both.settings.also = "POINTS"
    for item in bpy.data.objects:
        item.select_set(False)
    with pytest.raises(RuntimeError, match=r"[Ss]elect"):
        bpy.ops.wala.generate()
