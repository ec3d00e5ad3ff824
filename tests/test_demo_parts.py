"""What the demo draws: the eye, hidden lines, the hand. Without Blender."""

import numpy as np
import pytest
from shapes import open_edges, signed_volume

from demo import drawing, inputs
from demo.drawing import Eye

CUBE = [((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))]


def test_an_eye_sees_right_and_up_and_farther_is_smaller():
    front = Eye(0, 0, 5.0, (1.0, 2.0, 3.0))
    assert np.allclose(front.position, (1, -3, 3))
    assert np.allclose(
        front.project([(1, 2, 3), (2, 2, 3), (1, 2, 4), (2, 7, 3)]), [(0, 0), (0.2, 0), (0, 0.2), (0.1, 0)]
    )
    assert np.allclose(Eye(90, 0, 5.0).position, (5, 0, 0)) and Eye(0, 30, 5.0).position[2] == pytest.approx(2.5)


def test_what_is_drawn_on_the_plane_looks_the_same():
    eye = Eye(inputs.AZIMUTH, inputs.ELEVATION, 4.6, (5.0, 0.0, 1.0))
    picture = np.random.default_rng(0).uniform(-0.3, 0.3, (20, 2))
    points = eye.on_plane(picture)
    assert np.allclose(eye.project(points), picture)
    assert np.allclose((points - eye.target) @ eye.axes[2], 0)


def test_a_cube_shows_the_edges_of_the_sides_that_face_the_eye():
    assert len(drawing.visible_lines(CUBE, Eye(0, 0, 6.0))) == 4
    assert len(drawing.visible_lines(CUBE, Eye(40, 25, 6.0))) == 9


def test_a_box_in_front_hides_the_one_behind():
    wall = ((-3.0, -3.0, -3.0), (3.0, -2.5, 3.0))
    alone, both = drawing.visible_lines([wall], Eye(0, 0, 9.0)), drawing.visible_lines([wall, *CUBE], Eye(0, 0, 9.0))
    assert len(alone) == len(both) == 4


def test_the_sketch_is_a_little_off_the_chair_and_lies_in_one_plane():
    eye = Eye(inputs.AZIMUTH, inputs.ELEVATION, 4.6, (0.0, 0.0, 1.0))
    exact = np.concatenate([eye.project(line) for line in drawing.visible_lines(inputs.chair(), eye)])
    strokes = drawing.sketch(inputs.chair(), eye)
    drawn = np.concatenate([eye.project(stroke) for stroke in strokes])
    size = np.ptp(exact, axis=0).max()
    off = np.linalg.norm(drawn - exact, axis=1)
    assert 0.001 * size < off.mean() and off.max() < 0.04 * size
    assert np.abs((np.concatenate(strokes) - eye.target) @ eye.axes[2]).max() < 1e-9
    assert all(np.array_equal(a, b) for a, b in zip(strokes, drawing.sketch(inputs.chair(), eye)))


@pytest.mark.parametrize("boxes", [inputs.chair(), inputs.blockout()], ids=["chair", "blockout"])
def test_the_inputs_are_outward_boxes_on_the_ground(boxes):
    vertices, quads = inputs.solid(boxes)
    faces = quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    volume = sum(np.prod(np.subtract(high, low)) for low, high in boxes)
    assert open_edges(faces) == 0 and signed_volume(vertices, faces) == pytest.approx(volume) and volume > 0
    assert vertices[:, 2].min() == 0


def test_everything_fits_the_pictures():
    sheet = pytest.importorskip("demo.sheet", reason="needs Pillow", exc_type=ImportError)
    for boxes, height in ((inputs.chair(), 1.0), (inputs.blockout(), 0.5)):
        eye = Eye(inputs.AZIMUTH, inputs.ELEVATION, 4.6, (0.0, 0.0, height))
        pixels = np.array(sheet.to_pixels(eye.project(inputs.solid(boxes)[0]), 100))
        assert pixels.min() > 4 and pixels.max() < 96
