"""Cameras for the tests of views and placements."""

import numpy as np
import pytest


def camera_matrix(eye, target, up=(0, 0, 1)) -> np.ndarray:
    """The (4, 4) world matrix of a camera at an eye that looks at a target."""
    eye = np.asarray(eye, float)
    back = eye - target
    back /= np.linalg.norm(back)
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    matrix[:3, 3] = eye
    return matrix


@pytest.fixture
def looking_at():
    return camera_matrix
