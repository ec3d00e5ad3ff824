"""Delivery of results as objects, with their provenance as custom properties.

float32 precision is kept by placing the object and only scaling its vertices: a shape far from the world's origin stays
smooth.
"""

import re

import bpy
import mathutils
import numpy as np

from ..scene import frames
from ..scene.mesh_data import fill_mesh
from ..scene.placement import Placed, place
from .colour_material import colour_material, renew_texture, texture_material
from .destination import ResultScene

PROVENANCE = (
    "model",
    "model_version",
    "weight_hash",
    "seed",
    "scale",
    "steps",
    "fit",
    "refine",
    "condition",
    "prompt",
    "licence",
    "non_commercial",
    "ai_generated",
    "shape_model",
    "shape_weight_hash",
    "job",
)
MARK = "wala_"
TITLE = "WaLa "  # before every result's name
COPY = re.compile(r"\.\d{3,}$")  # of a name that is taken
LARGEST_INTEGER = 2**31 - 1  # of a custom property


def name_of(title: str) -> str:
    """Name of a result, without repeating the title for a result made from a result."""
    plain = COPY.sub("", title)
    return plain if plain == TITLE.strip() else TITLE + plain.removeprefix(TITLE)  # our own .obj is called "WaLa"


def deliver(result, request, title: str, where: ResultScene):
    """A finished job's mesh as a new object, which is returned.

    result: runtime.jobs.Result (model space); request: runtime.jobs.Request with its placement.
    """
    placed = _placed(result, request)
    mesh = bpy.data.meshes.new(title)
    fill_mesh(mesh, placed.vertices, result)
    mesh.materials.append(_material(result, title))
    item = bpy.data.objects.new(title, mesh)
    item.location = placed.location
    item.rotation_euler = (0.0, 0.0, placed.rotation)
    item.wala.anchor = (*placed.location, placed.rotation)
    if "matrix" in request.placement:
        item.matrix_world = mathutils.Matrix(request.placement["matrix"])
    _mark_both(item, result, request)
    where.collection().objects.link(item)
    _make_active(where.scene, item)
    return item


def replace_mesh(item, result, request) -> None:
    """Replace the mesh of an older result by a finished job's: the object keeps its name, transform, materials,
    modifiers, parent and collections. result, request: as in ``deliver``."""
    placed = _placed(result, request)
    vertices = placed.vertices
    if "matrix" not in request.placement:  # else they are in the object's own coordinates
        *location, rotation = item.wala.anchor
        vertices = _about_z(_about_z(vertices, placed.rotation) + placed.location - location, -rotation)
    item.data.clear_geometry()
    fill_mesh(item.data, vertices, result)
    _mark_both(item, result, request)
    renew_texture(item.data, result.texture)


def _about_z(vertices: np.ndarray, angle: float) -> np.ndarray:
    """Vertices (V, 3) rotated about Z, in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return vertices @ np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _placed(result, request) -> Placed:
    frame = frames.frame_to_blender(result.record.get("frame"))
    return place(frames.to_blender(result.vertices), request.placement, frame)


def _mark_both(item, result, request) -> None:
    for owner in (item, item.data):
        _mark(owner, {**result.record, "prompt": request.inputs.get("prompt"), "job": request.id})


def _material(result, title: str):
    """Material in the slot that every result has."""
    if result.texture is not None and result.uvs is not None:
        return texture_material(title, result.texture)
    return _plain_material(title) if result.colours is None else colour_material()


def _plain_material(name: str):
    """Default material of a result without colours."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    return material


def _mark(owner, record: dict) -> None:
    """Store a shape's provenance as custom properties."""
    for name in PROVENANCE:
        value = record.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
            value = str(value)
        if value is not None:
            owner[MARK + name] = value


def _make_active(scene, item) -> None:
    """Select the new object alone, as Blender does for added objects; only in Object mode."""
    for layer in scene.view_layers:
        active = layer.objects.active
        if item.name not in layer.objects or (active is not None and active.mode != "OBJECT"):
            continue
        for other in list(layer.objects.selected):
            other.select_set(False, view_layer=layer)
        item.select_set(True, view_layer=layer)
        layer.objects.active = item
