"""Iso-surfaces: volume, winding, closedness, dust, and what has no surface."""

import numpy as np
import pytest
import torch
from shapes import box_field, open_edges, signed_volume, sphere_field

from wala_blender.errors import InputError
from wala_blender.geometry.surface import component_labels, drop_small_components, field_to_mesh


@pytest.mark.parametrize("resolution,tolerance", [(64, 3e-3), (128, 1e-3)])
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


@pytest.mark.parametrize("field", [sphere_field(0.5, (0.8, 0, 0)), sphere_field(0.5, (-0.9, -0.9, 0)), np.full((32,) * 3, -0.1)],
                         ids=["cut by one side", "cut by two", "full"])
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
    field = np.minimum(sphere_field(0.6, (-0.2, 0, 0)), np.minimum(sphere_field(0.15, (0.7, 0, 0)), sphere_field(0.04, (0.7, 0.7, 0.7))))
    vertices, faces = field_to_mesh(field, remove_dust=False)
    assert component_labels(faces, len(vertices))[0] == 3
    vertices, faces = field_to_mesh(field)
    assert component_labels(faces, len(vertices))[0] == 2
    assert vertices.max(0)[0] > 0.8 and vertices.max(0)[1] < 0.65
    assert np.array_equal(np.unique(faces), np.arange(len(vertices)))


def test_components_below_the_share_are_dropped():
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2], [4, 5, 6]], dtype=np.int32)
    vertices = np.arange(21, dtype=np.float32).reshape(7, 3)
    kept, left = drop_small_components(vertices, faces, share=0.3)
    assert np.array_equal(kept, vertices[:4]) and np.array_equal(left, faces[:4])
    assert drop_small_components(vertices, faces, share=0.25)[1] is faces


@pytest.mark.parametrize("field,words", [
    (np.full((32,) * 3, 0.1), "no surface"), (np.full((32,) * 3, np.nan), "32768 values that are not finite"),
    (np.zeros((32, 32)), "cubic field"), (np.zeros((32, 32, 16)), "cubic field")])
def test_no_surface_is_said(field, words):
    with pytest.raises(InputError, match=words):
        field_to_mesh(field)
