"""Where results stand: known boxes, from every side, through both kinds of camera."""

import itertools

import numpy as np
import pytest

from operators.scene.camera_pose import View, bounds, orthographic
from operators.scene.placement import CURSOR_SIZE, place

BOX = np.array(list(itertools.product((-0.3, 0.3), (-0.5, 0.5), (-0.9, 0.9)))) + [0.01, -0.02, 0.0]


def world(placed) -> np.ndarray:
    c, s = np.cos(placed.rotation), np.sin(placed.rotation)
    return placed.vertices @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + placed.location


def turned(points, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def sketch_of(points, view) -> dict:
    """The placement that a capture writes for strokes running through these world points."""
    local = view.camera_space(points)
    azimuth, elevation = view.aimed_at(points.mean(axis=0)).angles()
    return {
        "kind": "sketch",
        "view": view.to_plain(),
        "bounds": bounds(view.flatten(local)).tolist(),
        "depth": float(local[:, 2].mean()),
        "azimuth": azimuth,
        "elevation": elevation,
    }


@pytest.mark.parametrize("perspective", [True, False])
@pytest.mark.parametrize("azimuth", [0, 37, 90, 200, -65])
@pytest.mark.parametrize("height", [0.0, 3.0, 9.0])
def test_a_box_drawn_through_a_camera_comes_back_where_it_was(perspective, azimuth, height, looking_at):
    centre, size = np.array([4.0, -2.0, 1.0]), 1.7
    eye = centre + turned(np.array([[0.0, -7.0, height]]), azimuth)[0]
    view = View.from_matrix(looking_at(eye, centre), perspective)
    original = turned(BOX * size, azimuth) + centre
    placed = place(BOX, sketch_of(original, view), None)
    target = bounds(view.project(original))
    extent = np.max(target[1] - target[0])
    assert np.abs(bounds(view.project(world(placed))) - target).max() < 0.01 * extent
    assert np.abs(world(placed) - original).max() < 0.02 * np.ptp(original, axis=0).max()


@pytest.mark.parametrize("perspective", [True, False])
def test_a_shape_of_other_proportions_matches_in_centre_and_longest_side(perspective, looking_at):
    view = View.from_matrix(looking_at((6, -5, 4), (1, 0, 0.5)), perspective)
    drawn = np.array([[1.0, 0.0, 0.0], [1.0, 0.4, 0.2], [0.7, 0.1, 1.1]])
    placed = place(BOX, sketch_of(drawn, view), None)
    target, got = bounds(view.project(drawn)), bounds(view.project(world(placed)))
    assert np.max(got[1] - got[0]) == pytest.approx(np.max(target[1] - target[0]), rel=0.01)
    assert np.allclose(got.mean(axis=0), target.mean(axis=0), atol=0.01 * np.max(target[1] - target[0]))
    assert bounds(view.camera_space(world(placed))[:, 2:]).mean() == pytest.approx(
        view.camera_space(drawn)[:, 2].mean(), rel=1e-6
    )


def test_a_sketch_right_before_the_eye_keeps_the_mesh_in_front_of_it(looking_at):
    view = View.from_matrix(looking_at((0, -1, 0), np.zeros(3)), True)
    drawn = np.array([[-3.0, 0.0, -3.0], [3.0, 0.0, 3.0]])
    placed = place(BOX, sketch_of(drawn, view), None)
    assert view.camera_space(world(placed))[:, 2].min() > 0.04


def test_in_a_box_it_touches_and_stays_inside():
    box = np.array([[1.0, 2.0, 3.0], [2.0, 8.0, 4.0]])
    placed = place(BOX, {"kind": "box", "box": box.tolist()}, None)
    low, high = bounds(world(placed))
    assert (low >= box[0] - 1e-9).all() and (high <= box[1] + 1e-9).all()
    assert np.allclose((low + high) / 2, box.mean(axis=0))
    assert np.isclose(high - low, box[1] - box[0]).any()


def test_nearly_the_boxes_proportions_fill_it():
    box = np.array([[1.0, 2.0, 3.0], [1.0 + 0.6 * 2, 2.0 + 1.0 * 2.4, 3.0 + 1.8 * 1.8]])
    assert np.allclose(bounds(world(place(BOX, {"kind": "box", "box": box.tolist()}, None))), box)


@pytest.mark.parametrize("depth", [0.2, 1.0, 5.0])
@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (90, 0), (37, 20), (200, -50)])
def test_a_guessed_depth_does_not_decide_the_size(depth, azimuth, elevation):
    """The shape is as wide, as high and as near to the eye as what was seen, however deep it came out."""
    axes = orthographic(azimuth, elevation).axes
    target = np.array([[1.0, 2.0, 3.0], [3.0, 5.0, 3.7]])
    shape = np.array(list(itertools.product((-0.2, 0.2), (-0.3, 0.3), (-0.3 * depth, 0.3 * depth)))) @ axes
    placed = place(shape, {"kind": "seen", "axes": axes.tolist(), "bounds": target.tolist()}, None)
    got = bounds(world(placed) @ axes.T)
    assert np.allclose(got[:, :2], target[:, :2]) and got[1, 2] == pytest.approx(3.7)
    assert got[0, 2] == pytest.approx(3.7 - 3 * depth)


def test_points_go_back_by_the_workers_own_frame():
    original = BOX * 3.0 + [5.0, 6.0, 7.0]
    frame = {"center": [5.0, 6.0, 7.0], "scale": 1.0 / 3.0}
    assert np.allclose(world(place(BOX, {"kind": "input"}, frame)), original)


def test_at_the_cursor_it_stands_on_it():
    placed = place(BOX, {"kind": "point", "location": [1.0, 2.0, 3.0]}, None)
    low, high = bounds(world(placed))
    assert low[2] == pytest.approx(3.0) and np.max(high - low) == pytest.approx(CURSOR_SIZE)
    assert ((low + high) / 2)[:2] == pytest.approx([1.0, 2.0])
