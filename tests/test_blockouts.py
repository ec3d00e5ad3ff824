"""Blockouts: boxes found where boxes were, parts that hold the solid, meshes that are closed; drawn ones are the seed's
alone."""

import numpy as np
import pytest
import torch
from shapes import box_field, open_edges, signed_volume, sphere_field

from wala_blender.conditions.voxels import occupancy_of, prepare
from wala_blender.errors import InputError
from wala_blender.geometry.distance import mesh_to_distance
from wala_blender.geometry.metrics import iou
from wala_blender.training.data.blockouts import (
    KINDS,
    blockout,
    box_mesh,
    coarse_cells,
    convex_parts,
    drawn_blockout,
    fitted_boxes,
    joined,
    untidy,
)

R = 64
# A table: a top and two legs.
BOXES = [
    ((-0.9, 0.2, -0.6), (0.9, 0.4, 0.6)),
    ((-0.8, -0.7, -0.5), (-0.5, 0.2, 0.5)),
    ((0.5, -0.7, -0.5), (0.7, 0.2, 0.5)),
]
TABLE = torch.from_numpy(np.minimum.reduce([box_field(low, high, R) for low, high in BOXES]))
BALL = torch.from_numpy(sphere_field(0.8, resolution=R))


def solid_of(mesh) -> np.ndarray:
    return mesh_to_distance(*mesh, resolution=R) < 0


def test_boxes_are_found_where_boxes_are():
    found = fitted_boxes((TABLE < 0).numpy(), 8, 1.0)
    assert len(found) == 3
    ends = [(2 * np.asarray(one) - 1) / R - 1 for one in found]
    for low, high in BOXES:
        assert any(np.allclose(one, (low, high), atol=2.2 / R) for one in ends), (low, high)


def test_the_first_box_gains_most():
    solid = (TABLE < 0).numpy()
    low, high = fitted_boxes(solid, 1, 1.0)[0]
    assert (high - low).prod() > 0.4 * solid.sum() and solid[tuple(slice(a, b) for a, b in zip(low, high))].all()


def test_a_slanted_rod_is_covered_too():
    solid = (BALL < 0).numpy() & False
    for i in range(40):
        solid[10 + i // 4 : 13 + i // 4, 5 + i, 30:33] = True
    solid[20:50, 45:60, 15:50] = True
    covered = np.zeros_like(solid)
    for low, high in fitted_boxes(solid, 12, 1.0):
        covered[tuple(slice(a, b) for a, b in zip(low, high))] = True
    assert covered[:, 5:45][solid[:, 5:45]].mean() > 0.7


def test_waste_makes_boxes_tight():
    solid = (BALL < 0).numpy()
    loose, tight = (
        np.mean([solid[tuple(slice(a, b) for a, b in one.T)].mean() for one in fitted_boxes(solid, 4, waste)])
        for waste in (0.3, 3.0)
    )
    assert tight > loose and tight > 0.9


def test_convex_parts_hold_what_their_boxes_hold():
    solid = (BALL < 0).numpy()
    whole = [np.array([[0, 0, 0], [R, R, R]])]
    ((vertices, faces),) = convex_parts(solid, whole)
    assert open_edges(faces) == 0 and signed_volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.1)
    halves = [np.array([[0, 0, 0], [R // 2, R, R]]), np.array([[R // 2, 0, 0], [R, R, R]])]
    assert iou(solid_of(joined(convex_parts(solid, halves))), solid) > 0.9


def test_a_flat_part_has_a_volume():
    solid = np.zeros((R, R, R), bool)
    solid[10:40, 30, 15:40] = True
    ((vertices, faces),) = convex_parts(solid, [np.array([[10, 30, 15], [40, 31, 40]])])
    assert signed_volume(vertices, faces) == pytest.approx(30 * 25 * (2 / R) ** 3)


@pytest.mark.parametrize("cells", [8, 13, 16, 24])
def test_coarse_cells(cells):
    solid = (TABLE < 0).numpy()
    vertices, faces = coarse_cells(solid, cells, 0.0)
    planes = (vertices + 1) * cells / 2
    assert np.allclose(planes, np.rint(planes)) and open_edges(faces) == 0
    volume = signed_volume(vertices, faces)
    assert (
        mesh_to_distance(vertices, faces, resolution=R)[solid] < 1e-6
    ).mean() > 0.99  # a cell's first grid points lie on its side
    assert volume > signed_volume(*coarse_cells(solid, cells, 0.5))
    if R % cells == 0:
        assert volume == pytest.approx(occupancy_of(TABLE, cells).sum() * (2 / cells) ** 3)


def test_cells_of_a_shape_too_thin_for_half_filled_ones():
    solid = np.zeros((R, R, R), bool)
    solid[30:31, 5:10, 5:10] = True
    assert len(coarse_cells(solid, 8, 0.5)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_tidy_blockout_is_like_its_shape(kind):
    for field in (TABLE, BALL):
        mesh = blockout(field, kind, np.random.default_rng(0))
        assert iou(solid_of(mesh), (field < 0).numpy()) > 0.7 and open_edges(mesh[1]) == 0


def test_untidy_parts_stay_near_where_they_were():
    rng = np.random.default_rng(0)
    parts = [box_mesh(np.array(one)) for one in BOXES]
    overlaps = []
    for _ in range(6):
        moved = untidy(parts, rng)
        assert len(moved) == 3 and all((np.ptp(vertices, axis=0) > 0).all() for vertices, _ in moved)
        overlaps.append(iou(solid_of(joined(moved)), (TABLE < 0).numpy()))
    assert 0.6 < np.mean(overlaps) < 0.97 and len(set(overlaps)) == 6
    many = parts * 2
    assert {len(untidy(many, rng)) for _ in range(40)} == {5, 6}


def test_drawn_blockouts_are_the_seeds_alone():
    one, same, other = (drawn_blockout(TABLE, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(one[0], same[0]) and np.array_equal(one[1], same[1])
    assert one[0].shape != other[0].shape or not np.array_equal(one[0], other[0])
    for seed in range(5):
        vertices, faces = drawn_blockout(BALL, np.random.default_rng(seed))
        assert (
            np.isfinite(vertices).all()
            and open_edges(faces) == 0
            and iou(solid_of((vertices, faces)), (BALL < 0).numpy()) > 0.3
        )


def test_what_cannot_be_blocked_out():
    with pytest.raises(InputError, match="no inside"):
        blockout(torch.ones(R, R, R), "boxes", np.random.default_rng(0))
    with pytest.raises(InputError, match="unknown kind of blockout 'spheres'"):
        blockout(BALL, "spheres", np.random.default_rng(0))


@pytest.mark.parametrize(("gap", "in_parts"), [(0.05, True), (0.0, False)])
def test_boxes_that_share_cells_and_do_not_touch_are_parts(gap, in_parts):
    boxes = ((-0.9, -0.4, -0.4), (0, 0.4, 0.4)), ((gap, -0.4, -0.4), (0.9, 0.4, 0.4))
    vertices, faces = joined([box_mesh(np.array(one)) for one in boxes])
    prepared = prepare({"vertices": vertices, "faces": faces})
    assert prepared.tensors[0][0, 0, :, 8, 8].sum() == 16  # no cell between them is empty
    assert prepared.in_parts is in_parts
