"""Destination of results: the scene that a job was started in, and its collection of results."""

from dataclasses import dataclass

import bpy

from ..scene import compatibility

COLLECTION = "WaLa"
IS_RESULTS = "wala_results"  # custom property of a scene's collection of results: it may be renamed


@dataclass(frozen=True)
class Destination:
    """Scene of a job as plain data that outlives it: a name, a session uid, and the file's path."""

    scene: str
    scene_uid: int | None
    file: str

    @classmethod
    def of(cls, context) -> "Destination":
        """The current scene."""
        return cls(context.scene.name, getattr(context.scene, "session_uid", None), bpy.data.filepath)

    def find(self) -> "ResultScene | None":
        """The scene, also after the same file was reopened; None if it is gone, or another file is open."""
        scene = compatibility.find(bpy.data.scenes, self.scene, self.scene_uid)
        if scene is None and self.file and bpy.data.filepath == self.file:
            scene = bpy.data.scenes.get(self.scene)
        return None if scene is None else ResultScene(scene)


@dataclass(frozen=True)
class ResultScene:
    """Scene that a result is added to, for use at once."""

    scene: bpy.types.Scene

    @classmethod
    def current(cls) -> "ResultScene":
        """The first window's scene."""
        windows = bpy.context.window_manager.windows
        return cls(windows[0].scene if len(windows) else bpy.context.scene)

    def collection(self) -> bpy.types.Collection:
        """The scene's collection of results, created if there is none. A linked one cannot take an object."""
        for collection in self.scene.collection.children_recursive:
            if collection.get(IS_RESULTS) and collection.library is None:
                return collection
        collection = bpy.data.collections.new(COLLECTION)
        collection[IS_RESULTS] = True
        self.scene.collection.children.link(collection)
        return collection

    def describe_location(self, item) -> str:
        """Location of a new object that is not visible in any window; "" for a visible one."""
        windows = bpy.context.window_manager.windows
        shown = [window for window in windows if window.scene == self.scene]
        if not shown and len(windows):
            return f"It is in the scene “{self.scene.name}”, which is not shown"
        layers = [window.view_layer for window in shown] or [self.scene.view_layers[0]]
        if not any(item.visible_get(view_layer=layer) for layer in layers):
            return f"It is in the collection “{self.collection().name}”, which is hidden"
        return ""
