"""Materials of coloured results: a shared one that shows the colour attribute, and one for each baked texture."""

import bpy
import numpy as np

from ..scene.mesh_data import COLOURS

NAME = "WaLa Colour"
ROUGHNESS = 0.8
TEXTURE = "wala_texture"  # custom property of the materials and images that results brought with them


def colour_material():
    """The shared material, made once a file; what the user changed in it stays."""
    material = bpy.data.materials.get(NAME)
    if material is not None and material.library is None:
        return material
    material = _new_material(NAME)
    attribute = material.node_tree.nodes.new("ShaderNodeVertexColor")
    attribute.layer_name = COLOURS
    _join(material, attribute)
    return material


def texture_material(name: str, texture: np.ndarray):
    """A new material with the texture (H, W, 3), sRGB bytes, row 0 at the top, packed into the file."""
    image = bpy.data.images.new(name, texture.shape[1], texture.shape[0])
    material = _new_material(name)
    material[TEXTURE] = image[TEXTURE] = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    _fill(image, texture)
    _join(material, node)
    return material


def renew_texture(mesh: bpy.types.Mesh, texture: np.ndarray | None) -> None:
    """Give the textures that an older result brought to a mesh the new one's pixels: its UVs are others."""
    if texture is None:
        return
    for material in mesh.materials:
        if material is None or not material.get(TEXTURE) or material.node_tree is None:
            continue
        for node in material.node_tree.nodes:
            if node.type == "TEX_IMAGE" and node.image is not None and node.image.get(TEXTURE):
                node.image.scale(texture.shape[1], texture.shape[0])
                _fill(node.image, texture)


def _new_material(name: str):
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    return material


def _join(material, node) -> None:
    """Its colour is the surface's."""
    shader = next(one for one in material.node_tree.nodes if one.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = ROUGHNESS
    material.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    node.location = (shader.location[0] - 300, shader.location[1])


def _fill(image, texture: np.ndarray) -> None:
    """Blender's row 0 is the bottom; bytes of an image are in its own colour space, sRGB."""
    pixels = np.concatenate([texture[::-1] / np.float32(255), np.ones((*texture.shape[:2], 1), np.float32)], axis=2)
    image.pixels.foreach_set(np.ascontiguousarray(pixels, np.float32).ravel())
    image.update()
    image.pack()
