"""Surface refinement, the surface points of evidence, and holding a blockout."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from shapes import box, box_field, sphere, sphere_field

from wala_blender.conditions import depth, points, voxels
from wala_blender.conditions.blockout import hold_blockout
from wala_blender.conditions.evidence import Evidence
from wala_blender.conditions.surface_points import MOST, surface_points
from wala_blender.errors import InputError
from wala_blender.geometry.metrics import iou
from wala_blender.latent_optimization import half_field
from wala_blender.pipeline import Pipeline, Settings
from wala_blender.surface_refinement import near_surface, refine_surface
from wala_blender.wavelet import field_to_tree


def tree_of(field):
    return field_to_tree(torch.from_numpy(field.clip(-0.1, 0.1)).float()[None])


def box_points(count: int = 3000) -> torch.Tensor:
    """Of the surface of a box of sides 1.2, 0.8 and 1."""
    rng, half = np.random.default_rng(0), np.array([0.6, 0.4, 0.5])
    inside = rng.uniform(-1, 1, (count, 3)) * half
    axis, side = rng.integers(0, 3, count), rng.choice([-1, 1], count)
    inside[np.arange(count), axis] = side * half[axis]
    return torch.from_numpy(inside).float()


@pytest.fixture(scope="module")
def refined():
    """A box with round edges, a little too small, brought onto a sharp box's points: before, after, and the truth."""
    true = tree_of(box_field((-0.6, -0.4, -0.5), (0.6, 0.4, 0.5), 256))
    melted = tree_of(box_field((-0.5, -0.3, -0.4), (0.5, 0.3, 0.4), 256) - 0.08)
    told = []
    after = refine_surface(melted, box_points(), 20, None, lambda *step: told.append(step))
    assert told == [(step, 20) for step in range(20)]
    return melted, after, true


def test_the_surface_comes_to_the_points(refined):
    melted, after, true = (half_field(tree) for tree in refined)
    before, now = iou(melted < 0, true < 0), iou(after < 0, true < 0)
    assert before < 0.9 and now > 0.96


def test_faces_become_flat(refined):
    """Normals at the points of a face point along its axis."""
    melted, after, _ = (half_field(tree) for tree in refined)
    cosines = []
    for field in (melted, after):
        slope = torch.stack(torch.gradient(field), -1)
        rim = torch.tensor(
            [[x, y, z] for x in (-0.57, 0.57) for y in np.linspace(-0.36, 0.36, 9) for z in (-0.47, 0.47)]
        )
        at = ((rim + 1) * 64).round().long().unbind(-1)
        normal = torch.nn.functional.normalize(slope[at], dim=-1)
        cosines.append(float(normal.abs().amax(-1).mean()))
    assert cosines[1] > cosines[0]


def test_no_steps_change_nothing(refined):
    assert torch.allclose(refine_surface(refined[0], box_points(50), 0), refined[0], atol=1e-6)


def test_a_field_without_a_surface_stays_finite():
    """Of a field that is far outside everywhere."""
    nothing = tree_of(np.full((256, 256, 256), 0.09))
    assert not (half_field(nothing) < 0).any()
    assert refine_surface(nothing, box_points(500), 2).isfinite().all()


def test_the_band_is_near_and_inside():
    field = torch.from_numpy(sphere_field(0.5, resolution=32)).float()
    near = near_surface(field, 0.1)
    assert len(near) and (field.flatten()[near].abs() < 0.1).all()
    at = torch.stack(torch.unravel_index(near, field.shape))
    assert at.min() >= 1 and at.max() <= 30


def test_points_of_evidence():
    cloud = torch.rand(2 * MOST, 3)
    assert len(surface_points(Evidence(points=cloud))) == MOST
    assert surface_points(Evidence()) is None and surface_points(Evidence(voxels=torch.ones(16, 16, 16))) is None


def test_depth_maps_show_the_surface():
    """Of a ball, from two sides, in model space: the points lie on it."""
    vertices, faces = sphere(0.7)
    prepared = depth.prepare({"vertices": vertices, "faces": faces, "views": [0, 6]})
    found = surface_points(prepared.evidence(torch.zeros(128, 128, 128))).numpy()
    radius = np.linalg.norm(prepared.frame.to_model(np.array([[0.7, 0, 0]])))
    assert len(found) > 1000 and np.abs(np.linalg.norm(found, axis=1) - radius).max() < 0.02
    assert found[:, 2].max() > 0.5 and np.abs(found[:, 0]).max() > 0.5


@pytest.mark.parametrize("side", [128, 256])
def test_hold(side):
    made = torch.from_numpy(sphere_field(0.5, resolution=256)).float()
    blockout = torch.from_numpy(box_field((-0.4,) * 3, (0.4,) * 3, side)).float()
    sharp = torch.from_numpy(box_field((-0.4,) * 3, (0.4,) * 3, 256)).float()
    assert torch.equal(hold_blockout(made, blockout, 0.0), made)
    alike = [iou(hold_blockout(made, blockout, hold) < 0, sharp < 0) for hold in (0.0, 0.3, 0.6, 0.9, 1.0)]
    assert alike == sorted(alike) and alike[0] < 0.9 and alike[-1] > 0.99


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline.load("starter", "cpu")


def test_what_is_planned(pipeline):
    cube = dict(zip(("vertices", "faces"), box((0, 0, 0), (1, 1, 1)), strict=True))
    blockout = voxels.prepare(cube)
    assert pipeline.fit_plan("voxels", blockout, Settings()).hold == pipeline.row.conditions["voxels"].hold > 0
    assert pipeline.fit_plan("voxels", voxels.prepare(cube | {"hold": 0.25}), Settings()).hold == 0.25
    cells = pipeline.fit_plan("voxels", voxels.prepare({"occupancy": np.ones((16, 16, 16), bool)}), Settings())
    assert (cells.hold, cells.surface_steps) == (0, 0) and cells.latent_steps > 0
    cloud = points.prepare({"points": box_points(200).numpy()}, 2048)
    usual = pipeline.fit_plan("points", cloud, Settings())
    assert usual.surface_steps > 0 and usual.detail
    assert pipeline.fit_plan("points", cloud, Settings(quality="draft")).surface_steps < usual.surface_steps
    asked = pipeline.fit_plan("points", cloud, Settings(fit=3))
    assert (asked.latent_steps, asked.surface_steps) == (3, 3)
    with pytest.raises(InputError, match="expected 0 … 1000"):
        pipeline.fit_plan("points", cloud, Settings(fit=1001))
    unknown = replace(cloud, observation=None)
    assert pipeline.fit_plan("points", unknown, Settings()).surface_steps == 0


def test_a_points_result_says_how_it_was_refined(pipeline):
    progress = []
    made = pipeline.generate(
        "points",
        {"points": box_points(500).numpy()},
        Settings(steps=2, fit=1),
        lambda stage, *_: progress.append(stage),
    )
    assert (made.record["fit"], made.record["refine"], made.record["hold"]) == (1, 1, 0)
    assert list(dict.fromkeys(progress)) == [
        "condition",
        "sample",
        "fit",
        "decode",
        "detail",
        "refine",
        "surface",
        "colour",
        "finish",
    ]
