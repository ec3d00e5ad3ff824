"""Overlap of solids and distance of surfaces, on shapes whose answers are known."""

import numpy as np
import pytest
import torch
from shapes import box, box_field, joined, sphere, sphere_field

from wala_blender.geometry.metrics import (
    chamfer_and_f_score,
    count_pieces,
    coverage_and_distance,
    iou,
    normal_angle,
    sample_surface,
    silhouette_iou,
    silhouettes,
    view_directions,
)


def chamfer(a, b):
    return chamfer_and_f_score(a, b)[0]


def f_score(a, b, threshold):
    return chamfer_and_f_score(a, b, threshold)[1]


def test_overlap():
    a, b = np.zeros((4, 4, 4), bool), np.zeros((4, 4, 4), bool)
    a[:2], b[1:3] = True, True
    assert iou(a, b) == pytest.approx(1 / 3)
    assert iou(a, a) == 1 and iou(a, ~a) == 0 and iou(a, np.zeros_like(a)) == 0
    assert iou(np.zeros_like(a), np.zeros_like(a)) == 1
    assert iou(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(1 / 3)


def test_samples_are_spread_by_area():
    vertices, faces = box((0, 0, 0), (1, 2, 4))
    points = sample_surface(vertices, faces, 20_000, np.random.default_rng(0))
    on_side = np.stack([np.isclose(points, 0, atol=1e-9), np.isclose(points, (1, 2, 4), atol=1e-9)])
    assert on_side.any(axis=(0, 2)).all() and points.min() >= 0
    share = on_side.sum(axis=(0, 1)) / len(points)
    assert np.allclose(share, np.array([2 * 8, 2 * 4, 2 * 2]) / 28, atol=0.01)


def test_concentric_spheres_are_their_radii_apart():
    assert chamfer(sphere(0.9), sphere(0.7)) == pytest.approx(0.2, abs=0.005)
    assert chamfer(sphere(0.8), sphere(0.8)) < 0.02
    assert chamfer(sphere(0.9), sphere(0.7)) == chamfer(sphere(0.9), sphere(0.7))


def test_a_missing_part_shows_in_one_direction_only():
    """Half of a's surface is 1 from b, all of b's is on a."""
    small = box((0, 0, 0), (0.2, 0.2, 0.2))
    vertices = np.concatenate([small[0], small[0] + (1.2, 0, 0)])
    both = (vertices, np.concatenate([small[1], small[1] + 8]))
    assert chamfer(both, small) == pytest.approx((0.5 * 1.1 + 0) / 2, abs=0.03)
    assert f_score(both, small, 0.05) == pytest.approx(2 * 0.5 * 1 / 1.5, abs=0.02)


def test_f_score_between_nothing_and_all():
    assert f_score(sphere(0.9), sphere(0.7), 0.1) == 0
    assert f_score(sphere(0.9), sphere(0.7), 0.25) == 1
    assert chamfer_and_f_score(sphere(0.9), sphere(0.9))[1] > 0.99


def test_angle_between_normals():
    cube = box((-0.8, -0.8, -0.8), (0.8, 0.8, 0.8))
    assert normal_angle(cube, cube) < 1e-3 and normal_angle(cube, (cube[0], cube[1][:, ::-1])) == pytest.approx(180)
    # From the ball to the nearest side, and from a point (1, u, v) of a side straight to the middle.
    directions = np.random.default_rng(0).normal(size=(100_000, 3))
    outward = np.abs(directions).max(axis=1) / np.linalg.norm(directions, axis=1)
    u, v = np.random.default_rng(1).uniform(-1, 1, (2, 100_000))
    expected = np.degrees(np.arccos(outward).mean() + np.arctan(np.hypot(u, v)).mean()) / 2
    assert normal_angle(sphere(0.8), cube) == pytest.approx(expected, abs=0.5)
    assert normal_angle(sphere(0.9), sphere(0.7)) < 3


def test_normals_of_triangles_without_area_are_left_out():
    vertices, faces = box()
    flat = np.concatenate([faces, [[0, 0, 1], [3, 3, 3]]])
    assert normal_angle((vertices, faces), (vertices, flat)) < 1e-3


def test_pieces_are_solids():
    ball, small = sphere(0.4, (0.5, 0, 0), 12), sphere(0.2, (-0.5, 0, 0), 12)
    assert count_pieces(*ball) == 1 and count_pieces(*joined(ball, small)) == 2
    cavity = sphere(0.2, (0.5, 0, 0), 12)
    assert count_pieces(*joined(ball, (cavity[0], cavity[1][:, ::-1]))) == 1


def test_silhouettes_have_no_holes_and_tell_shapes_apart():
    ball, rod = sphere_field(0.8) < 0, box_field((-0.9, -0.1, -0.1), (0.9, 0.1, 0.1)) < 0
    seen = silhouettes(ball)
    size = seen.shape[1]
    # A disc of radius 0.8 in a picture 3.5 wide, give or take its rim.
    assert np.allclose(seen.sum(axis=(1, 2)), np.pi * (0.8 / 3.5 * size) ** 2, rtol=0.15)
    assert all(
        (~row[np.flatnonzero(row)[0] : np.flatnonzero(row)[-1]]).sum() == 0
        for view in seen
        for row in view
        if row.any()
    )
    assert silhouette_iou(seen, seen) == 1 and silhouette_iou(
        seen, silhouettes(sphere_field(0.7) < 0)
    ) == pytest.approx(0.7**2 / 0.8**2, abs=0.08)
    assert silhouette_iou(seen, silhouettes(rod)) < 0.4
    directions = view_directions()
    assert np.allclose(np.linalg.norm(directions, axis=1), 1) and (directions[:, 1] > 0).all()
    assert (directions @ directions.T - 2 * np.eye(len(directions))).max() < 0.97


def test_coverage():
    cloud = sphere(0.8, rings=12)[0]
    references = [cloud, cloud + (3, 0, 0), cloud + (6, 0, 0), cloud + (9, 0, 0)]
    assert coverage_and_distance(references, references) == (1.0, 0.0)
    covered, distance = coverage_and_distance([cloud, cloud * 1.01], references)
    assert covered == 0.25 and distance > 1
