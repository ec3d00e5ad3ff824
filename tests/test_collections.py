"""Collections of meshes: what is read, split and refused."""

import numpy as np
import pytest
from shapes import box, sphere, write_collection

from wala_blender.conditions.voxels import occupancy_of
from wala_blender.errors import InputError
from wala_blender.training.data.mesh_datasets import VALIDATION_PERCENT, load_mesh, read_records


@pytest.fixture
def collection(tmp_path):
    meshes = [box((-0.5, -0.25, -0.125), (0.5, 0.25, 0.125)), sphere(0.5, rings=8), box()]
    write_collection(tmp_path, "kit", meshes, tags=[[], ["tile"], ["unnamed"]])
    return tmp_path


def test_tiles_and_unnamed_ones_are_left_out(collection):
    (record,) = read_records(collection)
    assert (record.id, record.caption, record.head, record.category) == ("kit/0", "object", "object", "other")


def test_meshes_come_back_to_their_size(collection):
    vertices, faces = load_mesh(read_records(collection)[0])
    expected = box((-0.5, -0.25, -0.125), (0.5, 0.25, 0.125))
    assert np.allclose(vertices, expected[0], atol=1e-5) and np.array_equal(faces, expected[1])


def test_the_split_is_fixed_and_scans_are_kept_apart(tmp_path):
    mesh = box()
    for name in ("kit", "gso"):
        write_collection(tmp_path, name, [mesh] * 400)
    splits = {
        split: {record.id for record in read_records(tmp_path, split)}
        for split in ("train", "validation", "scans", "all")
    }
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


def test_a_voxel_is_filled_when_anything_of_it_is():
    field = np.ones((64, 64, 64), np.float32)
    field[5, 20, 63] = -1
    occupancy = occupancy_of(field)
    assert np.argwhere(occupancy).tolist() == [[1, 5, 15]]
