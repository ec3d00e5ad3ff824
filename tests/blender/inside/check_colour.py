"""Colours of results as a colour attribute, a shared material and textures, through a real worker process with an
engine that needs no model."""

import bpy
import numpy as np
import pytest

RED, BLUE = (201, 17, 33), (3, 64, 250)


def generate(extension, prompt="a red chair", **settings):
    extension.settings.condition, extension.settings.prompt = "TEXT", prompt
    for name, value in settings.items():
        setattr(extension.settings, name, value)
    assert bpy.ops.wala.generate() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def colours_of(mesh) -> np.ndarray:
    """sRGB bytes (corners, 3) of the active colour attribute."""
    attribute = mesh.color_attributes.active_color
    assert (attribute.domain, attribute.data_type) == ("CORNER", "BYTE_COLOR")
    values = np.empty(len(mesh.loops) * 4, np.float32)
    attribute.data.foreach_get("color_srgb", values)
    return np.rint(values.reshape(-1, 4)[:, :3] * 255).astype(int)


def base_colour_of(material):
    """The node that the surface's colour comes from."""
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    return shader.inputs["Base Color"].links[0].from_node


@pytest.mark.parametrize(("topology", "sides"), [("TRIANGLES", 3), ("QUADS", 4)])
def test_the_colours_arrive_exactly(extension, topology, sides):
    mesh = generate(extension, topology=topology).data
    seat, rest = np.split(colours_of(mesh), [len(mesh.loops) // 3])
    assert (seat == RED).all() and (rest == BLUE).all() and len(mesh.loops) == sides * len(mesh.polygons)
    assert not mesh.validate()
    node = base_colour_of(mesh.materials[0])
    assert node.type == "VERTEX_COLOR" and node.layer_name == mesh.color_attributes.active_color.name


def test_all_results_share_one_material_and_what_the_artist_changes_in_it_stays(extension):
    material = generate(extension).data.materials[0]
    material.diffuse_color = (0.25, 0.5, 0.75, 1)
    assert material.name == "WaLa Colour" and generate(extension).data.materials[0] == material
    assert material.diffuse_color[0] == pytest.approx(0.25) and material.users == 2


def test_without_colour_nothing_is_coloured(extension):
    item = generate(extension, colour=False)
    assert not item.data.color_attributes and item.data.materials[0].name != "WaLa Colour"


def test_colours_stay_when_the_mesh_is_adjusted(extension):
    item = generate(extension)
    mine = bpy.data.materials.new("Mine")
    item.data.materials[0] = mine
    assert bpy.ops.wala.finish(topology="QUADS", faces=500) == {"FINISHED"}
    assert {polygon.loop_total for polygon in item.data.polygons} == {4}
    assert {tuple(colour) for colour in colours_of(item.data).tolist()} == {RED, BLUE}
    assert list(item.data.materials) == [mine] and len(item.data.color_attributes) == 1


def test_uvs_bring_a_texture_which_is_renewed_with_them(extension):
    item = generate(extension, unwrap=True)
    material = item.data.materials[0]
    image = base_colour_of(material).image
    assert image.packed_file and image.colorspace_settings.name == "sRGB" and tuple(image.size) == (8, 8)
    pixels = np.rint(np.array(image.pixels).reshape(8, 8, 4)[..., :3] * 255)
    assert (pixels[4:] == RED).all() and (pixels[:4] == BLUE).all()
    image.pixels[0] = 0.5
    assert bpy.ops.wala.finish(topology="TRIANGLES", faces=500) == {"FINISHED"}
    assert list(item.data.materials) == [material] and base_colour_of(material).image == image
    assert np.rint(image.pixels[0] * 255) == BLUE[0]


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="after its glTF export Blender 4.2's module crashes at exit")
def test_other_programs_get_the_colours_as_gltf(extension, tmp_path):
    item = generate(extension)
    bpy.ops.object.select_all(action="DESELECT")
    item.select_set(True)
    try:
        bpy.ops.export_scene.gltf(filepath=str(tmp_path / "chair.glb"), use_selection=True)
    except AttributeError:
        pytest.skip("this Blender module has no glTF exporter")
    assert b'"COLOR_0"' in (tmp_path / "chair.glb").read_bytes()
