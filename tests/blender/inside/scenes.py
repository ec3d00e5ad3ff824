"""Things to generate from, made by code. Knows bpy in all versions."""

import bpy
import numpy as np

CHAIR = [
    [(-0.5, 0, 0), (-0.5, 0, 2)],
    [(0.5, 0, 0), (0.5, 0, 2)],
    [(-0.5, 0, 1), (0.5, 0, 1)],
    [(-0.5, 0, 2), (0.5, 0, 2)],
    [(-0.5, 0, 1.5), (0.0, 0, 1.55), (0.5, 0, 1.5)],
]


def add(name: str, data):
    item = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(item)
    return item


def sketch(strokes=CHAIR, name="Sketch"):
    """A Grease Pencil object in whichever data model this Blender has."""
    if not hasattr(bpy.types, "GreasePencilDrawing"):
        data = bpy.data.grease_pencils.new(name)
        frame = data.layers.new("Lines").frames.new(1)
        for points in strokes:
            stroke = frame.strokes.new()
            stroke.points.add(len(points))
            stroke.points.foreach_set("co", np.asarray(points, np.float32).ravel())
    else:
        data = (bpy.data.grease_pencils_v3 if hasattr(bpy.data, "grease_pencils_v3") else bpy.data.grease_pencils).new(
            name
        )
        drawing = data.layers.new("Lines").frames.new(1).drawing
        if strokes:
            drawing.add_strokes([len(points) for points in strokes])
            drawing.attributes["position"].data.foreach_set(
                "vector", np.concatenate(strokes).astype(np.float32).ravel()
            )
    item = add(name, data)
    bpy.context.view_layer.update()
    return item


def mesh(vertices, faces, name="Mesh"):
    data = bpy.data.meshes.new(name)
    data.from_pydata([tuple(map(float, vertex)) for vertex in vertices], [], faces)
    item = add(name, data)
    item.select_set(True)
    bpy.context.view_layer.objects.active = item
    bpy.context.view_layer.update()
    return item


def cube(location=(0, 0, 0), size=(1, 1, 1), name="Cube"):
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) - 0.5
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    item = mesh(corners * size, faces, name)
    item.location = location
    bpy.context.view_layer.update()
    return item


def camera(location, rotation, orthographic=False):
    data = bpy.data.cameras.new("Camera")
    data.type = "ORTHO" if orthographic else "PERSP"
    item = add("Camera", data)
    item.location, item.rotation_euler = location, rotation
    bpy.context.scene.camera = item
    bpy.context.view_layer.update()
    return item


def world_vertices(item) -> np.ndarray:
    bpy.context.view_layer.update()
    points = np.empty(len(item.data.vertices) * 3, np.float32)
    item.data.vertices.foreach_get("co", points)
    matrix = np.array(item.matrix_world)
    return points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
