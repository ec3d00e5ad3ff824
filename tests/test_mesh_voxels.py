"""Voxels of a mesh: from a coarse field the same cells as from the full one, which is used where the coarse one would
lose a part."""

import numpy as np
import pytest
from shapes import box

from wala_blender.conditions import voxels
from wala_blender.geometry.distance import frame_of, mesh_to_distance
from wala_blender.geometry.surface import field_to_mesh

AXIS = 2 * np.arange(128) / 128 - 1
X, Y, Z = np.meshgrid(AXIS, AXIS, AXIS, indexing="ij")
SOLIDS = {
    "ball": np.sqrt(X**2 + Y**2 + Z**2) - 0.8,
    "ring": np.hypot(np.hypot(X, Y) - 0.6, Z) - 0.2,
    "leaning box": np.maximum.reduce(
        [np.abs(0.8 * X + 0.6 * Y) - 0.7, np.abs(0.8 * Y - 0.6 * X) - 0.2, np.abs(Z + 0.1 * X) - 0.3]
    ),
}


def cells(vertices, faces):
    return voxels.prepare({"vertices": vertices, "faces": faces}).tensors[0][0, 0].numpy() > 0


def full_cells(vertices, faces):
    return voxels.occupancy_of(mesh_to_distance(frame_of(vertices).to_model(vertices), faces))


@pytest.mark.parametrize("name", SOLIDS)
def test_cells_of_a_solid_are_those_of_the_full_field(name, monkeypatch):
    mesh = field_to_mesh(SOLIDS[name].astype(np.float32))
    expected, used = full_cells(*mesh), []
    monkeypatch.setattr(voxels, "mesh_to_distance", lambda *given: used.append(given[2:]) or mesh_to_distance(*given))
    assert (cells(*mesh) != expected).mean() <= 0.001
    assert used == [(128,)]


def test_a_plate_thinner_than_the_coarse_grid_keeps_its_cells():
    corners, faces = box((0, 0, 0), (1, 0.006, 1))
    expected = full_cells(corners, faces)
    assert expected.sum() > 150 and np.array_equal(cells(corners, faces), expected)


def test_the_points_between_are_those_of_a_linear_field():
    field = np.random.default_rng(0).normal(0.8, 0.6, (32, 32, 32)).astype(np.float32)
    fine = field
    for axis in range(3):
        after = np.concatenate([np.take(fine, range(1, 32), axis), np.take(fine, [-1], axis)], axis)
        fine = np.stack([fine, (fine + after) / 2], axis + 1).reshape(*fine.shape[:axis], 64, *fine.shape[axis + 1 :])
    assert np.array_equal(voxels.occupancy_of_half(field), voxels.occupancy_of(fine))
    assert not np.array_equal(voxels.occupancy_of_half(field), voxels.occupancy_of(field))
