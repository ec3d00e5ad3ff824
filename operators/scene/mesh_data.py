"""Mesh data from arrays, attribute by attribute: each call takes milliseconds, also for 500,000 triangles."""

from math import radians

import bpy
import numpy as np

SMOOTH, FLAT = 180.0, 0.0  # degrees
COLOURS = "Col"  # name of the colour attribute


def fill_mesh(mesh: bpy.types.Mesh, vertices: np.ndarray, result) -> None:
    """Fill an empty mesh with the vertices (V, 3) and the faces of a runtime.jobs.Result, and its edges, UVs and
    colours if it has them, shaded smooth except at edges that turn by more than its record's smooth_angle.

    Blender's own check (validate) is slow, and a result with edges has been checked already.
    """
    faces = np.ascontiguousarray(result.faces, np.int32)
    kept = slice(None)
    if result.edges is None:
        following = np.roll(faces, -1, axis=1)
        kept = (faces != following).all(axis=1)
        faces = faces[kept]
    mesh.vertices.add(len(vertices))
    _fill(mesh, "position", "vector", vertices.astype(np.float32))
    mesh.loops.add(faces.size)
    _fill(mesh, ".corner_vert", "value", faces)
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, faces.shape[1], dtype=np.int32))
    if result.edges is None or ".corner_edge" not in mesh.attributes:
        mesh.update(calc_edges=True)
    else:
        mesh.edges.add(len(result.edges))
        _fill(mesh, ".edge_verts", "value", result.edges)
        _fill(mesh, ".corner_edge", "value", result.corner_edges)
        mesh.update()
    if result.uvs is not None:
        _fill(mesh, mesh.uv_layers.new(name="UVMap").name, "vector", result.uvs[kept])
    if result.colours is not None:
        _colour(mesh, result.colours[kept])
    _shade(mesh, float(result.record.get("smooth_angle", SMOOTH)))


def _fill(mesh: bpy.types.Mesh, attribute: str, value: str, array: np.ndarray) -> None:
    mesh.attributes[attribute].data.foreach_set(value, np.ascontiguousarray(array).ravel())


def _colour(mesh: bpy.types.Mesh, colours: np.ndarray) -> None:
    """Add a colour attribute of the corners from the faces' colours (F, 3), sRGB bytes: exact, and with sharp edges
    between them."""
    attribute = mesh.color_attributes.new(name=COLOURS, type="BYTE_COLOR", domain="CORNER")
    sides = len(mesh.loops) // max(len(colours), 1)
    with_alpha = np.concatenate([colours, np.full((len(colours), 1), 255, np.uint8)], axis=1)
    attribute.data.foreach_set("color_srgb", np.repeat(with_alpha / np.float32(255), sides, axis=0).ravel())
    mesh.color_attributes.active_color = attribute
    mesh.color_attributes.render_color_index = mesh.color_attributes.find(COLOURS)


def _shade(mesh: bpy.types.Mesh, angle: float) -> None:
    """Set flat faces and sharp edges: new faces are smooth."""
    if angle <= FLAT:
        mesh.shade_flat()
    elif angle < SMOOTH:
        mesh.set_sharp_from_angle(angle=radians(angle))
