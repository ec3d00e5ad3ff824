"""Mesh objects of the selection and their evaluated geometry, with modifiers as in the viewport."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..jobs import sources
from ..scene import frames
from ..scene.camera_pose import bounds
from .plain import Choice, bad_input, require_finite

SURFACES = ("MESH", "CURVE", "SURFACE", "META", "FONT")
POINTS_ONLY = ("POINTCLOUD", "CURVES")


@dataclass(frozen=True)
class Surface:
    """Objects as one mesh, {"vertices" (V, 3) float32 in the model's axes, "faces" (F, 3) int32}; its ``box`` (2, 3) in
    the world; what to call it, and what it is from."""

    title: str
    mesh: dict
    box: np.ndarray
    source: tuple


def has_surface(item) -> bool:
    """Whether an object can have faces. Cheap: modifiers are not evaluated."""
    if item.type == "MESH":
        return bool(len(item.data.polygons) or len(item.modifiers) or item.mode == "EDIT")
    return item.type in SURFACES or (item.type in POINTS_ONLY and bool(len(item.modifiers))) or _is_collection(item)


def has_points(item) -> bool:
    """Whether an object can have vertices. Cheap."""
    if item.type == "MESH":
        return bool(len(item.data.vertices) or len(item.modifiers) or item.mode == "EDIT")
    return item.type == "POINTCLOUD" or has_surface(item)


def _is_collection(item) -> bool:
    return item.type == "EMPTY" and item.instance_type == "COLLECTION" and item.instance_collection is not None


def choose(context, settings, is_usable: Callable[..., bool], summary: str, hint: str) -> Choice:
    """The usable objects of the selection, the active one first. Of a result, unless results may be taken, those that
    it was made from.

    summary: of the choice, with {} for the objects; hint: what to select.
    """
    usable = [item for item in context.selected_objects if is_usable(item)]
    own = [item for item in usable if settings.take_results or not sources.is_result(item)]
    if own:
        return _chosen(context, own, summary)
    results = [item for item in context.selected_objects if sources.is_result(item)]
    if not results:
        return Choice(missing=hint)
    result = context.active_object if context.active_object in results else results[0]
    before = [item for item in sources.find(result, context.scene) if is_usable(item)]
    hidden = [item for item in before if not item.visible_get() and item.wala.covered != "HIDE"]
    if hidden:
        return Choice(missing=f"Show {_named(hidden)} again: “{result.name}” was made from it")
    if before:
        return _chosen(context, before, f"{summary}, as before")
    return Choice(missing=f"“{result.name}” is a result itself. {hint}, or allow results in the settings")


def _chosen(context, items: list, summary: str) -> Choice:
    items = sorted(items, key=lambda item: item != context.active_object)
    return Choice(tuple(items), summary.format(_named(items)))


def _named(items: list) -> str:
    return f"“{items[0].name}”" + (f" and {len(items) - 1} more" if len(items) > 1 else "")


def surface(context, choice: Choice) -> Surface:
    """The chosen objects as one mesh. Vertices without a face are no part of it.

    Raises JobFailed: nothing chosen, no faces, not finite.
    """
    if choice.missing:
        raise bad_input("Nothing is selected that has a surface", choice.missing)
    vertices, faces = gather(context, choice.items)
    if not len(faces):
        raise bad_input(
            f"The selection has {len(vertices)} vertices and no faces",
            "Select closed meshes, such as cubes; or choose Points",
        )
    numbers, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[numbers], faces.reshape(-1, 3)
    require_finite(vertices, "The selection")
    mesh = {"vertices": frames.to_model(vertices).astype(np.float32), "faces": faces.astype(np.int32)}
    return Surface(choice.items[0].name, mesh, bounds(vertices), sources.references(choice.items))


def gather(context, items) -> tuple[np.ndarray, np.ndarray]:
    """The geometry of objects, with modifiers and instances, joined: (vertices (V, 3) float64 world, triangles (F, 3)
    int64).

    Both are empty where nothing has any. A point cloud, and a mesh without faces, give vertices only.
    """
    # The objects themselves: one of a linked file may have the same name as one of this file.
    wanted = set(items)
    depsgraph = context.evaluated_depsgraph_get()
    parts = []
    for instance in depsgraph.object_instances:
        owner = instance.parent if instance.is_instance else instance.object
        if owner is None or owner.original not in wanted or not instance.show_self:
            continue
        vertices, triangles = geometry_of(instance.object)
        matrix = np.array(instance.matrix_world, dtype=np.float64)
        flip = np.linalg.det(matrix[:3, :3]) < 0
        with np.errstate(invalid="ignore"):  # the caller checks for values that are not finite
            world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
        if len(world):
            parts.append((world, triangles[:, ::-1] if flip else triangles))
    if not parts:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    # Blender's order follows names and collections; the same geometry is to be the same input.
    parts.sort(key=lambda part: (len(part[0]), part[0].min(axis=0).tolist(), part[0].max(axis=0).tolist()))
    starts = np.cumsum([0] + [len(world) for world, _ in parts])
    faces = [triangles + start for (_, triangles), start in zip(parts, starts[:-1], strict=True)]
    return np.concatenate([world for world, _ in parts]), np.concatenate(faces)


def geometry_of(shape) -> tuple[np.ndarray, np.ndarray]:
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
