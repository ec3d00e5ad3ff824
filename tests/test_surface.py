"""Iso-surfaces: volume, winding, closedness, dust, and what has no surface."""

import numpy as np
import pytest
import torch
from shapes import box, box_field, joined, open_edges, signed_volume, sphere_field

from wala_blender.errors import InputError
from wala_blender.geometry.surface import component_labels, field_to_mesh, main_components


@pytest.mark.parametrize(("resolution", "tolerance"), [(64, 3e-3), (128, 1e-3)])
def test_a_sphere_has_its_volume_and_points_outward(resolution, tolerance):
    vertices, faces = field_to_mesh(sphere_field(0.7, resolution=resolution))
    assert vertices.dtype == np.float32 and faces.dtype == np.int32
    assert signed_volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=tolerance)
    assert open_edges(faces) == 0


def test_vertices_lie_at_their_grid_coordinates():
    low, high = np.array([-0.61, -0.33, 0.12]), np.array([-0.17, 0.71, 0.83])
    vertices, faces = field_to_mesh(box_field(low, high))
    assert np.allclose(vertices.min(0), low, atol=1e-4) and np.allclose(vertices.max(0), high, atol=1e-4)
    assert open_edges(faces) == 0


def test_torch_and_numpy_give_the_same():
    field = sphere_field(0.5, (0.1, 0, 0.2))
    for a, b in zip(field_to_mesh(field), field_to_mesh(torch.from_numpy(field).requires_grad_())):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    "field",
    [sphere_field(0.5, (0.8, 0, 0)), sphere_field(0.5, (-0.9, -0.9, 0)), np.full((32,) * 3, -0.1)],
    ids=["cut by one side", "cut by two", "full"],
)
def test_a_shape_that_touches_the_border_is_closed_there(field):
    vertices, faces = field_to_mesh(field)
    assert open_edges(faces) == 0 and signed_volume(vertices, faces) > 0
    assert np.abs(vertices).max() <= 1 + 2 / field.shape[0]


def test_values_of_zero_make_no_triangles_without_area():
    field = box_field((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))  # its sides lie on grid points
    assert (field == 0).sum() > 1000
    vertices, faces = field_to_mesh(field)
    a, b, c = vertices[faces].astype(np.float64).transpose(1, 0, 2)
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).min() > 0
    assert open_edges(faces) == 0


def test_dust_goes_and_parts_stay():
    field = np.minimum(
        sphere_field(0.6, (-0.2, 0, 0)),
        np.minimum(sphere_field(0.15, (0.7, 0, 0)), sphere_field(0.04, (0.7, 0.7, 0.7))),
    )
    vertices, faces = field_to_mesh(field, remove_dust=False)
    assert component_labels(faces, len(vertices))[0] == 3
    vertices, faces = field_to_mesh(field)
    assert component_labels(faces, len(vertices))[0] == 2
    assert vertices.max(0)[0] > 0.8 and vertices.max(0)[1] < 0.65
    assert np.array_equal(np.unique(faces), np.arange(len(vertices)))


def as_made(*boxes) -> tuple[np.ndarray, np.ndarray]:
    vertices, faces = joined(*(box(*corners) for corners in boxes))
    return vertices.astype(np.float32), faces.astype(np.int32)


def test_dust_is_small_in_volume_and_in_surface():
    """A rod has little volume and is no dust; a crumb of it is."""
    block, rod, crumb = (
        ((-0.9, -0.9, -0.9), (0.3, 0.3, 0.3)),
        ((0.7, -0.9, 0.7), (0.78, 0.9, 0.78)),
        ((0.7, -0.9, 0.7), (0.78, -0.7, 0.78)),
    )
    assert (0.08**2 * 1.8) / 1.2**3 < 0.01
    for part, count in ((rod, 2), (crumb, 1)):
        vertices, faces, left_out = main_components(*as_made(block, part))
        assert (component_labels(faces, len(vertices))[0], left_out) == (count, 0)


@pytest.mark.parametrize("order", [1, -1])
def test_one_piece_is_the_main_one_and_the_rest_is_counted(order):
    parts = [
        ((-0.9, -0.9, -0.9), (0.3, 0.3, 0.3)),
        ((0.5, 0.5, 0.5), (0.9, 0.9, 0.9)),
        ((0.5, -0.9, 0.0), (0.9, 0.0, 0.4)),
        ((0.8, -0.9, 0.8), (0.85, -0.85, 0.85)),
    ]
    vertices, faces, left_out = main_components(*as_made(*parts[::order]), one_piece=True)
    assert left_out == 2 and open_edges(faces) == 0 and signed_volume(vertices, faces) == pytest.approx(1.2**3)
    assert np.array_equal(vertices, as_made(parts[0])[0])
    whole = as_made(parts[0])
    assert all(given is got for given, got in zip(whole, main_components(*whole, one_piece=True)))


def test_one_piece_of_a_hollow_ball_is_solid():
    field = np.maximum(sphere_field(0.8), -sphere_field(0.4))
    vertices, faces, left_out = main_components(*field_to_mesh(field), one_piece=True)
    assert left_out == 1 and signed_volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=1e-2)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (np.full((32,) * 3, 0.1), "no surface"),
        (np.full((32,) * 3, np.nan), "32768 values that are not finite"),
        (np.zeros((32, 32)), "cubic field"),
        (np.zeros((32, 32, 16)), "cubic field"),
    ],
)
def test_no_surface_is_said(field, words):
    with pytest.raises(InputError, match=words):
        field_to_mesh(field)
