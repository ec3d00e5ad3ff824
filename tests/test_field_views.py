"""Cameras round a distance field: where they stand, and what they see there."""

import numpy as np
import pytest
import torch
from shapes import sphere_field

from wala_blender.geometry.renderer import Camera, framed, trace


@pytest.mark.parametrize(
    ("azimuth", "right", "eye"), [(0, (1, 0, 0), (0, 0, 1)), (90, (0, 0, -1), (1, 0, 0)), (180, (-1, 0, 0), (0, 0, -1))]
)
def test_a_camera_goes_round_the_up_axis(azimuth, right, eye):
    axes = Camera(0.0, azimuth=azimuth).axes()
    assert np.allclose(axes, [right, (0, 1, 0), eye]) and np.allclose(
        Camera(90.0, azimuth=azimuth).axes()[2], (0, 1, 0)
    )


def test_what_stands_nearer_is_less_deep():
    field = torch.from_numpy(sphere_field(0.3, (0.5, 0.0, 0.0)))
    depths = [
        trace(field, framed(np.array([[0.2, -0.3, -0.3], [0.8, 0.3, 0.3]]), 0.0, azimuth=azimuth), 17)[0][8, 8].item()
        for azimuth in (0, 90, -90)
    ]
    assert depths == pytest.approx([-0.3, -0.8, 0.2], abs=0.02)
