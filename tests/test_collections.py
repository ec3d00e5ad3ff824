"""Collections of meshes: what is read, split and refused; samples of surfaces and voxels made from them."""

import numpy as np
import pytest
import torch
from shapes import box, sphere, sphere_field, write_collection

from wala_blender.errors import InputError
from wala_blender.training.collections import VALIDATION_PERCENT, load_mesh, read_records
from wala_blender.training.store import dense_tree, occupancy_of, ordered, sparse_tree, surface_points, turn_field, turn_points


@pytest.fixture
def collection(tmp_path):
    meshes = [box((-0.5, -0.25, -0.125), (0.5, 0.25, 0.125)), sphere(0.5, rings=8), box()]
    write_collection(tmp_path, "kit", meshes, tags=[[], ["tile"], ["unnamed"]])
    return tmp_path


def test_tiles_and_unnamed_ones_are_left_out(collection):
    (record,) = read_records(collection)
    assert (record.id, record.caption, record.head, record.category) == ("kit/0", "thing 0", "thing", "other")


def test_meshes_come_back_to_their_size(collection):
    vertices, faces = load_mesh(read_records(collection)[0])
    expected = box((-0.5, -0.25, -0.125), (0.5, 0.25, 0.125))
    assert np.allclose(vertices, expected[0], atol=1e-5) and np.array_equal(faces, expected[1])


def test_the_split_is_fixed_and_scans_are_kept_apart(tmp_path):
    mesh = box()
    for name in ("kit", "gso"):
        write_collection(tmp_path, name, [mesh] * 400)
    splits = {split: {record.id for record in read_records(tmp_path, split)} for split in ("train", "validation", "scans", "all")}
    assert splits["scans"] == {f"gso/{i}" for i in range(400)}
    assert splits["all"] == splits["train"] | splits["validation"] == {f"kit/{i}" for i in range(400)}
    assert not splits["train"] & splits["validation"]
    assert len(splits["validation"]) == pytest.approx(4 * VALIDATION_PERCENT, abs=20)
    # A hash of the id: whoever changes it moves shapes from training to validation.
    assert {i for i in range(60) if f"kit/{i}" in splits["validation"]} == {10, 13, 19, 31, 41, 55}


def test_bad_folders(collection, tmp_path):
    with pytest.raises(InputError, match="unknown split 'test'"):
        read_records(collection, "test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no collection"):
        read_records(tmp_path / "empty")
    (record,) = read_records(collection)
    with open(collection / "kit.jsonl", "a") as stream:
        stream.write('{"id": "kit/9"}\n')
    with pytest.raises(InputError, match="kit.jsonl, line 4: not a record"):
        read_records(collection)
    (collection / "kit.npz").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read"):
        load_mesh(record)


def test_an_order_is_varied_and_capped(tmp_path):
    write_collection(tmp_path, "kit", [box()] * 30, head=["chair"] * 20 + ["lamp"] * 8 + ["car"] * 2)
    heads = [record.head for record in ordered(read_records(tmp_path), cap=10)]
    assert sorted(heads) == ["car"] * 2 + ["chair"] * 10 + ["lamp"] * 8
    assert set(heads[:10]) == {"chair", "lamp", "car"}


def test_a_voxel_is_filled_when_anything_of_it_is():
    field = np.ones((64, 64, 64), np.float32)
    field[5, 20, 63] = -1
    occupancy = occupancy_of(field)
    assert np.argwhere(occupancy).tolist() == [[1, 5, 15]]


def test_points_leave_hidden_shells_out():
    outer, inner = sphere(0.8, rings=24), sphere(0.3, rings=24)
    vertices = np.concatenate([outer[0], inner[0]])
    faces = np.concatenate([outer[1], inner[1] + len(outer[0])])
    points = surface_points(vertices, faces, sphere_field(0.8), 500, np.random.default_rng(0))
    assert points.shape == (500, 3) and np.abs(np.linalg.norm(points, axis=1) - 0.8).max() < 0.02


def test_a_sparse_tree_comes_back():
    tree = torch.zeros(64, 22, 22, 22)
    tree[0] = torch.randn(22, 22, 22, generator=torch.Generator().manual_seed(0))
    tree[5, 3, 4, 6], tree[60, 21, 0, 1], tree[9, 1, 1, 1] = 0.25, -0.5, 1e-5
    back = dense_tree(**sparse_tree(tree)).float()
    assert (back - tree).abs().max() < 2e-3 and back[5, 3, 4, 6] == 0.25 and back[60, 21, 0, 1] == -0.5 and back[9, 1, 1, 1] == 0


@pytest.mark.parametrize("degrees,mirror", [(0, False), (90, False), (37, True)])
def test_a_turned_field_is_the_field_of_the_turned_shape(degrees, mirror):
    center = np.array([[0.3, 0.2, 0.1]])
    moved = turn_points(center, degrees, mirror)[0]
    field = torch.from_numpy(sphere_field(0.3, center[0]))
    turned = turn_field(field, degrees, mirror, 0.9).numpy()
    expected = sphere_field(0.3 * 0.9, moved * 0.9)
    near = np.abs(expected) < 0.2
    assert np.abs(turned - expected)[near].max() < 0.01
