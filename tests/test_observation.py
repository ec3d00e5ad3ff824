"""Observations: nought where a field says what the input says, more the further it is off, and a slope that leads back.
Fitting follows it."""

import numpy as np
import pytest
import torch

from wala_blender.conditions import depth, image_preprocessing, points, voxels
from wala_blender.conditions.shape_constraints import (
    GRID_SIZE,
    of_depth_pictures,
    of_depths,
    of_field,
    of_points,
    of_voxels,
)
from wala_blender.errors import InputError
from wala_blender.geometry.cameras import PUBLISHED
from wala_blender.pipeline import Pipeline, Settings

from .shapes import box, box_field, joined, sphere, sphere_field

BALL = torch.from_numpy(sphere_field(0.6, resolution=GRID_SIZE).clip(-0.1, 0.1))
SMALLER, LARGER = (
    torch.from_numpy(sphere_field(radius, resolution=GRID_SIZE).clip(-0.1, 0.1)) for radius in (0.5, 0.7)
)
ASIDE = torch.from_numpy(sphere_field(0.6, (0.2, 0, 0), resolution=GRID_SIZE).clip(-0.1, 0.1))


def seen_ball(directions, told: bool):
    """The ball of radius 0.6 by depth maps from around, whose frame leaves it that size."""
    spots = [sphere(0.01, corner, 4) for corner in ((-0.9, 0, 0), (0.9, 0, 0))]
    maps, _, depths_seen = image_preprocessing.mesh_pictures(*joined(sphere(0.6, rings=64), *spots), directions)
    return of_depths(depths_seen, directions) if told else of_depth_pictures(maps, directions)


def on_ball() -> torch.Tensor:
    directions = np.random.default_rng(0).normal(size=(2000, 3))
    return torch.from_numpy(0.6 * directions / np.linalg.norm(directions, axis=1, keepdims=True)).float()


AROUND = [PUBLISHED.direction(view) for view in PUBLISHED.sets[6]]
SAID = {
    "points": lambda: of_points(on_ball()),
    "voxels": lambda: of_voxels(torch.from_numpy(voxels.occupancy_of(BALL))),
    "field": lambda: of_field(BALL),
    "depth maps": lambda: seen_ball(AROUND, told=True),
    "one depth map": lambda: seen_ball(AROUND[:1], told=True),
}


@pytest.mark.parametrize("said", SAID)
def test_the_shape_itself_disagrees_least(said):
    disagreement = SAID[said]()
    own = float(disagreement(BALL))
    assert 0 <= own < 0.4  # of the overlap, soft edges cost some
    assert all(float(disagreement(other)) > own + 0.1 for other in (LARGER, ASIDE)), said
    assert said == "one depth map" or float(disagreement(SMALLER)) > own + 0.1


@pytest.mark.parametrize("said", SAID)
def test_its_slope_leads_back(said):
    disagreement = SAID[said]()
    field = LARGER.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(disagreement(field), field)
    assert float((slope * (BALL - LARGER)).sum()) < 0


def test_depth_maps_that_do_not_say_how_deep_they_are_are_asked_of_the_field():
    told, asked = seen_ball(AROUND, told=True), seen_ball(AROUND, told=False)
    # The specks at both ends belong to the shape that was looked at: their depths are in the range.
    assert float(asked(BALL)) == pytest.approx(float(told(BALL)), abs=0.1)
    assert float(asked(ASIDE)) > float(asked(BALL)) + 0.1


def test_maps_of_another_thing_than_the_field_shows_are_taken_for_outlines():
    """A ball is near in the middle; of a bowl, bright at the rim, no range of depths makes one."""
    middle = np.hypot(*np.meshgrid(*[np.arange(64) - 31.5] * 2)) / 24
    bowl = np.where(middle < 1, 40 + 200 * middle**2, 0)
    disagreement = of_depth_pictures([bowl] * 6, AROUND)
    assert float(disagreement(LARGER)) == 1  # nothing is known to be inside
    moved = LARGER.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(disagreement(moved), moved)
    assert (slope <= 0).all()  # what lies beside the outline goes; nothing is carved out of the middle
    assert (slope[60:68, 60:68, 60:68] == 0).all()


def test_an_empty_field_is_no_reason_to_fail():
    nothing = torch.full((GRID_SIZE, GRID_SIZE, GRID_SIZE), 0.1, requires_grad=True)
    for said in SAID.values():
        value = said()(nothing)
        assert value > 0.5 and torch.autograd.grad(value, nothing)[0].isfinite().all()
    assert float(seen_ball(AROUND, told=False)(nothing.detach())) > 0.5


def test_who_says_where_the_shape_is():
    mesh = dict(zip(("vertices", "faces"), box((-1, -0.5, -0.5), (1, 0.5, 0.5))))
    picture = np.zeros((64, 64), np.uint8)
    picture[20:40, 20:40] = np.linspace(100, 255, 20)
    assert depth.prepare(mesh).observation and depth.prepare_one(mesh).observation and voxels.prepare(mesh).observation
    assert points.prepare({"points": np.asarray(mesh["vertices"]).repeat(3, 0)}).observation
    assert (
        image_preprocessing.prepare_depths({"images": [picture] * 4}).observation
        and image_preprocessing.prepare_depths(mesh | {"views": [0, 6]}).observation
    )
    assert (
        depth.prepare_one({"image": picture}).observation is None
        and image_preprocessing.prepare_image({"image": picture}).observation is None
    )


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline.load("starter", "cpu")


def test_a_fitted_latent_agrees_more(pipeline):
    field = torch.from_numpy(
        np.minimum(box_field((-0.8, -0.6, -0.3), (0.8, -0.3, 0.3), 256), sphere_field(0.4, (-0.4, 0.1, 0), 256)).clip(
            -0.1, 0.1
        )
    )
    prepared = voxels.prepare({"occupancy": voxels.occupancy_of(field)})
    latent, _ = pipeline.generate_latent(
        "text", {"prompt": "a chair"}, Settings()
    )  # far off, so that no step is one too many
    told = []
    fitted = pipeline.fit_latent(latent, prepared.observation, 4, lambda *progress: told.append(progress))
    before, after = (
        float(prepared.observation(pipeline.latent_to_field(one)[::2, ::2, ::2])) for one in (latent, fitted)
    )
    assert after < 0.8 * before and told == [("fit", step, 4) for step in range(4)]
    assert fitted.dtype == torch.float32 and not fitted.requires_grad
    assert all(parameter.grad is None for parameter in pipeline.autoencoder.parameters())
    assert torch.equal(pipeline.fit_latent(latent, prepared.observation, 4), fitted), "the same again"
    assert torch.equal(pipeline.fit_latent(latent, None, 4), latent) and torch.equal(
        pipeline.fit_latent(latent, prepared.observation, 0), latent
    )


def test_what_fit_may_be(pipeline):
    with pytest.raises(InputError, match="this text does not say where the shape is"):
        pipeline.generate("text", {"prompt": "a box"}, Settings(fit=3, steps=2))
    with pytest.raises(InputError, match="is -1, expected 0"):
        pipeline.generate("text", {"prompt": "a box"}, Settings(fit=-1))
    record = pipeline.generate("text", {"prompt": "a box"}, Settings(steps=2)).record
    assert record["fit"] == 0 and "fit" not in record["timings"]


def test_stopping_between_two_steps_of_a_fit(pipeline):
    class Stop(Exception):
        pass

    def stop(stage, step, steps):
        if (stage, step) == ("fit", 1):
            raise Stop

    with pytest.raises(Stop):
        pipeline.generate("points", {"points": on_ball().numpy()}, Settings(fit=3), stop)


def test_outliers_do_not_pull(pipeline):
    """A tenth of the points anywhere: the ball is still the best there is."""
    stray = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) * 1.8 - 0.9
    disagreement = of_points(torch.cat([on_ball(), stray]))
    assert float(disagreement(BALL)) < min(float(disagreement(other)) for other in (SMALLER, LARGER, ASIDE))
