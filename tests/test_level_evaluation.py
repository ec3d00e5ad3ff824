"""The evaluation of a model of levels: its arithmetic on a small model, its bars, and its picture."""

import numpy as np
import pytest
import torch
from lagem_models import box_mesh
from level_models import write_level_model
from shapes import box

from wala_blender.cli.main import main
from wala_blender.evaluation import level_sheet, levels
from wala_blender.evaluation.level_report import bars_of, lines_of
from wala_blender.geometry.distance import frame_of, mesh_to_distance
from wala_blender.geometry.metrics import iou
from wala_blender.mesh_to_mesh import MeshToMesh


@pytest.fixture(scope="module")
def maker(tmp_path_factory):
    return MeshToMesh.load(str(write_level_model(tmp_path_factory.mktemp("models") / "small")), "cpu")


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    for name, value in {"CELLS": 32, "CLOUD": 64}.items():
        monkeypatch.setattr(levels, name, value)


class Reference:
    """The box that the small model has learned, as an evaluation's shape."""

    def __init__(self):
        vertices, faces = box_mesh()
        self.mesh = (frame_of(vertices).to_model(vertices), faces)
        self.field = torch.from_numpy(mesh_to_distance(*self.mesh, 64))


@torch.no_grad()
def test_a_reconstruction_agrees_with_its_shape_and_noise_does_not(maker):
    shape = Reference()
    latents = maker.encode(*shape.mesh)
    truth = levels.true_solid(shape, latents)
    half = shape.mesh[0].max(axis=0) * latents.sphere.scale  # of the box, in the unit sphere
    assert truth.mean() == pytest.approx(float(np.prod(half)), rel=0.2)
    measured = levels.measured_levels(maker, latents, truth, 0)
    # The learned weights depend on the number of threads: noise costs 0.11 to 0.16.
    assert measured["iou"] > 0.75 and measured["iou"] > measured["fine_major_noise"] + 0.05
    control = levels.measured_control(maker, latents, truth, 2)
    assert list(control) == ["structure+major", "structure", "nothing"]
    assert all(0 <= value <= 1 for pair in control.values() for value in pair)


def test_a_field_is_turned_as_its_points_are():
    field = torch.from_numpy(mesh_to_distance(*box((-0.9, -0.5, -0.1), (0.2, 0.3, 0.4)), 32))
    quarter = levels._turned(field, 1, False)
    # rot90 in the plane of x and z: (x, z) → (−z, x), or the other way round
    ends = (((-0.4, -0.5, -0.9), (0.1, 0.3, 0.2)), ((-0.1, -0.5, -0.2), (0.4, 0.3, 0.9)))
    overlaps = [iou(quarter < 0, torch.from_numpy(mesh_to_distance(*box(*end), 32)) < 0) for end in ends]
    assert max(overlaps) > 0.9
    whole = levels._turned(field, 2, False)
    assert torch.equal(levels._turned(whole, 2, False)[1:, :, 1:], field[1:, :, 1:])
    assert torch.equal(levels._turned(levels._turned(field, 0, True), 0, True)[1:], field[1:])


class Training:
    """A store of one shape, the box."""

    entries = (None,)

    def __init__(self):
        vertices, faces = box_mesh()
        self._field = torch.from_numpy(mesh_to_distance(frame_of(vertices).to_model(vertices), faces))

    def field(self, index):
        return self._field

    def overlaps(self, field):
        return np.array(
            [iou(field < 0, self._field[:: 256 // len(field), :: 256 // len(field), :: 256 // len(field)] < 0)]
        )


def test_the_nearest_training_shape_is_found_in_any_orientation():
    near = levels.NearestTraining(Training())
    vertices, faces = box_mesh()
    assert near((vertices, faces)) > 0.8
    assert near((vertices[:, [2, 1, 0]] * [1, 1, -1], faces)) > 0.8
    assert near((vertices[:, [1, 0, 2]], faces[:, ::-1])) < 0.5  # it stands on its end


def report(**changes) -> dict:
    row = {"iou": 0.8, "fine_noise": 0.6, "fine_major_noise": 0.4}
    control = {"structure+major": (0.9, 0.7), "structure": (0.7, 0.6), "nothing": (0.2, 0.2)}
    cascade = {"coverage": 0.5, "training_coverage": 0.6, "without_surface": 0}
    return {
        "shapes": [row | {"control": control}, row],
        "means": row | {"starter": 0.9},
        "iou_median": 0.8,
        "cascade": cascade | {"nearest": {"encoded": 0.5, "generated": 0.48}},
        "seconds": 12.0,
        "repeated": True,
        "vectors": (50, 50),
    } | changes


def test_bars():
    bars = bars_of(report())
    assert all(bar.passed for bar in bars) and bars[0].what.startswith("1 ")
    numbers = {bar.what: bar.value for bar in bars}
    assert numbers["4 control: IoU with the original, Z3 and Z2 kept, of the plain one's"] == pytest.approx(0.7 / 0.8)
    slow = [bar.what for bar in bars_of(report(seconds=21.0, iou_median=0.7)) if not bar.passed]
    assert len(slow) == 2 and "median" in slow[0] and "seconds" in slow[1]
    lines = []
    lines_of(report(seconds=21.0), lines.append)
    assert sum("MISSED" in line for line in lines) == 1 and "0.900" in lines[-2]


def test_the_sheet_has_a_row_a_mesh(maker, monkeypatch):
    monkeypatch.setattr("wala_blender.mesh_to_mesh.QUERIES", {33: 36_000})
    monkeypatch.setattr("wala_blender.mesh_to_mesh.DEFAULT_OF_A_SMALL_MODEL", 33)
    monkeypatch.setattr(level_sheet, "SEEDS", (0,))
    monkeypatch.setattr(level_sheet, "IMAGE_SIZE", 40)
    sheet = level_sheet.level_sheet(maker, [box_mesh()])
    assert sheet.size[0] == 5 * 40 and sheet.size[1] > 40
    columns = np.asarray(sheet)[-40:].reshape(40, 5, 40)
    assert (columns.min(axis=(0, 2)) < 200).all()  # something is seen in each


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert main(["evaluate", "--levels", "--data", str(tmp_path), "--out", str(tmp_path / "report.html")]) == 1
    assert ".json" in capsys.readouterr().err
