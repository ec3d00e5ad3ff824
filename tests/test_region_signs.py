"""Regions of a field whose sign contradicts the points around them."""

import numpy as np
import pytest
import torch
from shapes import box_field, sphere_field

from wala_blender.geometry.metrics import iou
from wala_blender.geometry.region_signs import corrected_signs
from wala_blender.latent_optimization import half_field
from wala_blender.surface_refinement import correct_regions
from wala_blender.wavelet import half_field_to_tree
from wala_blender.wavelet.box import HALF_MARGIN

LONG, WIDE, HOLE = 0.7, 0.5, 0.3  # half the length of a tube, and half the width of its outside and its inside


def bar(half: float, resolution: int, long: float = LONG) -> np.ndarray:
    return box_field((-long, -half, -half), (long, half, half), resolution)


def tube(resolution: int) -> np.ndarray:
    """A square tube, open at both ends."""
    return np.maximum(bar(WIDE, resolution), -bar(HOLE, resolution, 2.0))


def tube_points(count: int = 4000) -> np.ndarray:
    """Of its walls' outside and inside."""
    rng = np.random.default_rng(0)
    half = rng.choice([WIDE, HOLE], count, p=[0.6, 0.4])
    across = rng.uniform(-1, 1, (count, 2)) * half[:, None]
    axis = rng.integers(0, 2, count)
    across[np.arange(count), axis] = rng.choice([-1, 1], count) * half
    return np.column_stack([rng.uniform(-LONG, LONG, count), across])


def test_a_filled_tube_is_emptied():
    filled, true = bar(WIDE, 64).clip(-0.1, 0.1), tube(64)
    corrected = corrected_signs(filled, tube_points())
    assert iou(filled < 0, true < 0) < 0.7 and iou(corrected < 0, true < 0) > 0.95
    assert np.abs(corrected).max() < 0.1001 and (corrected[30:34, 32, 32] > 0).all()


def test_a_thin_shell_is_filled():
    """Where only its outside has points; a thick one stays."""
    solid = sphere_field(0.6, resolution=64)
    hollow = np.maximum(solid, -sphere_field(0.45, resolution=64)).clip(-0.1, 0.1)
    points = np.random.default_rng(0).normal(size=(4000, 3))
    points *= 0.6 / np.linalg.norm(points, axis=1, keepdims=True)
    # A hollow that begins far behind the points may be one: no point contradicts it.
    assert np.array_equal(corrected_signs(hollow, points), hollow)
    thin = np.maximum(solid, -sphere_field(0.59, resolution=64)).clip(-0.1, 0.1)
    assert iou(corrected_signs(thin, points) < 0, solid < 0) > 0.95


@pytest.mark.parametrize("count", [3, 12, 200, 4000])
def test_what_agrees_stays_as_it_is(count):
    """However few the points are, and where half of the shape has none."""
    true = tube(64).clip(-0.1, 0.1)
    points = tube_points(count)
    assert np.array_equal(corrected_signs(true, points), true)
    assert np.array_equal(corrected_signs(true, points[points[:, 1] > 0]), true)


def tree_of(field: np.ndarray) -> torch.Tensor:
    """Of a half field (128, 128, 128)."""
    inner = torch.from_numpy(field.clip(-0.1, 0.1)).float()
    return half_field_to_tree(torch.nn.functional.pad(inner, (HALF_MARGIN,) * 6, value=0.1)[None])


def test_a_tree_of_a_half_field():
    true = tube(128).clip(-0.1, 0.1)
    assert np.allclose(half_field(tree_of(true)), true, atol=1e-5)


def test_a_tree_is_corrected_where_that_agrees_with_the_points():
    filled, true, points = tree_of(bar(WIDE, 128)), tree_of(tube(128)), torch.from_numpy(tube_points()).float()
    assert iou(half_field(correct_regions(filled, points)) < 0, half_field(true) < 0) > 0.9
    assert correct_regions(true, points) is true
