"""The evaluation's own arithmetic, on solids and a pipeline whose answers are known. The model itself is not under test here."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from shapes import sphere, sphere_field, write_collection

from wala_blender.errors import InputError
from wala_blender.geometry.distance import Frame
from wala_blender.geometry.metrics import iou
from wala_blender.training import evaluation
from wala_blender.training.collections import read_records
from wala_blender.training.commands import table

SETTINGS = SimpleNamespace(model="none", seed=3)


class Ideal:
    """Keeps whatever field it gets; makes a ball for every condition."""

    ball = torch.from_numpy(sphere_field(0.9, resolution=256).clip(-0.1, 0.1))

    def field_to_latent(self, field):
        return field

    def latent_to_field(self, latent):
        return latent

    def generate_latent(self, condition, inputs, settings):
        assert inputs["occupancy"].shape == (16, 16, 16)
        return self.ball, SimpleNamespace(frame=None)


def test_a_ball_is_measured(tmp_path):
    write_collection(tmp_path, "kit", [sphere(0.5, rings=64)])
    report = evaluation.evaluate(Ideal(), read_records(tmp_path), ["voxels"], None, SETTINGS)
    assert (report["count"], report["skipped"], report["seed"]) == (1, {}, 3)
    assert report["autoencoder"]["iou"] == 1 and report["autoencoder"]["chamfer"] < 0.02
    assert report["voxels"]["iou"] > 0.99 and report["voxels"]["chamfer"] < 0.02
    # What 16 cells a side make of a ball of radius 7.2 cells: a cell touched at all is filled, so that it grows.
    lines = report["voxels"]["baselines"]
    assert 0.65 < lines["nearest"]["iou"] < lines["trilinear_half_filled"]["iou"] < 0.97
    assert lines["nearest"]["chamfer"] > 2 * lines["trilinear_half_filled"]["chamfer"] > 0.02
    assert len(table(report, ["voxels"])) == 6


def test_shapes_that_do_not_qualify_are_counted(tmp_path):
    vertices, faces = sphere(0.5, rings=8)
    write_collection(tmp_path, "kit", [(vertices * (1, 1, 0.002), faces)])
    with pytest.raises(InputError, match="none of the 1 shapes"):
        evaluation.evaluate(Ideal(), read_records(tmp_path), [], None, SETTINGS)
    with pytest.raises(InputError, match="unknown condition 'smell'"):
        evaluation.evaluate(Ideal(), [], ["smell"], None, SETTINGS)


def test_upsampled_cells_lie_where_they_were():
    field = torch.ones(256, 256, 256)
    field[64:160, 96:192, 144:224] = -1
    field[:8, :16, :16], field[16:23, 16:32, 16:32] = -1, -1  # a half and less than a half of a cell
    occupancy = evaluation.half_filled(field)
    assert occupancy.sum() == 6 * 6 * 5 + 1 and occupancy[0, 0, 0]
    field[:16, :16, :16], field[16:32, 16:32, 16:32] = -1, 1
    assert iou(evaluation.upsampled(occupancy, "nearest") < 0, field < 0) == 1
    assert iou(evaluation.upsampled(occupancy, "trilinear") < 0, field < 0) > 0.9


def test_a_field_comes_back_from_its_frame():
    frame = Frame(np.array([0.1, -0.05, 0.2]), 1.25)
    in_model = torch.from_numpy(sphere_field(0.5, frame.to_model([0.15, 0.0, 0.1])))
    back = evaluation.from_frame(in_model, frame).numpy()
    expected = sphere_field(0.4, (0.15, 0.0, 0.1))
    assert np.abs(back - expected)[np.abs(expected) < 0.15].max() < 5e-3
    assert evaluation.from_frame(in_model, None) is in_model


def test_a_summary():
    scores = [{"iou": 0.2, "chamfer": None}, {"iou": 0.6, "chamfer": 0.1}, {"iou": 1.0, "chamfer": 0.3}]
    made = evaluation.summary(scores, volumes=[0.5, 0.1, 0.2])
    assert made == {"iou": pytest.approx(0.6), "iou_median": 0.6, "chamfer": pytest.approx(0.2), "chamfer_shapes": 2,
                    "thirds": {"thin": 0.6, "middle": 1.0, "bulky": 0.2}}


def test_a_result_without_a_surface_scores_nothing():
    shape = SimpleNamespace(field=torch.from_numpy(sphere_field(0.5)), surface=sphere(0.5))
    assert evaluation.score(torch.ones(64, 64, 64), shape) == {"iou": 0.0, "chamfer": None}
