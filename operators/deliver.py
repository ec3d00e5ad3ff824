"""Results to objects. Knows how a mesh gets into a scene and what it must say about itself; nothing about jobs under way.

float32 precision is kept by placing the object, and only sizing its vertices: a shape far from the world's origin stays smooth.
"""

from dataclasses import dataclass

import bpy
import numpy as np

from . import compatibility, frames
from .placement import Placed, place

PROVENANCE = ("model", "weight_hash", "seed", "scale", "steps", "fit", "condition", "prompt", "licence", "non_commercial", "ai_generated",
              "shape_model", "shape_weight_hash", "job")
MARK = "wala_"
TITLE = "WaLa "     # before every result's name
LARGEST_INTEGER = 2**31 - 1     # of a custom property


@dataclass(frozen=True)
class Home:
    """Where a result is to go, as plain data that outlives the scene: names and session uids."""

    scene: str
    scene_uid: int | None
    collection: str

    @classmethod
    def of(cls, context) -> "Home":
        """The scene and the active collection of now."""
        return cls(context.scene.name, getattr(context.scene, "session_uid", None), context.collection.name)

    def find(self) -> tuple:
        """(scene, collection, whether it is still the one it was). A scene that is gone is replaced by the current one."""
        scene = compatibility.find(bpy.data.scenes, self.scene, self.scene_uid)
        if scene is None:
            scene = bpy.context.window_manager.windows[0].scene if len(bpy.context.window_manager.windows) else bpy.data.scenes[0]
            return scene, scene.collection, False
        known = [scene.collection, *scene.collection.children_recursive]
        # A collection of a linked file cannot take an object.
        return scene, next((item for item in known if item.name == self.collection and item.library is None), scene.collection), True


def deliver(result, request, title: str, home: Home):
    """A finished job's mesh as a new object: (the object, whether the scene is still the one it was made for).

    result: runtime.jobs.Result (model space); request: runtime.jobs.Request with its placement.
    """
    frame = result.record.get("frame")
    if frame is not None:
        frame = {"center": frames.to_blender(np.asarray(frame["center"], float)).tolist(), "scale": frame["scale"]}
    placed = place(frames.to_blender(result.vertices), request.placement, frame)
    scene, collection, same = home.find()
    item = bpy.data.objects.new(title, _mesh(title, placed, result.faces))
    item.location = placed.location
    item.rotation_euler = (0.0, 0.0, placed.rotation)
    for owner in (item, item.data):
        _mark(owner, {**result.record, "prompt": request.inputs.get("prompt"), "job": request.id})
    collection.objects.link(item)
    _make_active(scene, item)
    return item, same


def _mesh(title: str, placed: Placed, faces: np.ndarray):
    """A smooth-shaded mesh from arrays; a damaged face is dropped by Blender's own check."""
    mesh = bpy.data.meshes.new(title)
    mesh.vertices.add(len(placed.vertices))
    mesh.vertices.foreach_set("co", placed.vertices.astype(np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), dtype=bool))
    mesh.update(calc_edges=True)
    mesh.validate()
    return mesh


def _mark(owner, record: dict) -> None:
    """Where a shape comes from, as custom properties that travel with it."""
    for name in PROVENANCE:
        value = record.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
            value = str(value)
        if value is not None:
            owner[MARK + name] = value


def _make_active(scene, item) -> None:
    """Select the new object alone, as Blender does with what it adds; in another mode than Object, leave the artist's work as it is."""
    for layer in scene.view_layers:
        active = layer.objects.active
        if item.name not in layer.objects or (active is not None and active.mode != "OBJECT"):
            continue
        for other in list(layer.objects.selected):
            other.select_set(False, view_layer=layer)
        item.select_set(True, view_layer=layer)
        layer.objects.active = item


