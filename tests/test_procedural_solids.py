"""Primitives: their distances against samples of their surfaces; shapes: unions, cuts, hidden faces, regions."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from wala_blender.geometry.distance import EXTENT, TRUNCATION, grid_coordinates, mesh_to_distance
from wala_blender.geometry.surface import field_to_mesh
from wala_blender.training.data.procedural.builder import Builder, along, rotation
from wala_blender.training.data.procedural.composites import composite
from wala_blender.training.data.procedural.shape import Part, Shape
from wala_blender.training.data.procedural.solids import Arc, Box, Capsule, Cylinder, Ellipsoid, Frustum, Lathe, Prism

STAR = tuple((r * np.sin(a), r * np.cos(a)) for r, a in zip([0.6, 0.25] * 5, np.arange(10) * -np.pi / 5))
EXACT = {
    "box": Box((0.5, 0.3, 0.2)),
    "round box": Box((0.5, 0.3, 0.2), 0.1),
    "prism": Prism(STAR, 0.2),
    "cylinder": Cylinder(0.4, 0.3),
    "lathe": Lathe(((0, -0.5), (0.4, -0.5), (0.2, 0), (0.5, 0.4), (0, 0.5))),
    "ring": Lathe(((0.3, 0), (0.5, 0), (0.5, 0.2), (0.3, 0.2))),
    "capsule": Capsule(0.3, 0.1, 0.4),
    "torus": Arc(0.4, 0.1),
    "arc": Arc(0.4, 0.1, 1.0),
    "ball": Ellipsoid((0.4, 0.4, 0.4)),
}
BOUNDS = {
    "frustum": Frustum((0.5, 0.3), (0.2, 0.25), 0.4),
    "hexagon": Cylinder(0.4, 0.3, 6),
    "pyramid": Lathe(((0, -0.3), (0.5, -0.3), (0, 0.5)), 4),
    "ellipsoid": Ellipsoid((0.5, 0.3, 0.2)),
    "triangle": Cylinder(0.3, 0.3, 3),
}


def surface_points(solid, rng) -> np.ndarray:
    """Points where random segments from inside to outside cross the surface, by bisection."""
    p, q = rng.uniform(-0.9, 0.9, (2, 60_000, 3))
    inside = [solid.distance(*points.T) < 0 for points in (p, q)]
    crossing = inside[0] != inside[1]
    p, q = (
        np.where(inside[0][crossing, None], p[crossing], q[crossing]),
        np.where(inside[0][crossing, None], q[crossing], p[crossing]),
    )
    for _ in range(30):
        middle = (p + q) / 2
        within = (solid.distance(*middle.T) < 0)[:, None]
        p, q = np.where(within, middle, p), np.where(within, q, middle)
    return q


@pytest.mark.parametrize("name", [*EXACT, *BOUNDS])
def test_a_solids_distance_is_that_to_its_surface(name):
    solid, rng = (EXACT | BOUNDS)[name], np.random.default_rng(0)
    surface = surface_points(solid, rng)
    points = rng.uniform(-0.8, 0.8, (2000, 3))
    distance = solid.distance(*points.T)
    nearest, _ = cKDTree(surface).query(points)
    if name != "ellipsoid":
        assert (np.abs(distance) <= nearest + 1e-6).all()  # never too far
    if name in EXACT:
        assert np.abs(nearest - np.abs(distance)).max() < 0.1 and np.abs(nearest - np.abs(distance)).mean() < 0.01
    else:
        near = nearest < 0.05
        assert np.abs(nearest - np.abs(distance))[near].mean() < 0.012


@pytest.mark.parametrize("name", [*EXACT, *BOUNDS])
def test_a_solids_reach_bounds_it_tightly(name):
    solid, rng = (EXACT | BOUNDS)[name], np.random.default_rng(1)
    surface = surface_points(solid, rng)
    for direction in (*np.eye(3), *-np.eye(3), *rng.normal(size=(6, 3))):
        direction = direction / np.linalg.norm(direction)
        farthest = (surface @ direction).max()
        assert farthest - 1e-4 <= solid.reach(direction) < farthest + 0.06


def test_distances_on_open_grids_equal_those_of_points():
    x, y, z = (np.linspace(-0.7, 0.7, n).astype(np.float32) for n in (5, 6, 7))
    full = np.stack(np.meshgrid(x, y, z, indexing="ij"), -1).reshape(-1, 3)
    for solid in (EXACT | BOUNDS).values():
        part = Part(solid, np.array([0.1, 0, 0.05]), rotation("y", 30))
        grid = part.distance(x[:, None, None], y[None, :, None], z[None, None, :])
        assert np.broadcast_to(grid, (5, 6, 7)).reshape(-1) == pytest.approx(part.distance(*full.T), abs=1e-5)


def test_a_lathe_on_an_open_grid_is_the_lathe_of_its_points():
    x, y, z = (np.linspace(-0.7, 0.7, n).astype(np.float32) for n in (70, 9, 80))
    for solid in (EXACT["lathe"], BOUNDS["pyramid"]):
        grid = solid.distance(x[:, None, None], y[None, :, None], z[None, None, :])
        full = np.stack(np.meshgrid(x, y, z, indexing="ij"), -1).reshape(-1, 3)
        assert grid.shape == (70, 9, 80) and np.abs(grid.reshape(-1) - solid.distance(*full.T)).max() < 1e-3


def chair() -> Shape:
    builder = Builder(np.random.default_rng(0))
    builder.box((0, 0.5, 0), (0.5, 0.06, 0.5))
    builder.box((0, 0.8, -0.22), (0.5, 0.6, 0.06))
    builder.box((0.2, 0.25, 0.2), (0.06, 0.5, 0.06))
    builder.mirror(2, "x")
    builder.mirror(2, "z")
    builder.cylinder((0, 0.8, -0.22), 0.1, 1.0, "z", cut=True)
    return Shape(tuple(builder.parts))


def test_a_field_has_the_frame_and_the_grid_of_meshes():
    field = chair().field(128)
    inside = np.argwhere(field < 0)
    low, high = grid_coordinates(128)[inside.min(axis=0)], grid_coordinates(128)[inside.max(axis=0)]
    assert field.dtype == np.float32 and field.min() >= -TRUNCATION and field.max() == np.float32(TRUNCATION)
    assert high[1] - low[1] == pytest.approx(2 * EXTENT, abs=3 / 128) and np.abs(low + high).max() < 3 / 128
    mesh = field_to_mesh(field)
    again = mesh_to_distance(*mesh, resolution=128)
    near = np.abs(again) < 0.05
    assert np.abs(field - again)[near].max() < 0.03 and np.abs(field - again)[near].mean() < 0.002


def test_faces_that_parts_have_within_one_another_leave_no_trace():
    builder = Builder(np.random.default_rng(0))
    builder.box((0, 0, 0), (0.6, 0.6, 0.6))
    builder.box((0.6, 0, 0), (0.6, 0.6, 0.6))  # side by side: one box
    one = Shape(tuple(builder.parts))
    whole = Builder(np.random.default_rng(0))
    whole.box((0.3, 0, 0), (1.2, 0.6, 0.6))
    expected, truth = one.field(128), Shape(tuple(whole.parts)).field(128)
    region, deep = one.region((grid_coordinates(128),) * 3), truth < -0.07
    assert np.abs(expected - truth)[deep].max() < 3 / 128 and np.abs(expected - truth).mean() < 1e-4
    assert np.abs(region - truth)[deep].max() > 0.09
    assert np.array_equal(expected[truth > -0.02], region[truth > -0.02])  # the surface stays as it is


def test_a_region_is_a_part_of_the_field_at_any_step():
    shape = chair()
    axis = grid_coordinates(128)
    whole = shape.region((axis,) * 3)
    assert np.array_equal(shape.region((axis[20:60], axis[64:100:2], axis[10:50])), whole[20:60, 64:100:2, 10:50])
    points = np.stack(np.meshgrid(axis[20:60], axis[64:100:2], axis[10:50], indexing="ij"), -1).reshape(-1, 3)
    assert np.clip(shape.distance(points), -TRUNCATION, TRUNCATION) == pytest.approx(
        whole[20:60, 64:100:2, 10:50].reshape(-1), abs=1e-5
    )


def test_a_turned_shape_is_turned_and_a_mirrored_one_mirrored():
    def region(shape: Shape) -> np.ndarray:
        return shape.region((grid_coordinates(64),) * 3)

    field = region(chair())
    assert region(chair().turned(180))[1:, :, 1:] == pytest.approx(field[:0:-1, :, :0:-1], abs=1e-4)
    assert region(chair().turned(0, mirror=True))[1:] == pytest.approx(field[:0:-1], abs=1e-4)
    quarter = region(chair().turned(90))  # +z → +x
    assert quarter[1:, :, 1:] == pytest.approx(field.transpose(2, 1, 0)[1:, :, :0:-1], abs=1e-4)


def test_composites_are_those_of_their_seed_in_one_piece_and_within_the_box():
    for seed in range(12):
        field = composite(seed).field(96)
        assert np.array_equal(field, composite(seed).field(96))
        assert (field < 0).mean() > 1e-3
        faces = (field[0], field[-1], field[:, 0], field[:, -1], field[..., 0], field[..., -1])
        assert min(face.min() for face in faces) > 0.05
        labels, _ = ndimage.label(field < 0.006, np.ones((3, 3, 3)))
        assert np.bincount(labels[field < 0])[1:].max() > 0.98 * (field < 0).sum()
    assert not np.array_equal(composite(0).field(32), composite(1).field(32))


@pytest.mark.parametrize("axis", "xyz")
def test_cylinders_lie_along_their_axis(axis):
    builder = Builder(np.random.default_rng(0))
    builder.cylinder((0, 0, 0), 0.1, 2.0, axis)
    builder.lathe([(0.1, -1), (0.1, 1)], axis=axis)
    for part in builder.parts:
        assert part.bounds[1] == pytest.approx([1.0 if name == axis else 0.1 for name in "xyz"])


def test_along_takes_up_to_a_direction():
    for direction in ((1, 2, 3), (0, 0, 1), (0, -1, 0), (1, 0, 0)):
        matrix = along(direction)
        assert matrix @ matrix.T == pytest.approx(np.eye(3)) and np.linalg.det(matrix) == pytest.approx(1)
        assert matrix[:, 1] == pytest.approx(np.array(direction) / np.linalg.norm(direction))
