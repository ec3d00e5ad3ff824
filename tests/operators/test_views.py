"""Eyes as plain numbers: angles, pictures, and turning upright."""

import numpy as np
import pytest

from operators.scene.camera_pose import View, orthographic


@pytest.mark.parametrize(
    ("eye", "expected"), [((0, -5, 0), (0, 0)), ((5, 0, 0), (90, 0)), ((0, -5, 5), (0, 45)), ((-3, -3, 0), (-45, 0))]
)
def test_angles_of_known_places(eye, expected, looking_at):
    view = View.from_matrix(looking_at(eye, np.zeros(3)), True).aimed_at(np.zeros(3))
    assert view.angles() == pytest.approx(expected)


def test_the_front_view_sees_x_to_the_right_and_z_up():
    assert np.allclose(orthographic(0).project(np.array([[1.0, 7.0, 2.0]])), [[1, 2]])
    assert np.allclose(orthographic(90).project(np.array([[9.0, 1.0, 2.0]])), [[1, 2]])
    assert np.allclose(orthographic(0, 90).project(np.array([[1.0, 2.0, 9.0]])), [[1, 2]])


def test_a_scaled_camera_sees_the_same(looking_at):
    matrix = looking_at((3, -4, 2), np.zeros(3))
    scaled = matrix.copy()
    scaled[:3, :3] *= 7.5
    points = np.random.default_rng(0).normal(size=(9, 3))
    assert np.allclose(View.from_matrix(scaled, True).project(points), View.from_matrix(matrix, True).project(points))


def test_camera_space_and_world_space_are_inverse(looking_at):
    view = View.from_matrix(looking_at((3, -4, 2), (1, 1, 1)), True)
    point = np.array([0.3, 0.2, 5.0])
    assert np.allclose(view.camera_space(view.world_space(point)[None])[0], point)


def test_a_rolled_and_shifted_camera_is_turned_upright_and_straight(looking_at):
    matrix = looking_at((0, -5, 1), (2, 0, 1), up=(1, 0, 1))
    view = View.from_matrix(matrix, True).aimed_at((0, 0, 1))
    assert np.allclose(view.axes, [[1, 0, 0], [0, 0, 1], [0, -1, 0]])


def test_straight_from_above_keeps_the_cameras_right(looking_at):
    view = View.from_matrix(looking_at((0, 0, 5), np.zeros(3), up=(1, 0, 0)), True).aimed_at((0, 0, 0))
    assert np.allclose(view.axes[0], [0, -1, 0]) and view.angles() == pytest.approx((-90, 90))


def test_plain_data_and_back(looking_at):
    view = View.from_matrix(looking_at((3, -4, 2), np.zeros(3)), False)
    again = View.from_plain(view.to_plain())
    assert again.perspective is False and np.array_equal(again.axes, view.axes) and np.array_equal(again.eye, view.eye)
