"""Inputs from files: what is read, and the one line that names what is wrong."""

import json

import numpy as np
import pytest
from PIL import Image

from wala_blender.conditions.inputs import load_condition, load_inputs
from wala_blender.errors import InputError

CUBE = np.zeros((16, 16, 16), dtype=bool)
CUBE[4:12, 4:12, 4:10] = True


def save_json(path, **document):
    path.write_text(json.dumps({"resolution": 16} | document))


def write(path, content):
    """Bytes as they are, arrays as .npy or .npz, anything else as JSON."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, np.ndarray):
        np.save(path, content)
    elif path.suffix == ".npz":
        np.savez(path, **content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_a_prompt_and_an_elevation_pass():
    assert load_inputs({"prompt": "a chair", "elevation": 20}, ".") == {"prompt": "a chair", "elevation": 20.0}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"prompt": " "}, "prompt is empty"),
        ({"prompt": 3}, "prompt is empty"),
        ({"colour": "red"}, "unknown input 'colour'"),
        ({"elevation": float("nan")}, "elevation is nan"),
        ({"elevation": 91}, "elevation is 91"),
        ({"elevation": "up"}, "elevation is 'up'"),
        ({"azimuth": 361}, "azimuth is 361"),
        ({"views": [3, 6.5]}, "expected a list of view indices"),
        ({"views": 3}, "views are 3"),
        ({"images": "a.png"}, "expected a list of files"),
        ({"images": []}, "expected a list of files"),
    ],
)
def test_bad_values(inputs, words):
    with pytest.raises(InputError, match=words):
        load_inputs(inputs, ".")


@pytest.mark.parametrize("name", ["/etc/hostname", "../points.npy", "a/../../points.npy", 7])
def test_nothing_outside_the_folder_is_read(tmp_path, name):
    (tmp_path / "inner").mkdir()
    np.save(tmp_path / "points.npy", np.zeros((4, 3)))
    with pytest.raises(InputError, match="within its folder"):
        load_inputs({"points": name}, tmp_path / "inner")


@pytest.mark.parametrize(
    ("condition", "inputs", "words"),
    [
        ("text", {}, "text needs prompt, and there is no input"),
        ("depths", {"image": "a.png"}, "depths needs images or mesh, and there is image"),
    ],
)
def test_a_condition_without_its_input(condition, inputs, words):
    with pytest.raises(InputError, match=words):
        load_condition(condition, inputs, ".")


def test_nothing_is_an_input_for_none():
    assert load_condition("none", {}, ".") == {}


def test_several_pictures_keep_their_order(tmp_path):
    for name, grey in (("a.png", 10), ("b.jpg", 200)):
        Image.new("L", (20, 20), grey).save(tmp_path / name)
    loaded = load_inputs({"images": ["b.jpg", "a.png"], "views": [6, 3]}, tmp_path)
    assert [int(image.mean()) for image in loaded["images"]] == [200, 10] and loaded["views"] == [6, 3]
    with pytest.raises(InputError, match="c.png is missing"):
        load_inputs({"images": ["a.png", "c.png"]}, tmp_path)


def test_polylines_are_cut_at_the_offsets(tmp_path):
    points = np.arange(14, dtype=np.float32).reshape(7, 2)
    write(tmp_path / "p.npz", {"points": points, "offsets": np.array([0, 3, 3, 7])})
    lines = load_inputs({"polylines": "p.npz"}, tmp_path)["polylines"]
    assert [len(line) for line in lines] == [3, 0, 4] and np.array_equal(np.concatenate(lines), points)


@pytest.mark.parametrize(
    ("points", "offsets", "words"),
    [
        (np.zeros((0, 2)), [0], "sketch is empty"),
        (np.zeros((4, 3)), [0, 4], r"shape \(n, 2\)"),
        (np.zeros((4, 2)), [0, 5], "offsets"),
        (np.zeros((4, 2)), [0, 3, 2, 4], "offsets"),
        (np.zeros((4, 2)), [1, 4], "offsets"),
        (np.full((4, 2), np.nan), [0, 4], "4 of 4 points are not finite"),
    ],
)
def test_bad_polylines(tmp_path, points, offsets, words):
    write(tmp_path / "p.npz", {"points": points, "offsets": np.array(offsets)})
    with pytest.raises(InputError, match=words):
        load_inputs({"polylines": "p.npz"}, tmp_path)


@pytest.mark.parametrize(
    ("mode", "shape"),
    [
        ("L", (20, 30)),
        ("RGB", (20, 30, 3)),
        ("RGBA", (20, 30, 4)),
        ("LA", (20, 30, 4)),
        ("P", (20, 30, 3)),
        ("1", (20, 30, 3)),
        ("I;16", (20, 30)),
    ],
)
def test_pictures_of_every_mode(tmp_path, mode, shape):
    Image.new(mode, (30, 20)).save(tmp_path / "s.png")
    image = load_inputs({"image": "s.png"}, tmp_path)["image"]
    assert image.shape == shape and image.dtype == (np.uint16 if mode == "I;16" else np.uint8)


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new("RGB", (30, 20)).save(tmp_path / "s.jpg", exif=exif)
    assert load_inputs({"image": "s.jpg"}, tmp_path)["image"].shape == (30, 20, 3)


def test_a_mesh_of_arrays_and_of_a_file(tmp_path):
    vertices, faces = (
        np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]),
        np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]),
    )
    write(tmp_path / "m.npz", {"vertices": vertices.astype(np.float32), "faces": faces.astype(np.int32)})
    write(tmp_path / "m.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n")
    for name in ("m.npz", "m.obj"):
        loaded = load_inputs({"mesh": name}, tmp_path)
        assert np.array_equal(loaded["vertices"], vertices) and np.array_equal(loaded["faces"], faces)


@pytest.mark.parametrize(
    ("faces", "words"),
    [
        (np.array([[0, 1, 9]]), "names vertex 9"),
        (np.zeros((0, 3), int), "no triangles"),
        (np.array([[0, 1, 2.0]]), "whole numbers"),
        (np.array([[0, 0, 1]]), "area of zero"),
    ],
)
def test_bad_meshes(tmp_path, faces, words):
    write(tmp_path / "m.npz", {"vertices": np.eye(3), "faces": faces})
    with pytest.raises(InputError, match=words):
        load_inputs({"mesh": "m.npz"}, tmp_path)


@pytest.mark.parametrize("array", [CUBE, CUBE.astype(np.uint8), CUBE.astype(np.float64)])
def test_occupancy_of_an_array(tmp_path, array):
    write(tmp_path / "o.npy", array)
    loaded = load_inputs({"occupancy": "o.npy"}, tmp_path)["occupancy"]
    assert loaded.dtype == bool and np.array_equal(loaded, CUBE)


@pytest.mark.parametrize("occupancy", [np.argwhere(CUBE).tolist(), CUBE.astype(int).ravel().tolist(), CUBE.tolist()])
def test_occupancy_of_json(tmp_path, occupancy):
    write(tmp_path / "o.json", {"resolution": 16, "occupancy": occupancy})
    assert np.array_equal(load_inputs({"occupancy": "o.json"}, tmp_path)["occupancy"], CUBE)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("o.npy", np.zeros((8, 8), bool), r"\(8, 8\), expected"),
        ("o.npy", np.full((8, 8, 8), 0.3), "value 0.3"),
        ("o.npy", np.zeros((16, 16, 16), bool), "no voxel is filled"),
        ("o.npy", np.full((16, 16, 16), np.nan), "value nan"),
        ("o.npy", np.full((16, 16, 16), 0.5), "value 0.5"),
        ("o.json", {"resolution": 16, "occupancy": [[0, 0, 0], [3, 16, 2]]}, r"voxel 1, \[3, 16, 2\], is out of range"),
        ("o.json", {"resolution": 16, "occupancy": [[0, -1, 0]]}, r"voxel 0, \[0, -1, 0\], is out of range"),
        ("o.json", {"resolution": 16, "occupancy": [[0.5, 1, 2]]}, "whole numbers"),
        ("o.json", {"resolution": 1000, "occupancy": []}, "resolution is 1000"),
        ("o.json", {"resolution": 16, "occupancy": []}, "no voxel is filled"),
        ("o.json", {"resolution": 16, "occupancy": [[1, 2], [3]]}, "lengths"),
        ("o.json", {"resolution": 16, "occupancy": ["a"]}, "expected 0 or 1"),
        ("o.json", {"occupancy": []}, "not a grid of voxels"),
        ("o.json", '{"resolution": 16, "occu', "cannot be read"),
        ("o.txt", "1", "unknown kind of file '.txt' for occupancy"),
    ],
)
def test_bad_voxels(tmp_path, name, content, words):
    write(tmp_path / name, content)
    with pytest.raises(InputError, match=words):
        load_inputs({"occupancy": name}, tmp_path)


def test_points_of_every_kind(tmp_path):
    points = np.random.default_rng(0).random((20, 3)).astype(np.float32)
    rows = ["{:f} {:f} {:f}".format(*p) for p in points]
    write(tmp_path / "p.npy", points)
    write(tmp_path / "p.xyz", "# a scan\n" + "\n".join(row + " 0.1 0.2 0.3" for row in rows) + "\n\n")
    write(tmp_path / "q.xyz", "\n".join(row.replace(" ", ", ") for row in rows))
    header = (
        "ply\nformat ascii 1.0\nelement vertex 20\n" + "".join(f"property float {c}\n" for c in "xyz") + "end_header\n"
    )
    write(tmp_path / "p.ply", header + "\n".join(rows) + "\n")
    for name in ("p.npy", "p.xyz", "q.xyz", "p.ply"):
        loaded = load_inputs({"points": name}, tmp_path)["points"]
        assert loaded.dtype == np.float64 and np.allclose(loaded, points, atol=1e-6), name


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.npy", np.zeros((5, 2)), r"shape \(n, 3\)"),
        ("p.npy", np.zeros((0, 3)), "has no points"),
        ("p.npy", np.full((5, 3), 1e300), "5 of 5 points"),
        ("p.npy", np.array([[0, 0, np.inf]]), "1 of 1 points are not finite"),
        ("p.npy", np.array([["a", "b", "c"]]), "expected numbers"),
        ("p.xyz", "0 0 0\n1 x 0\n", "line 2: not a point"),
        ("p.xyz", "0 0 0\n1 2\n", "line 2: not a point"),
        ("p.xyz", "# nothing\n", "has no points"),
        ("p.ply", "ply\nformat ascii 1.0\nelement vertex 9\nproperty float x\nend_header\n1\n", "cannot be read"),
    ],
)
def test_bad_points(tmp_path, name, content, words):
    write(tmp_path / name, content)
    with pytest.raises(InputError, match=words):
        load_inputs({"points": name}, tmp_path)


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "p.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="holds Python objects"):
        load_inputs({"points": "p.npy"}, tmp_path)


GOOD = {"polylines": "p.npz", "image": "s.png", "mesh": "m.npz", "occupancy": "o.npy", "points": "p.npy"}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("share", [0, 0.1, 0.6, 0.98])
def test_a_file_cut_off_anywhere(tmp_path, name, share):
    write(tmp_path / "p.npz", {"points": np.random.rand(50, 2), "offsets": np.array([0, 50])})
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)).save(tmp_path / "s.png")
    write(tmp_path / "m.npz", {"vertices": np.random.rand(50, 3), "faces": np.arange(48).reshape(16, 3)})
    write(tmp_path / "o.npy", CUBE)
    write(tmp_path / "p.npy", np.random.rand(50, 3))
    file = tmp_path / GOOD[name]
    load_inputs({name: GOOD[name]}, tmp_path)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with pytest.raises(InputError, match="empty" if share == 0 else "cannot be read|damaged"):
        load_inputs({name: GOOD[name]}, tmp_path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="nothing.png is missing"):
        load_inputs({"image": "nothing.png"}, tmp_path)
