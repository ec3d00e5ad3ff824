"""Colours of glTF primitives: base colour factors, textures at the faces' centres, vertex colours."""

import math
from collections.abc import Callable

import numpy as np

from ..colour_spaces import as_bytes, to_linear, to_srgb
from .textures import REPEAT, read_texture, texel

Attribute = Callable[[str], np.ndarray | None]
_GLOSSINESS, _TRANSFORM = "KHR_materials_pbrSpecularGlossiness", "KHR_texture_transform"


def primitive_colours(file, primitive: dict, attribute: Attribute, triangles: np.ndarray) -> np.ndarray | None:
    """sRGB bytes (F, 3) of a primitive's triangles: factor × texture × vertex colours, as the specification has it;
    None where it has neither a material nor vertex colours. attribute: name → (V, n) or None."""
    material = file.item("materials", primitive["material"]) if "material" in primitive else None
    vertex_colours = attribute("COLOR_0")
    if material is None and vertex_colours is None:
        return None
    linear = np.ones((len(triangles), 3))
    if material is not None:
        linear = linear * _material(file, material, attribute, triangles)
    if vertex_colours is not None:
        linear = linear * vertex_colours[:, :3].astype(np.float64)[triangles].mean(axis=1)
    return as_bytes(to_srgb(linear))


def _material(file, material: dict, attribute: Attribute, triangles: np.ndarray) -> np.ndarray:
    """Linear colours (F, 3), or one (3,)."""
    glossiness = material.get("extensions", {}).get(_GLOSSINESS)
    plain = glossiness if glossiness is not None else material.get("pbrMetallicRoughness", {})
    names = ("diffuseFactor", "diffuseTexture") if glossiness is not None else ("baseColorFactor", "baseColorTexture")
    factor = np.array(plain.get(names[0], (1, 1, 1, 1))[:3], dtype=np.float64)
    if names[1] not in plain:
        return factor
    return factor * to_linear(_sampled(file, plain[names[1]], attribute, triangles) / 255)


def _sampled(file, reference: dict, attribute: Attribute, triangles: np.ndarray) -> np.ndarray:
    transform = reference.get("extensions", {}).get(_TRANSFORM, {})
    uvs = attribute(f"TEXCOORD_{transform.get('texCoord', reference.get('texCoord', 0))}")
    if uvs is None:
        raise ValueError("a texture has no coordinates")
    texture = file.item("textures", reference["index"])
    sampler = file.item("samplers", texture["sampler"]) if "sampler" in texture else {}
    places = _transformed(uvs[:, :2].astype(np.float64)[triangles].mean(axis=1), transform)
    wrap = (sampler.get("wrapS", REPEAT), sampler.get("wrapT", REPEAT))
    return texel(read_texture(file.picture(texture["source"])), places, wrap)


def _transformed(uvs: np.ndarray, transform: dict) -> np.ndarray:
    angle = float(transform.get("rotation", 0.0))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return (uvs * transform.get("scale", (1, 1))) @ turn.T + transform.get("offset", (0, 0))
