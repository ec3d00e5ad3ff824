"""Colours of mesh files, and their way through finishing."""

import json
import struct

import numpy as np
import pytest
import trimesh
from PIL import Image
from shapes import box

from wala_blender.cli.main import main
from wala_blender.finishing.finish import finish
from wala_blender.finishing.settings import Finish
from wala_blender.geometry.colour_spaces import NAMES, as_bytes, from_lab, names_of, to_lab, to_linear, to_srgb
from wala_blender.geometry.meshes import read_coloured_mesh, write_mesh

RED, BLUE = (201, 17, 33), (3, 64, 250)


def two_colours(vertices, faces):
    """Red above the middle, blue below and at it."""
    return np.where(vertices[faces].mean(axis=1)[:, 1:2] > 0.1, RED, BLUE).astype(np.uint8)


@pytest.fixture
def cube():
    vertices, faces = box()
    return vertices, faces, two_colours(vertices, faces)


def sorted_faces(vertices, faces, colours):
    """Rows of corners and colour, in an order that does not depend on the file's."""
    rows = np.concatenate([np.sort(vertices[faces].round(5), axis=1).reshape(len(faces), -1), colours], axis=1)
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("kind", [".glb", ".ply", ".obj"])
def test_a_two_colour_cube_comes_back_exactly(tmp_path, cube, kind):
    vertices, faces, colours = cube
    write_mesh(tmp_path / f"cube{kind}", vertices, faces, {}, colours=colours)
    again = read_coloured_mesh(tmp_path / f"cube{kind}")
    assert np.array_equal(sorted_faces(*again), sorted_faces(vertices, faces, colours))


@pytest.mark.parametrize("kind", [".glb", ".ply", ".obj"])
def test_every_byte_survives(tmp_path, kind):
    """256 triangles, one of each grey."""
    corners = np.random.default_rng(0).random((768, 3))
    faces = np.arange(768).reshape(256, 3)
    colours = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    write_mesh(tmp_path / f"all{kind}", corners, faces, {}, colours=colours)
    assert np.array_equal(np.sort(read_coloured_mesh(tmp_path / f"all{kind}")[2], axis=0), colours)


@pytest.mark.parametrize("kind", [".glb", ".ply", ".obj", ".stl"])
def test_a_file_without_colours_has_none(tmp_path, cube, kind):
    vertices, faces, _ = cube
    write_mesh(tmp_path / f"cube{kind}", vertices, faces, {})
    assert read_coloured_mesh(tmp_path / f"cube{kind}")[2] is None


def test_another_program_reads_the_colours(tmp_path, cube):
    vertices, faces, colours = cube
    for kind in (".ply", ".obj"):
        write_mesh(tmp_path / f"cube{kind}", vertices, faces, {}, colours=colours)
        read = trimesh.load(tmp_path / f"cube{kind}", process=False)
        assert np.array_equal(read.visual.vertex_colors[read.faces][:, 0, :3], colours)
    write_mesh(tmp_path / "cube.glb", vertices, faces, {}, colours=colours)
    read = next(iter(trimesh.load(tmp_path / "cube.glb", process=False).geometry.values()))
    linear = np.asarray(read.visual.vertex_attributes["color"])[read.faces][:, 0, :3]
    assert np.array_equal(as_bytes(to_srgb(linear)), colours)


def checker() -> np.ndarray:
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0, 0], texture[1, 1], texture[0, 1], texture[1, 0] = RED, RED, BLUE, BLUE
    return texture


TRIANGLES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0], [3, 0, 0], [2, 1, 0]], float)


def test_a_texture_written_into_glb_is_sampled_at_the_centres(tmp_path):
    uvs = np.array([[(0.1, 0.9), (0.2, 0.9), (0.1, 0.8)], [(0.6, 0.9), (0.7, 0.9), (0.6, 0.8)]], np.float32)
    faces = np.arange(6).reshape(2, 3)
    write_mesh(tmp_path / "two.glb", TRIANGLES, faces, {}, uvs=uvs, texture=checker())
    assert read_coloured_mesh(tmp_path / "two.glb")[2].tolist() == [list(RED), list(BLUE)]


def test_materials_of_obj(tmp_path):
    Image.fromarray(checker()).save(tmp_path / "checker.png")
    (tmp_path / "a.mtl").write_text(
        "newmtl flat\nKd 1 0.5 0\nnewmtl chequered\nKd 1 1 1\nmap_Kd -s 1 1 1 checker.png\n"
    )
    (tmp_path / "a.obj").write_text(
        "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0.1 0.9\nvt 0.3 0.9\nvt 0.3 0.7\nvt 0.1 0.7\n"
        "usemtl flat\nf 1 2 3 4\nusemtl chequered\nf 1/1 2/2 3/3 4/4\n"
    )
    colours = read_coloured_mesh(tmp_path / "a.obj")[2]
    assert colours.tolist() == [[255, 128, 0]] * 2 + [list(RED)] * 2


def test_a_missing_texture_leaves_the_material_s_colour(tmp_path):
    (tmp_path / "a.mtl").write_text("newmtl one\nKd 0.2 0.4 0.6\nmap_Kd gone.png\n")
    (tmp_path / "a.obj").write_text("mtllib a.mtl\nusemtl one\nv 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\n")
    assert read_coloured_mesh(tmp_path / "a.obj")[2].tolist() == [[51, 102, 153]]


def test_a_picture_outside_the_folder_is_not_read(tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(checker()).save(tmp_path / "checker.png")
    (tmp_path / "in/a.mtl").write_text("newmtl one\nKd 0 0 0\nmap_Kd ../checker.png\n")
    (tmp_path / "in/a.obj").write_text("mtllib a.mtl\nusemtl one\nv 0 0 0\nv 1 0 0\nv 1 1 0\nvt 0 0\nf 1/1 2/1 3/1\n")
    assert read_coloured_mesh(tmp_path / "in/a.obj")[2].tolist() == [[0, 0, 0]]


def glb_of_materials(path, materials, colours=None):
    """A triangle a material; vertex colours (n, 3, 3) as normalised bytes, linear."""
    places = TRIANGLES[:3].astype("<f4").tobytes()
    data, primitives = places, []
    views = [{"buffer": 0, "byteLength": len(places)}]
    accessors = [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}]
    for number in range(len(materials)):
        primitive = {"attributes": {"POSITION": 0}, "material": number}
        if colours is not None:
            block = np.concatenate([colours[number], np.full((3, 1), 255)], axis=1).astype(np.uint8).tobytes()
            views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(block)})
            accessors.append(
                {"bufferView": len(views) - 1, "componentType": 5121, "normalized": True, "count": 3, "type": "VEC4"}
            )
            primitive["attributes"] |= {"COLOR_0": len(accessors) - 1}
            data += block
        primitives.append(primitive)
    document = {
        "asset": {"version": "2.0"},
        "meshes": [{"primitives": primitives}],
        "materials": materials,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(data)}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    data += b"\0" * (-len(data) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data
    path.write_bytes(struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks)


def test_factors_of_gltf_are_linear_and_vertex_colours_multiply_them(tmp_path):
    materials = [{"pbrMetallicRoughness": {"baseColorFactor": [0.5, 1, 1, 1]}}, {}]
    glb_of_materials(tmp_path / "a.glb", materials)
    assert read_coloured_mesh(tmp_path / "a.glb")[2].tolist() == [[188, 255, 255], [255, 255, 255]]
    glb_of_materials(tmp_path / "a.glb", materials, np.full((2, 3, 3), 128))
    first, second = read_coloured_mesh(tmp_path / "a.glb")[2].tolist()
    assert first[0] < first[1] == second[0] == 188


@pytest.mark.parametrize(("one", "expected"), [("1", 1), ("200", 200)])
def test_bytes_in_a_text_are_bytes(tmp_path, one, expected):
    """A dark colour of bytes is no bright one of 0 … 1."""
    (tmp_path / "a.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\nelement face 1\n"
        f"property list uchar int vertex_indices\nend_header\n0 0 0 {one} 0 0\n1 0 0 {one} 0 0\n0 1 0 {one} 0 0\n3 0 1 2\n"
    )
    assert read_coloured_mesh(tmp_path / "a.ply")[2].tolist() == [[expected, 0, 0]]


def test_colour_spaces_there_and_back():
    colours = np.random.default_rng(0).integers(0, 256, (4096, 3), dtype=np.uint8)
    assert np.array_equal(from_lab(to_lab(colours)), colours)
    assert np.array_equal(as_bytes(to_srgb(to_linear(colours / 255).astype(np.float32))), colours)


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((255, 0, 0), "red"),
        ((20, 20, 20), "black"),
        ((139, 90, 43), "brown"),
        ((255, 192, 203), "pink"),
        ((0, 128, 128), "blue"),
    ],
)
def test_names_of_colours(colour, name):
    assert NAMES[names_of(np.array([colour]))[0]] == name


def tall_box():
    """A closed shape with many faces, red above 0.1, blue below."""
    from shapes import box_field

    from wala_blender.geometry.surface import field_to_mesh

    vertices, faces = field_to_mesh(box_field((-0.5, -0.8, -0.4), (0.5, 0.8, 0.4), 96))
    return vertices, faces, two_colours(vertices, faces)


@pytest.mark.parametrize(
    "settings",
    [
        Finish("triangles", 400),
        Finish("low-poly", 200),
        Finish("quads", 1000),
        Finish("triangles", 2000, crisp=1.0),
        Finish("triangles", 2000, symmetry="x"),
        Finish("triangles", 2000, flat_base=True, smoothing=5),
        Finish("triangles", 4000, hollow=0.1),
        Finish("full"),
    ],
    ids=str,
)
def test_finishing_keeps_colours(settings):
    vertices, faces, colours = tall_box()
    made = finish(vertices, faces, settings, colours=colours)
    assert made.colours.shape == (len(made.faces), 3)
    middles = made.vertices[made.faces].mean(axis=1)
    outside = np.abs(middles).max(axis=1) > 0.3
    for sure, colour in ((middles[:, 1] > 0.25, RED), (middles[:, 1] < -0.05, BLUE)):
        assert (made.colours[sure & outside] == colour).all(axis=1).mean() > 0.99
    assert finish(vertices, faces, settings).colours is None


def test_a_mirrored_half_has_the_other_s_colours():
    vertices, faces, _ = tall_box()
    left_red = np.where(vertices[faces].mean(axis=1)[:, :1] > 0, RED, BLUE).astype(np.uint8)
    made = finish(vertices, faces, Finish("triangles", 2000, symmetry="x"), colours=left_red)
    assert len(np.unique(made.colours, axis=0)) == 1


def test_a_baked_texture_has_each_place_s_colour():
    pytest.importorskip("xatlas")
    vertices, faces, colours = tall_box()
    made = finish(vertices, faces, Finish("triangles", 500, uv=True), colours=colours)
    uvs, middles = made.uvs.mean(axis=1), made.vertices[made.faces].mean(axis=1)
    size = len(made.texture)
    at = made.texture[((1 - uvs[:, 1]) * size).astype(int), (uvs[:, 0] * size).astype(int)]
    for sure, colour in ((middles[:, 1] > 0.25, RED), (middles[:, 1] < -0.05, BLUE)):
        assert (at[sure] == colour).all(axis=1).mean() > 0.98


def test_wala_finish_keeps_a_file_s_colours(tmp_path):
    vertices, faces, colours = tall_box()
    write_mesh(tmp_path / "box.ply", vertices, faces, {}, colours=colours)
    assert main(["finish", str(tmp_path / "box.ply"), "--faces", "500", "--out", str(tmp_path / "few.glb")]) == 0
    made, triangles, kept = read_coloured_mesh(tmp_path / "few.glb")
    height = made[triangles].mean(axis=1)[:, 1]
    assert len(triangles) <= 500 and (kept[height > 0.25] == RED).all() and (kept[height < -0.05] == BLUE).all()
