"""Meshes as artists have them → signed distance: known solids, open edges, intersecting shells, flipped faces,
sheets."""

import numpy as np
import pytest
from shapes import box, box_field, joined, sphere, sphere_field

from wala_blender.errors import InputError
from wala_blender.geometry.distance import EXTENT, Frame, frame_of, grid_coordinates, mesh_to_distance
from wala_blender.geometry.metrics import iou

R = 128  # half of the real resolution: an eighth of the time
CELL = (2 / R) ** 3


def distance(mesh, resolution=R):
    return mesh_to_distance(*mesh, resolution=resolution)


def test_a_sphere():
    field = distance(sphere(0.8))
    assert field.shape == (R,) * 3 and field.dtype == np.float32
    assert (field < 0).sum() * CELL == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.01)
    assert field.max() == pytest.approx(0.1) and field.min() == pytest.approx(-0.1)


def test_distances_are_exact_at_the_surface_and_near_elsewhere():
    mesh = sphere(0.8, rings=128)
    exact = sphere_field(0.8, resolution=R).clip(-0.1, 0.1)
    error = np.abs(distance(mesh) - exact)
    # The polyhedron lies up to 0.8·(1 − cos(√2·π/256)) = 1.2e-4 inside the sphere.
    assert error[np.abs(exact) < 2 / R].max() < 2e-4
    assert error[np.abs(exact) < 4 / R].max() < 1e-3 and error.max() < 0.01


def test_axes_are_x_y_z_and_the_real_resolution():
    low, high = (-0.9, -0.4, 0.1), (0.3, 0.5, 0.7)
    field = mesh_to_distance(*box(low, high))
    assert field.shape == (256,) * 3
    filled = np.argwhere(field < 0)
    at = grid_coordinates()
    for axis in range(3):
        inside = np.flatnonzero((at > low[axis]) & (at < high[axis]))
        assert (filled[:, axis].min(), filled[:, axis].max()) == (inside[0], inside[-1])


@pytest.mark.parametrize("side", range(6))
def test_an_open_box_is_closed(side):
    solid = distance(box((-0.9, -0.5, -0.6), (0.9, 0.5, 0.6)))
    opened = distance(box((-0.9, -0.5, -0.6), (0.9, 0.5, 0.6), without=side))
    assert iou(opened < 0, solid < 0) > 0.85


def test_intersecting_shells_are_one_solid():
    a, b = ((-0.9, -0.4, -0.4), (0.3, 0.4, 0.4)), ((-0.3, -0.2, -0.6), (0.9, 0.2, 0.6))
    union = np.minimum(box_field(*a, resolution=R), box_field(*b, resolution=R))
    assert iou(distance(joined(box(*a), box(*b))) < 0, union < 0) > 0.995


def test_a_shell_within_a_solid_does_not_hollow_it():
    field = distance(joined(sphere(0.8), sphere(0.4)))
    assert (field < 0).sum() * CELL == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.01)
    assert field[R // 2, R // 2, R // 2] < 0


@pytest.mark.parametrize("which", ["all", "every third"])
def test_orientation_does_not_matter(which):
    vertices, faces = sphere(0.8)
    flipped = faces.copy()
    step = 1 if which == "all" else 3
    flipped[::step] = flipped[::step, ::-1]
    assert iou(distance((vertices, flipped)) < 0, distance((vertices, faces)) < 0) > 0.999


ONE = np.array([[0, 1, 2]])
SHEET = np.array([[-0.9, 0, -0.9], [0.9, 0, -0.9], [0.9, 0, 0.9], [-0.9, 0, 0.9]]), np.array([[0, 1, 2], [0, 2, 3]])


@pytest.mark.parametrize(
    ("mesh", "words"),
    [
        (SHEET, "encloses no volume"),
        ((np.zeros((4, 3)), ONE), "area of zero"),
        ((np.eye(3), np.zeros((0, 3), int)), "no triangles"),
        ((np.eye(3), np.array([[0, 1, 7]])), "names vertex 7"),
        ((np.array([[0, 0, np.nan], [1, 0, 0], [0, 1, 0]]), ONE), "not finite"),
    ],
)
def test_what_is_no_solid_is_refused(mesh, words):
    with pytest.raises(InputError, match=words):
        distance(mesh, 64)


def test_a_frame_centres_and_scales_and_comes_back():
    points = np.random.default_rng(0).random((50, 3)) * (3, 7, 2) + (10, -4, 100)
    frame = frame_of(points)
    model = frame.to_model(points)
    assert np.abs(model).max() == pytest.approx(EXTENT) and np.allclose(model.max(0), -model.min(0))
    assert np.allclose(frame.from_model(model), points)
    assert Frame(np.array([1, 2, 3]), 2.0).to_model(np.array([[2, 2, 3]])).tolist() == [[2, 0, 0]]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.zeros((0, 3)), r"shape \(n, 3\)"),
        (np.zeros((5, 2)), r"shape \(n, 3\)"),
        (np.ones((5, 3)), "one place"),
        (np.array([[0, 0, 0], [1, np.inf, 0]]), "1 of 2 points are not finite"),
    ],
)
def test_nothing_to_normalise(points, words):
    with pytest.raises(InputError, match=words):
        frame_of(points)


@pytest.mark.parametrize(
    "hidden",
    [
        sphere(0.5),
        box((-0.25, -0.25, -0.25), (0.25, 0.25, 0.25)),
        box((-0.25, -0.25, -0.25), (0.25, 0.25, 0.25), without=3),
    ],
)
def test_shells_hidden_in_the_solid_leave_no_trace(hidden):
    """Also where they lie exactly on grid points, which are then neither before nor behind a face."""
    field = distance(joined(sphere(0.8), hidden))
    assert np.abs(field - distance(sphere(0.8))).max() < 0.02 and (field < 0).sum() == (distance(sphere(0.8)) < 0).sum()
