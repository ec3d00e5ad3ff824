"""Light field distance: what it does not see (turns, mirroring, size, place) and what it does."""

import numpy as np
import pytest
from shapes import box_field, sphere_field

from wala_blender.geometry.light_field import _corners, _pairings, _zernike, descriptor, light_field_distance

R = 96


def chair(turned=False) -> np.ndarray:
    solid = (
        np.minimum.reduce(
            [
                box_field(low, high, R)
                for low, high in (
                    ((-0.4, 0.0, -0.4), (0.4, 0.1, 0.4)),
                    ((-0.4, 0.0, -0.4), (0.4, 0.8, -0.3)),
                    ((-0.4, -0.6, -0.4), (-0.3, 0, -0.3)),
                    ((0.3, -0.6, 0.3), (0.4, 0, 0.4)),
                )
            ]
        )
        < 0
    )
    return np.rot90(solid, 1, (0, 1)) if turned else solid


def test_sizes():
    features = descriptor(chair())
    assert features.shape == (10, 10, 45) and np.isfinite(features).all() and _zernike().shape[1] == 35


def test_a_dodecahedron_has_sixty_rotations():
    corners, pairings = _corners(), _pairings()
    assert np.allclose(np.linalg.norm(corners, axis=1), 1) and np.allclose(
        np.sort(corners @ corners.T, axis=1)[:, -4:-1], 5**0.5 / 3
    )
    assert (
        pairings.shape == (60, 10)
        and (np.sort(pairings, axis=1) == np.arange(10)).all()
        and len(np.unique(pairings, axis=0)) == 60
    )


def test_distances():
    one, turned, mirrored = descriptor(chair()), descriptor(chair(turned=True)), descriptor(chair()[::-1])
    ball, box = (
        descriptor(sphere_field(0.8, resolution=R) < 0),
        descriptor(box_field((-0.5, -0.3, -0.2), (0.5, 0.3, 0.2), R) < 0),
    )
    small = descriptor(box_field((-0.1, -0.2, 0.1), (0.4, 0.1, 0.3), R) < 0)
    assert light_field_distance(one, one) == 0 and light_field_distance(one, ball) == pytest.approx(
        light_field_distance(ball, one)
    )
    for alike in (turned, mirrored):  # neither rotates the cameras into each other exactly
        assert light_field_distance(one, alike) < 0.35 * min(
            light_field_distance(one, ball), light_field_distance(one, box)
        )
    assert light_field_distance(box, small) < 0.25 * light_field_distance(
        box, ball
    )  # the same box, half as large, elsewhere
