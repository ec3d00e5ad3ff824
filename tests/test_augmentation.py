"""Augmentation: what it may change and what it may not."""

import pytest
import torch
from shapes import sphere

from wala_blender.training.data.input_augmentation import dropped_voxels, noisy_points, seen_points
from wala_blender.training.data.line_drawings import cage_warp


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_noise_is_small_but_for_a_few_strays(generator):
    points = torch.rand(8, 2000, 3, generator=generator) - 0.5
    noisy = noisy_points(points, generator)
    moved = (noisy - points).norm(dim=-1)
    assert noisy.shape == points.shape and 0.9 < (moved < 0.1).float().mean() < 1
    assert moved.median(dim=1).values.std() > 1e-3, "clouds differ in how noisy they are"
    assert noisy_points(points, generator, most=0.0, stray=0.0).equal(points)


def test_a_ball_is_seen_from_one_side(generator):
    points = torch.from_numpy(sphere(0.8, rings=40)[0]).expand(6, -1, -1)
    seen = seen_points(points, generator)
    assert seen.shape == points.shape and (torch.cdist(seen, points).amin(dim=2) < 1e-6).all()
    for cloud in seen:
        towards = cloud.mean(dim=0)
        assert towards.norm() > 0.25 and towards[1] > -0.1, "the seen side is up or level"
        assert (cloud @ (towards / towards.norm())).quantile(0.02) > -0.35
    assert (seen[0].mean(0) - seen[1].mean(0)).norm() > 0.05


def test_some_voxels_are_missing_and_none_is_new(generator):
    occupancy = (torch.rand(16, 1, 16, 16, 16, generator=generator) < 0.3).float()
    left = dropped_voxels(occupancy, generator)
    shares = left.sum(dim=(1, 2, 3, 4)) / occupancy.sum(dim=(1, 2, 3, 4))
    assert (left <= occupancy).all() and 0.83 < shares.min() < 0.95 < shares.max() <= 1
    single = torch.zeros(4, 1, 2, 2, 2)
    single[:, :, 0, 0, 0] = 1
    assert dropped_voxels(single, generator, most=1.0).equal(single), "an input is never emptied"


def test_a_cage_pulls_its_squares_smoothly(generator):
    pull = cage_warp(generator, 3, 64, strength=0.1)
    assert pull.shape == (3, 64, 64, 2) and 0.05 < pull.abs().max() <= 0.1
    along = pull.diff(n=2, dim=2).abs().amax(dim=(0, 1, 3))  # nought within a square, a kink where two meet
    assert (along > 1e-4).sum() <= 4 and len({tuple(p.tolist()) for p in pull[0, 0, ::21]}) == 4
