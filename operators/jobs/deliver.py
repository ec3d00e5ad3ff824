"""Results to objects, with what they must say about themselves.

float32 precision is kept by placing the object, and only sizing its vertices: a shape far from the world's origin stays
smooth.
"""

from dataclasses import dataclass

import bpy
import numpy as np

from ..scene import compatibility, frames
from ..scene.placement import Placed, place

PROVENANCE = (
    "model",
    "model_version",
    "weight_hash",
    "seed",
    "scale",
    "steps",
    "fit",
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
LARGEST_INTEGER = 2**31 - 1  # of a custom property


@dataclass(frozen=True)
class Home:
    """Where a result is to go, as plain data that outlives the scene: names, a session uid, and the file's path."""

    scene: str
    scene_uid: int | None
    collection: str
    file: str

    @classmethod
    def of(cls, context) -> "Home":
        """The scene and the active collection of now."""
        return cls(
            context.scene.name, getattr(context.scene, "session_uid", None), context.collection.name, bpy.data.filepath
        )

    def find(self) -> "Place | None":
        """The place again, also after the same file was opened anew; None when the scene is gone, or another file is
        open."""
        scene = compatibility.find(bpy.data.scenes, self.scene, self.scene_uid)
        if scene is None and self.file and bpy.data.filepath == self.file:
            scene = bpy.data.scenes.get(self.scene)
        if scene is None:
            return None
        known = [scene.collection, *scene.collection.children_recursive]
        # A collection of a linked file cannot take an object.
        return Place(
            scene,
            next((item for item in known if item.name == self.collection and item.library is None), scene.collection),
        )


@dataclass(frozen=True)
class Place:
    """Where a result goes: a scene and a collection in it, for use at once."""

    scene: bpy.types.Scene
    collection: bpy.types.Collection

    @classmethod
    def current(cls) -> "Place":
        """The first window's scene, and its active collection."""
        windows = bpy.context.window_manager.windows
        scene = windows[0].scene if len(windows) else bpy.context.scene
        layer = windows[0].view_layer if len(windows) else bpy.context.view_layer
        collection = layer.active_layer_collection.collection
        return cls(scene, collection if collection.library is None else scene.collection)

    def where_in_words(self, item) -> str:
        """Where a new object is that no window shows; "" for one that is seen."""
        shown = [window for window in bpy.context.window_manager.windows if window.scene == self.scene]
        if not shown and len(bpy.context.window_manager.windows):
            return f"It is in the scene “{self.scene.name}”, which is not shown"
        layers = [window.view_layer for window in shown] or [self.scene.view_layers[0]]
        if not any(item.visible_get(view_layer=layer) for layer in layers):
            return f"It is in the collection “{self.collection.name}”, which is hidden"
        return ""


def deliver(result, request, title: str, where: Place):
    """A finished job's mesh as a new object, which is returned.

    result: runtime.jobs.Result (model space); request: runtime.jobs.Request with its placement.
    """
    frame = result.record.get("frame")
    if frame is not None:
        frame = {"center": frames.to_blender(np.asarray(frame["center"], float)).tolist(), "scale": frame["scale"]}
    placed = place(frames.to_blender(result.vertices), request.placement, frame)
    item = bpy.data.objects.new(title, _mesh(title, placed, result.faces))
    item.location = placed.location
    item.rotation_euler = (0.0, 0.0, placed.rotation)
    for owner in (item, item.data):
        _mark(owner, {**result.record, "prompt": request.inputs.get("prompt"), "job": request.id})
    where.collection.objects.link(item)
    _make_active(where.scene, item)
    return item


def _mesh(title: str, placed: Placed, faces: np.ndarray):
    """A mesh from arrays, smooth-shaded as every new one is. Blender's own check is slow, and finds one fault that can
    be here: a face that names a vertex twice, which is left out."""
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    mesh = bpy.data.meshes.new(title)
    mesh.vertices.add(len(placed.vertices))
    mesh.vertices.foreach_set("co", placed.vertices.astype(np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
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
    """Select the new object alone, as Blender does with what it adds; in another mode than Object, leave the artist's
    work as it is."""
    for layer in scene.view_layers:
        active = layer.objects.active
        if item.name not in layer.objects or (active is not None and active.mode != "OBJECT"):
            continue
        for other in list(layer.objects.selected):
            other.select_set(False, view_layer=layer)
        item.select_set(True, view_layer=layer)
        layer.objects.active = item
