"""The change of frame, with a shape that has no symmetry to hide behind."""

import numpy as np

from operators.scene import frames

CORNER = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]])


def test_right_stays_right_and_up_becomes_y_and_the_front_faces_z():
    right, up, front = np.eye(3)[0], np.eye(3)[2], -np.eye(3)[1]
    assert frames.to_model(np.array([right, up, front])).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_there_and_back_is_exact():
    points = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    assert np.array_equal(frames.to_blender(frames.to_model(points)), points)
    assert np.array_equal(frames.to_model(frames.to_blender(points)), points)
    assert frames.to_model(points).dtype == np.float32


def test_an_asymmetric_corner_keeps_its_handedness_and_its_sides():
    a, b, c = frames.to_model(CORNER)[1:]
    assert np.dot(np.cross(a, b), c) == np.dot(np.cross(*CORNER[1:3]), CORNER[3]) == 6.0
    assert (a.tolist(), b.tolist(), c.tolist()) == ([1, 0, 0], [0, 0, -2], [0, 3, 0])
