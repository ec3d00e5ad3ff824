"""The quality gate: what the shipped starter makes of shapes that it was not trained on must not get worse."""

import pytest

from wala_blender.evaluation.evaluate import evaluate
from wala_blender.pipeline import Pipeline, Settings
from wala_blender.training.data.mesh_datasets import read_records

# trial → least mean IoU, largest mean angle between normals in degrees; measured 0.859, 0.920, 0.613, 0.781
LEAST = {
    "autoencoder": (0.82, 15.0),
    "points": (0.89, 10.0),
    "voxels": (0.57, 21.0),
    "blockout_boxes": (0.74, 12.0),
}


@pytest.mark.slow
def test_results_are_as_good_as_ever():
    report = evaluate(
        Pipeline.load("starter", "cpu"),
        read_records("procedural:4"),
        ["points", "voxels", "blockout"],
        None,
        Settings(),
        fast=True,
    )
    for name, (least, most) in LEAST.items():
        assert report[name]["iou"] > least and report[name]["normal_angle"] < most, name
        assert report[name]["pieces"] == 1, name
