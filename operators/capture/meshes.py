"""The selection's geometry as the viewport shows it. Knows evaluated objects and instances; nothing about what it is for."""

import numpy as np

from .. import frames
from ..views import bounds
from .plain import bad_input, require_finite

SURFACES = ("MESH", "CURVE", "SURFACE", "META", "FONT")
SHOWN = SURFACES + ("EMPTY", "POINTCLOUD", "CURVES")


def is_selected(context) -> bool:
    """Whether anything is selected that can have geometry. Cheap."""
    return any(item.type in SHOWN for item in context.selected_objects)


def title(context) -> str:
    """What to call the selection: the active object's name if it is part of it, else the first one's."""
    items = [item for item in context.selected_objects if item.type in SHOWN]
    active = context.active_object
    return active.name if active in items else items[0].name


def surface(context, hint: str) -> tuple[str, dict, np.ndarray]:
    """The selection as one mesh: (its title, {"vertices" (V, 3) float32 in the model's axes, "faces" (F, 3) int32}, its box (2, 3) in the world).

    Vertices without a face are no part of it. hint: what to select. Raises JobFailed: nothing selected, no faces, not finite.
    """
    if not is_selected(context):
        raise bad_input("Nothing is selected that has a surface", hint)
    vertices, faces = gather(context)
    if not len(faces):
        raise bad_input(f"The selection has {len(vertices)} vertices and no faces", "Select closed meshes, such as cubes; or choose Points")
    numbers, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[numbers], faces.reshape(-1, 3)
    require_finite(vertices, "The selection")
    mesh = {"vertices": frames.to_model(vertices).astype(np.float32), "faces": faces.astype(np.int32)}
    return title(context), mesh, bounds(vertices)


def gather(context) -> tuple[np.ndarray, np.ndarray]:
    """All selected geometry, with modifiers and instances, joined: (vertices (V, 3) float64 world, triangles (F, 3) int64).

    Both are empty where nothing has any. A point cloud, and a mesh without faces, give vertices only.
    """
    # The objects themselves: one of a linked file may have the same name as one of this file.
    wanted = set(context.selected_objects)
    depsgraph = context.evaluated_depsgraph_get()
    parts, faces, count = [], [], 0
    for instance in depsgraph.object_instances:
        owner = instance.parent if instance.is_instance else instance.object
        if owner is None or owner.original not in wanted or not instance.show_self:
            continue
        vertices, triangles = _geometry(instance.object)
        matrix = np.array(instance.matrix_world, dtype=np.float64)
        flip = np.linalg.det(matrix[:3, :3]) < 0
        with np.errstate(invalid="ignore"):     # what is not a number is the caller's to refuse
            parts.append(vertices @ matrix[:3, :3].T + matrix[:3, 3])
        faces.append((triangles[:, ::-1] if flip else triangles) + count)
        count += len(vertices)
    if not count:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    return np.concatenate(parts), np.concatenate(faces)


def _geometry(shape) -> tuple[np.ndarray, np.ndarray]:
    """An evaluated object's own vertices (V, 3) and triangles (F, 3), in its own space."""
    if shape.type == "POINTCLOUD":
        return _vectors(shape.data.attributes["position"].data, "vector"), np.zeros((0, 3), np.int64)
    if shape.type not in SURFACES:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    mesh = shape.to_mesh()
    if mesh is None:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    try:
        mesh.calc_loop_triangles()
        triangles = np.empty(len(mesh.loop_triangles) * 3, np.int32)
        mesh.loop_triangles.foreach_get("vertices", triangles)
        return _vectors(mesh.vertices, "co"), triangles.reshape(-1, 3).astype(np.int64)
    finally:
        shape.to_mesh_clear()


def _vectors(items, name: str) -> np.ndarray:
    values = np.empty(len(items) * 3, np.float32)
    items.foreach_get(name, values)
    return values.reshape(-1, 3).astype(np.float64)
