"""Coarse-to-fine occupancy against the full grid, on solids with a known distance."""

import numpy as np
import pytest

from wala_blender.geometry.metrics import iou
from wala_blender.geometry.occupancy import AT_ONCE, occupancy_field

SHARPNESS = 60.0  # logits a unit of length, as steep as a trained network's: unsure within a coarse cell of the surface


def sphere(p):
    return np.linalg.norm(p, axis=-1) - 0.7


def torus(p):
    return np.hypot(np.hypot(p[..., 0], p[..., 2]) - 0.7, p[..., 1]) - 0.08


def board_and_rod(p):
    def box(p, half):
        q = np.abs(p) - half
        return np.linalg.norm(np.maximum(q, 0), axis=-1) + np.minimum(q.max(axis=-1), 0)

    return np.minimum(box(p - [0, 0.31, 0], [0.8, 0.013, 0.5]), box(p + [0.02, 0.3, 0], [0.02, 0.6, 0.02]))


@pytest.mark.parametrize("distance", [sphere, torus, board_and_rod])
def test_coarse_to_fine_is_the_full_grid(distance):
    asked = []

    def logits(points):
        return np.clip(-SHARPNESS * distance(points.astype(np.float64)), -12, 12).astype(np.float32)

    made = occupancy_field(logits, 128, asked.append)
    axis = np.linspace(-1, 1, 129)
    full = -distance(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1))
    assert made.shape == (129, 129, 129)
    assert iou(made > 0, full > 0) >= 0.999
    assert (full > 0).sum() > 1000
    near = np.abs(full) < 0.02
    np.testing.assert_allclose(made[near], SHARPNESS * full[near], atol=1e-4)
    assert sum(asked) < 129**3 / 2 and max(asked) <= AT_ONCE


def test_points_are_asked_once_and_axes_are_x_y_z():
    seen = []

    def logits(points):
        seen.append(points)
        return points @ np.array([1, 100, 10_000], dtype=np.float32) + 5

    made = occupancy_field(logits, 16, coarsest=4)
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, 17)] * 3, indexing="ij")
    np.testing.assert_allclose(made, x + 100 * y + 10_000 * z + 5, rtol=1e-4, atol=0.02)
    points = np.concatenate(seen)
    assert len(np.unique(points, axis=0)) == len(points)


def test_a_call_back_may_stop_it():
    with pytest.raises(KeyboardInterrupt):
        occupancy_field(
            lambda points: np.zeros(len(points)), 64, lambda count: (_ for _ in ()).throw(KeyboardInterrupt)
        )
