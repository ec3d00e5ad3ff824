"""Mesh files: what goes out comes back, with its origin; damaged files and full disks are told on one line."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from shapes import box, joined, signed_volume, sphere

from wala_blender.errors import InputError, OutputError
from wala_blender.geometry.meshes import provenance_of, read_mesh, read_points, vertex_normals, write_mesh

ORIGIN = {"model": "starter", "seed": 7, "prompt": 'a "Stühlchen"\nend_header', "scale": 1.5, "steps": None}
MESH = sphere(0.8, (0.1, 0.2, -0.1), rings=12)
WRITABLE = [".glb", ".obj", ".ply", ".stl"]


@pytest.mark.parametrize("kind", WRITABLE)
def test_what_is_written_comes_back(tmp_path, kind):
    path = tmp_path / f"Käse und Brot{kind}"
    write_mesh(path, *MESH, ORIGIN)
    vertices, faces = read_mesh(path)
    assert np.allclose(vertices[faces], MESH[0][MESH[1]], atol=1e-6)
    assert kind == ".stl" or np.array_equal(faces, MESH[1])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def glb_document(path: Path) -> dict:
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    return json.loads(data[20 : 20 + struct.unpack_from("<I", data, 12)[0]])


def normals_in(path: Path) -> np.ndarray:
    data = path.read_bytes()
    if path.suffix == ".obj":
        return np.array(
            [line.split()[1:] for line in data.decode().splitlines() if line.startswith("vn ")], dtype=float
        )
    if path.suffix == ".ply":
        header, body = data.split(b"end_header\n", 1)
        assert [line.split()[-1] for line in header.decode().splitlines() if "property float" in line] == [
            "x",
            "y",
            "z",
            "nx",
            "ny",
            "nz",
        ]
        return np.frombuffer(body, "<f4", len(MESH[0]) * 6).reshape(-1, 6)[:, 3:]
    document = glb_document(path)
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]]
    start = (
        20 + struct.unpack_from("<I", data, 12)[0] + 8 + document["bufferViews"][accessor["bufferView"]]["byteOffset"]
    )
    return np.frombuffer(data, "<f4", accessor["count"] * 3, start).reshape(-1, 3)


@pytest.mark.parametrize("kind", [".glb", ".obj", ".ply"])
def test_normals_in_the_file_point_outward(tmp_path, kind):
    write_mesh(tmp_path / f"s{kind}", *MESH, {})
    normals = normals_in(tmp_path / f"s{kind}")
    radial = (MESH[0] - np.array((0.1, 0.2, -0.1))) / 0.8
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=2e-4) and (normals * radial).sum(1).min() > 0.98


def test_the_origin_travels_with_the_file(tmp_path):
    for kind in WRITABLE:
        write_mesh(tmp_path / f"s{kind}", *MESH, ORIGIN)
    expected = {name: value for name, value in ORIGIN.items() if value is not None}
    document = glb_document(tmp_path / "s.glb")
    assert document["nodes"][0]["extras"] == document["meshes"][0]["extras"] == expected
    obj = [line for line in (tmp_path / "s.obj").read_text("ascii").splitlines() if line.startswith("#")]
    header = (tmp_path / "s.ply").read_bytes().split(b"end_header\n")[0].decode("ascii").splitlines()
    ply = [line for line in header if line.startswith("comment")]
    assert obj == ["# model: starter", "# seed: 7", '# prompt: a "St\\xfchlchen" end header', "# scale: 1.5"]
    assert [line.removeprefix("comment ") for line in ply] == [line.removeprefix("# ") for line in obj]


def test_provenance_of_a_record():
    origin = provenance_of(
        {"model": "starter", "seed": 1, "licence": "CC0", "prompt": "a chair", "timings": {"sample": 1.0}}
    )
    assert (
        origin["origin"] == "AI-generated"
        and origin["prompt"] == "a chair"
        and origin["licence"] == "CC0"
        and "timings" not in origin
    )


def test_normals_of_a_box_and_of_a_loose_vertex():
    vertices, faces = box()
    normals = vertex_normals(np.concatenate([vertices, [[9, 9, 9]]]), faces)
    assert (
        np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6) and (np.sign(normals[:8]) == np.sign(vertices)).all()
    )
    assert normals[8].tolist() == [0, 1, 0]


@pytest.mark.parametrize("kind", [".glb", ".gltf", ".obj", ".ply", ".stl", ".off"])
def test_every_readable_kind(tmp_path, kind):
    mesh = trimesh.Trimesh(*MESH, process=False)
    path = tmp_path / f"s{kind}"
    if kind == ".gltf":
        for name, data in trimesh.exchange.gltf.export_gltf(trimesh.Scene(mesh)).items():
            (tmp_path / name).write_bytes(data)
        path = tmp_path / "model.gltf"
    else:
        mesh.export(path)
    vertices, faces = read_mesh(path)
    assert len(faces) == len(MESH[1]) and np.allclose(vertices[faces], MESH[0][MESH[1]], atol=1e-5)


def test_all_objects_of_a_scene_stand_in_their_places(tmp_path):
    scene, moved = trimesh.Scene(), np.eye(4)
    moved[:3, 3] = 5, 0, 0
    scene.add_geometry(trimesh.Trimesh(*box()), transform=moved)
    scene.add_geometry(trimesh.Trimesh(*box()))
    scene.export(tmp_path / "s.glb")
    vertices, faces = read_mesh(tmp_path / "s.glb")
    assert len(faces) == 24 and np.allclose([vertices.min(0), vertices.max(0)], [[-0.5] * 3, [5.5, 0.5, 0.5]])


def test_polygons_are_split(tmp_path):
    (tmp_path / "q.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n")
    assert read_mesh(tmp_path / "q.obj")[1].shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.obj", "", r"empty \(0 bytes\)"),
        ("a.fbx", "x", "unknown kind of file '.fbx'"),
        ("a.obj", "v 0 0 0\nv 1 0 0\n", "has no faces"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nf 1 2 9\n", "names vertex 8 of 2"),
        ("a.obj", "v 0 0 nan\nv 1 0 0\nv 1 1 0\nf 1 2 3\n", "1 of 3 vertices are not finite"),
        ("a.glb", "not a glb at all", "cannot be read"),
        ("a.gltf", '{"asset": {', "cannot be read"),
        ("a.stl", "solid x\n", "no faces|cannot be read"),
    ],
)
def test_bad_files(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=words):
        read_mesh(tmp_path / name)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="nothing.obj cannot be opened"):
        read_mesh(tmp_path / "nothing.obj")


@pytest.mark.parametrize("kind", [".glb", ".ply", ".stl"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_binary_file_cut_off_anywhere(tmp_path, kind, share):
    path = tmp_path / f"s{kind}"
    trimesh.Trimesh(*joined(MESH, box()), process=False).export(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError, match="damaged"):
        read_mesh(path)


def test_points_of_a_cloud_and_of_a_mesh(tmp_path):
    trimesh.PointCloud(MESH[0]).export(tmp_path / "cloud.ply")
    write_mesh(tmp_path / "mesh.ply", *MESH, {})
    for name in ("cloud.ply", "mesh.ply"):
        assert np.allclose(read_points(tmp_path / name)[0], MESH[0], atol=1e-6)


def test_nowhere_to_write(tmp_path):
    with pytest.raises(OutputError, match="missing does not exist"):
        write_mesh(tmp_path / "missing" / "s.glb", *MESH, {})
    with pytest.raises(OutputError, match="unknown kind of file '.fbx'"):
        write_mesh(tmp_path / "s.fbx", *MESH, {})
    (tmp_path / "s.glb").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_mesh(tmp_path / "s.glb", *MESH, {})


_ON_A_FULL_DISK = """
import resource, signal, sys
from wala_blender.errors import OutputError
from wala_blender.geometry.meshes import read_mesh, write_mesh
mesh = read_mesh(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    write_mesh(sys.argv[1], *mesh, {})
except OutputError as error:
    print(error)
"""


def test_a_write_that_stops_half_way_leaves_the_old_file(tmp_path):
    """The system refuses to let a file grow beyond 2,000 bytes, as a full disk would."""
    path = tmp_path / "s.ply"
    write_mesh(path, *MESH, {"seed": 1})
    before = path.read_bytes()
    assert len(before) > 2000
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_FULL_DISK, str(path)], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert "could not be written" in done.stdout, done.stdout + done.stderr
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["s.ply"]


def quad_box():
    """A box of six quads, and UVs that show each side whole."""
    vertices, triangles = MESH_BOX
    quads = np.concatenate([triangles[::2], triangles[1::2, 2:]], axis=1)
    return vertices, quads, np.tile(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32), (6, 1, 1))


MESH_BOX = box()


@pytest.mark.parametrize("kind", [".glb", ".obj", ".ply", ".stl"])
def test_quads_come_back_as_the_same_solid(tmp_path, kind):
    vertices, quads, _ = quad_box()
    write_mesh(tmp_path / f"b{kind}", vertices, quads, {}, smooth_angle=30)
    again = read_mesh(tmp_path / f"b{kind}")
    assert signed_volume(*again) == pytest.approx(1)


def test_sharp_edges_split_the_normals_and_smooth_ones_do_not(tmp_path):
    vertices, quads, uvs = quad_box()
    for angle, normals in ((30, 24), (0, 24), (90, 8), (180, 8)):
        write_mesh(tmp_path / "b.obj", vertices, quads, {}, smooth_angle=angle)
        text = (tmp_path / "b.obj").read_text()
        assert (text.count("\nvn "), text.count("\nf "), text.count("\nv ")) == (normals, 6, 8)
    write_mesh(tmp_path / "b.obj", vertices, quads, {}, uvs)
    assert (tmp_path / "b.obj").read_text().count("\nvt ") == 4
    write_mesh(tmp_path / "b.glb", vertices, quads, {}, uvs, 30)
    assert b"TEXCOORD_0" in (tmp_path / "b.glb").read_bytes() and len(read_mesh(tmp_path / "b.glb")[0]) == 24


@pytest.mark.parametrize("kind", [".ply", ".stl"])
def test_uvs_need_a_kind_of_file_that_holds_them(tmp_path, kind):
    with pytest.raises(OutputError, match="holds no UVs"):
        write_mesh(tmp_path / f"b{kind}", *quad_box()[:2], {}, quad_box()[2])
