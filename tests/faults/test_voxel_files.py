"""Voxel grids of other programs and sizes, and meshes with loose parts: read, resampled or left out, and said; or
refused on one line."""

import json
import struct

import numpy as np
import pytest
from shapes import box, joined, sphere

from wala_blender.cli.main import main
from wala_blender.conditions.inputs import load_inputs
from wala_blender.conditions.voxels import prepare
from wala_blender.errors import InputError, OutputError
from wala_blender.geometry.meshes import check_mesh_destination, write_mesh
from wala_blender.geometry.strays import without_strays

pytestmark = pytest.mark.faults

SMALL = np.zeros((16, 16, 16), bool)
SMALL[3:12, 4:9, 5:14] = True
SMALL[3, 4, 15] = True  # no symmetry


def enlarged(times: int) -> np.ndarray:
    return SMALL.repeat(times, 0).repeat(times, 1).repeat(times, 2)


def binvox(filled: np.ndarray) -> bytes:
    flat = filled.transpose(0, 2, 1).ravel().astype(np.uint8)
    runs = [
        (value, min(255, len(run) - i))
        for run in np.split(flat, np.flatnonzero(np.diff(flat)) + 1)
        for value in run[:1]
        for i in range(0, len(run), 255)
    ]
    return b"#binvox 1\ndim %d %d %d\ntranslate 0 0 0\nscale 1\ndata\n" % (
        filled.shape[0],
        filled.shape[2],
        filled.shape[1],
    ) + bytes(int(n) for run in runs for n in run)


def vox(filled: np.ndarray, models: int = 1, extra: bytes = b"") -> bytes:
    """+Z is up in the file, +Y in the grid."""

    def chunk(name: bytes, content: bytes, children: bytes = b"") -> bytes:
        return name + struct.pack("<II", len(content), len(children)) + content + children

    up = filled[:, :, ::-1].transpose(0, 2, 1)
    places = np.argwhere(up).astype(np.uint8)
    cells = struct.pack("<I", len(places)) + np.hstack([places, np.ones((len(places), 1), np.uint8)]).tobytes()
    return (
        b"VOX "
        + struct.pack("<I", 150)
        + chunk(b"MAIN", b"", (chunk(b"SIZE", struct.pack("<3i", *up.shape)) + chunk(b"XYZI", cells)) * models + extra)
    )


def save(path, content) -> dict:
    if isinstance(content, np.ndarray):
        np.save(path, content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return load_inputs({"occupancy": path.name}, path.parent)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *[
            ("v.npy", array)
            for array in (
                SMALL,
                SMALL[None],
                SMALL[None, None],
                SMALL[..., None],
                SMALL.astype(np.uint8) * 255,
                SMALL * 255.0,
                SMALL.astype(np.float16),
                SMALL.astype(np.int8),
                np.asfortranarray(SMALL),
            )
        ],
        ("v.binvox", binvox(SMALL)),
        ("v.vox", vox(SMALL)),
        ("v.vox", vox(SMALL, extra=b"RGBA" + struct.pack("<II", 4, 0) + b"1234")),
        ("v.json", {"resolution": 16, "occupancy": np.argwhere(SMALL).tolist()}),
        ("v.json", {"resolution": [16, 16, 16], "occupancy": (SMALL * 255).tolist()}),
    ],
)
def test_a_grid_of_any_make_is_the_same(tmp_path, name, content):
    loaded = save(tmp_path / name, content)
    assert np.array_equal(loaded["occupancy"], SMALL) and loaded["occupancy"].dtype == bool and "notes" not in loaded


@pytest.mark.parametrize("times", [2, 3, 4, 8])
@pytest.mark.parametrize("kind", ["npy", "leading", "bytes", "binvox", "vox", "json"])
def test_a_finer_grid_is_resampled_and_said(tmp_path, times, kind):
    fine = enlarged(times)
    content = {
        "npy": fine,
        "leading": fine[None],
        "bytes": fine.astype(np.uint8) * 255,
        "binvox": binvox(fine),
        "vox": vox(fine),
        "json": {"resolution": 16 * times, "occupancy": np.argwhere(fine).tolist()},
    }[kind]
    loaded = save(tmp_path / f"v.{kind if kind in ('binvox', 'vox', 'json') else 'npy'}", content)
    n = 16 * times
    assert np.array_equal(loaded["occupancy"], SMALL) and loaded["notes"] == [
        f"The voxels were resampled from {n}×{n}×{n} to 16×16×16"
    ]


@pytest.mark.parametrize("n", [2, 5, 8, 10, 20, 31, 33, 100])
def test_a_ball_of_any_size_stays_a_ball(tmp_path, n):
    middle = (np.arange(n) + 0.5) * 2 / n - 1
    ball = (middle[:, None, None] ** 2 + middle[:, None] ** 2 + middle**2) < 0.8**2
    loaded = save(tmp_path / "v.npy", ball | (n == 2))["occupancy"]
    assert (
        loaded.shape == (16, 16, 16)
        and (loaded != loaded[::-1]).mean() < 0.06
        and (n == 2 or 0.2 < loaded.mean() < 0.5)
    )


def test_one_filled_voxel_is_never_lost(tmp_path):
    for n in (17, 40, 100):
        for place in (0, n // 2, n - 1):
            filled = np.zeros((n, n, n), bool)
            filled[place, 0, n - 1] = True
            assert save(tmp_path / "v.npy", filled)["occupancy"].sum() == 1


@pytest.mark.parametrize("shape", [(16, 8, 4), (20, 10, 10), (4, 4, 32)])
def test_a_grid_that_is_no_cube_lies_in_the_middle_of_one(tmp_path, shape):
    loaded = save(tmp_path / "v.npy", np.ones(shape, bool))
    low, high = np.argwhere(loaded["occupancy"]).min(0), np.argwhere(loaded["occupancy"]).max(0)
    assert (
        (np.abs(low + high - 15) <= 1).all()
        and np.allclose((high - low + 1) / 16, np.array(shape) / max(shape), atol=0.13)
        and loaded["notes"]
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("v.npy", np.zeros((16, 16)), "expected 0 or 1"),
        ("v.npy", np.ones((1, 16, 16)), "expected 0 or 1"),
        ("v.npy", np.zeros((2, 16, 16, 16)), "expected 0 or 1"),
        ("v.npy", np.zeros((32, 32, 32)), "no voxel"),
        ("v.npy", np.full((32, 32, 32), 0.5), "value 0.5"),
        ("v.npy", np.arange(4096).reshape(16, 16, 16), "the value"),
        ("v.npy", np.full((20, 20, 20), np.inf), "value inf"),
        ("v.npy", np.ones((1000, 2, 2), bool), "from 2 to 512"),
        ("v.npy", -SMALL.astype(int), "the value"),
        ("v.binvox", binvox(SMALL)[:-4], "voxels are there"),
        ("v.binvox", binvox(SMALL).replace(b"dim 16 16 16", b"dim 90000 90000 90000"), "from 2 to 512"),
        ("v.binvox", b"nothing", "cannot be read"),
        ("v.binvox", binvox(np.zeros_like(SMALL)), "no voxel"),
        ("v.vox", vox(SMALL)[:-5], "cannot be read"),
        ("v.vox", vox(SMALL, 2), "2 models, expected one"),
        ("v.vox", vox(SMALL).replace(struct.pack("<3i", 16, 16, 16), struct.pack("<3i", 16, 16, 4)), "out of bounds"),
        ("v.vox", vox(SMALL).replace(struct.pack("<3i", 16, 16, 16), struct.pack("<3i", 10**9, 16, 4)), "its size"),
        ("v.vox", b"VOX \x96\0\0\0", "0 sizes"),
        ("v.json", {"resolution": 32, "occupancy": [[0, 0, 32]]}, "out of range"),
        ("v.json", {"resolution": 32, "occupancy": [0, 1, 0]}, "32×32×32 of them"),
        ("v.json", {"resolution": 10**9, "occupancy": [[0, 0, 0]]}, "resolution is 1000000000"),
        ("v.json", {"resolution": 2.5, "occupancy": [[0, 0, 0]]}, "resolution is 2.5"),
        ("v.json", {"resolution": True, "occupancy": [[0, 0, 0]]}, "resolution is True"),
    ],
)
def test_a_wrong_grid_is_refused(tmp_path, name, content, words):
    with pytest.raises(InputError, match=words) as caught:
        save(tmp_path / name, content)
    assert "\n" not in str(caught.value)


# Meshes with loose parts

BALL = sphere(1, (2, 3, 4), rings=16)


@pytest.mark.parametrize("place", [(1e6, 0, 0), (0, -50, 0), (9, 9, 9)])
def test_a_vertex_of_no_face_does_not_shrink_the_shape(place):
    vertices, faces, notes = without_strays(np.concatenate([[place], BALL[0]]), BALL[1] + 1)
    assert np.array_equal(vertices[faces], BALL[0][BALL[1]]) and notes == [
        f"1 of {len(BALL[0]) + 1} vertices are of no face and were left out"
    ]


@pytest.mark.parametrize("place", [(2, 3, 4), (2, 3.5, 4)])
def test_a_vertex_of_no_face_that_changes_nothing_is_not_worth_a_word(place):
    assert without_strays(np.concatenate([BALL[0], [place]]), BALL[1])[2] == []


@pytest.mark.parametrize("far", [10, 1e3, 1e6])
@pytest.mark.parametrize(
    "part",
    [box((0, 0, 0), (0.01,) * 3), (np.array([(0, 0, 0), (0.01, 0, 0), (0, 0.01, 0)]), np.array([(0, 1, 2)]))],
    ids=["box", "triangle"],
)
def test_a_tiny_far_piece_does_not_shrink_the_shape(far, part):
    vertices, faces, notes = without_strays(*joined((part[0] + far, part[1]), BALL))
    assert np.array_equal(vertices[faces], BALL[0][BALL[1]]) and notes == [
        "1 tiny piece far from the rest was left out"
    ]


@pytest.mark.parametrize(
    "part",
    [box((20, 0, 0), (21, 1, 1)), box((-50, 0, -50), (50, 0.1, 50)), sphere(0.02, (4, 3, 4), rings=4)],
    ids=["another part", "ground", "button near it"],
)
def test_other_parts_are_no_strays(part):
    _vertices, faces, notes = without_strays(*joined(BALL, part))
    assert notes == [] and len(faces) == len(BALL[1]) + len(part[1])


SHEET = np.array([(2, 0, 2), (6, 0, 2), (6, 0, 6), (2, 0, 6.0)]), np.array([(0, 1, 2), (0, 2, 3)])


@pytest.mark.parametrize("place", [(3, 0, 0), (0, 0.5, 0), (-4, 2, -4)])
def test_an_open_sheet_beside_a_solid_is_said(place):
    vertices, faces = joined(BALL, (SHEET[0] + place, SHEET[1]))
    assert "(an open sheet) and is lost" in prepare({"vertices": vertices, "faces": faces}).note


@pytest.mark.parametrize(
    "mesh",
    [
        BALL,
        joined(BALL, sphere(0.5, (2, 3, 4), rings=8)),
        box(without=3),
        joined(box(), box((0.2, 0.2, 0.2), (2, 2, 2))),
    ],
    ids=["solid", "hidden shell", "open box", "parts that meet"],
)
def test_solids_lose_nothing(mesh):
    assert prepare({"vertices": mesh[0], "faces": mesh[1]}).note == ""


# Inputs that an output would replace


@pytest.mark.parametrize("how", ["same", "link", "hard link", "another way"])
def test_an_output_never_replaces_its_input(tmp_path, how, capsys):
    given = out = tmp_path / "ball.obj"
    write_mesh(given, *BALL, {})
    before = given.read_bytes()
    if how == "link":
        out = tmp_path / "other.obj"
        out.symlink_to(given)
    elif how == "hard link":
        out = tmp_path / "other.obj"
        out.hardlink_to(given)
    elif how == "another way":
        (tmp_path / "inner").mkdir()
        out = tmp_path / "inner/../ball.obj"
    with pytest.raises(OutputError, match="is the input itself"):
        check_mesh_destination(out, given)
    for command in (
        ["roundtrip", str(given), "--no-autoencoder", "--out", str(out)],
        ["generate", "--voxels", str(given), "--out", str(out)],
        ["generate", "--points", str(given), "--out", str(out)],
    ):
        assert main(command) == 1 and "is the input itself" in capsys.readouterr().err
    assert given.read_bytes() == before
