"""Hull of a front and a side sketch: cells where both silhouettes are, in the place of the front one."""

import numpy as np
import pytest

from operators.preview.pictures import PICTURE, drawn_lines


@pytest.fixture
def silhouettes(extension_module):
    return extension_module("operators.capture.silhouettes")


def rectangle(width, height, axis, at=(0, 0, 0), gap=0.0):
    """A closed outline in the world, along X or Y (axis 0, 1) and Z, or one with a gap at its end."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, gap]]) - (0.5, 0)
    points = np.zeros((5, 3))
    points[:, axis], points[:, 2] = corners[:, 0] * width, corners[:, 1] * height
    return [points + at]


def test_two_rectangles_are_a_box(silhouettes):
    hull = silhouettes.hull_of(rectangle(2, 1, 0, (5, 3, 0)), rectangle(0.5, 1, 1, (0, 7, 0)))
    assert hull.box == pytest.approx(np.array([[4, 6.75, 0], [6, 7.25, 1]]))
    extent = [np.ptp(np.flatnonzero(hull.cells.any(axis=tuple({0, 1, 2} - {axis})))) + 1 for axis in range(3)]
    # 2 units are 14.4 cells: model axes are x, z, −y.
    assert extent[0] in (14, 15, 16) and extent[1] in (7, 8) and extent[2] in (3, 4, 5)
    assert hull.cells.sum() > 0.95 * np.prod(extent)  # corners may be less than half full


def test_front_and_back_are_not_mistaken(silhouettes):
    """An L from the side: its tall part is at the back, +Y."""
    side = np.array([[0, -0.5, 0], [0, 0.5, 0], [0, 0.5, 1], [0, 0.2, 1], [0, 0.2, 0.4], [0, -0.5, 0.4], [0, -0.5, 0]])
    cells = silhouettes.hull_of(rectangle(1, 1, 0), [side.astype(float)]).cells
    top = cells[:, -3].any(axis=0)
    assert top[:8].any() and not top[8:].any()  # the model's −z is Blender's +y


def test_a_side_that_faces_the_front_has_its_depth_from_left_to_right(silhouettes):
    beside = rectangle(0.5, 2, 0, (9, 0, 0))  # twice as large as the front
    hull = silhouettes.hull_of(rectangle(1, 1, 0, (0, 4, 0)), beside)
    assert hull.box == pytest.approx(np.array([[-0.5, 4 - 0.125, 0], [0.5, 4 + 0.125, 1]]))


@pytest.mark.parametrize("gap", [0.0, 0.03])
def test_a_small_gap_in_an_outline_lets_nothing_in(silhouettes, gap):
    points = rectangle(60, 60, 0, gap=gap)[0][:, [0, 2]] + (64, 30)
    inside = silhouettes.silhouette(drawn_lines(points, np.array([0, 5])))
    assert inside[31:89, 35:93].all() and inside.sum() < 64 * 64


def test_an_open_drawing_is_filled_between_its_lines(silhouettes):
    posts = np.array([[40.0, 20], [40, 100], [90, 20], [90, 100]])
    inside = silhouettes.silhouette(drawn_lines(posts, np.array([0, 2, 4])))
    assert inside[60, 41:89].all() and not inside[60, :35].any() and inside.shape == (PICTURE, PICTURE)


def test_a_line_is_refused(silhouettes, extension_module):
    with pytest.raises(extension_module("runtime.messages").JobFailed, match="straight line"):
        silhouettes.hull_of([np.array([[0, 0, 0], [0, 0, 1.0]])], rectangle(1, 1, 1))
