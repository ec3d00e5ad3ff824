"""Differences between Blender versions, detected by feature, never by version number."""

import bpy
import numpy as np

GREASE_PENCIL_TYPES = ("GREASEPENCIL", "GPENCIL")
TAB = "WaLa"  # the panels' bl_category
GESTURES = (
    "TRANSFORM_OT",
    "GPENCIL_OT",
    "GREASE_PENCIL_OT",
    "SCULPT_OT",
    "PAINT_OT",
    "MESH_OT",
    "CURVE_OT",
    "CURVES_OT",
    "VIEW3D_OT_select",
)


def is_sketch(_, item) -> bool:
    """Poll of a property that points to a Grease Pencil object.

    4.2 crashes on exit if the function is in the module of the condition whose property it is.
    """
    return item.type in GREASE_PENCIL_TYPES


def strokes(sketch, depsgraph) -> list[np.ndarray]:
    """The visible strokes of a Grease Pencil object at the current frame, with its modifiers: (n, 3) float64 world
    points each.

    A closed stroke ends on its first point again. Both data models give the same arrays.
    """
    evaluated = sketch.evaluated_get(depsgraph)
    layers = [layer for layer in evaluated.data.layers if not _is_hidden(layer)]
    read = _legacy_strokes if sketch.type == "GPENCIL" else _drawing_strokes
    return [stroke for layer in layers for stroke in read(evaluated, layer) if len(stroke)]


def _is_hidden(layer) -> bool:
    group = getattr(layer, "parent_group", None)
    return layer.hide or (group is not None and _is_hidden(group))


def _legacy_strokes(evaluated, layer) -> list[np.ndarray]:
    """4.2: the evaluated points already carry the layer's own transform and parent."""
    frame = layer.active_frame
    found = []
    for stroke in frame.strokes if frame else ():
        points = np.empty(len(stroke.points) * 3, np.float32)
        stroke.points.foreach_get("co", points)
        found.append(_closed(_transformed(points.reshape(-1, 3), evaluated.matrix_world), stroke.use_cyclic))
    return found


def _drawing_strokes(evaluated, layer) -> list[np.ndarray]:
    """4.3 and later: one drawing a frame, attributes in layer space."""
    frame = layer.current_frame()
    drawing = frame.drawing if frame else None
    positions = drawing.attributes["position"].data if drawing and "position" in drawing.attributes else ()
    if not len(positions):
        return []  # without points there are no offsets either
    points = np.empty(len(positions) * 3, np.float32)
    positions.foreach_get("vector", points)
    offsets = np.empty(len(drawing.curve_offsets), np.int32)
    drawing.curve_offsets.foreach_get("value", offsets)
    cyclic = np.zeros(max(len(offsets) - 1, 0), bool)
    if "cyclic" in drawing.attributes:
        drawing.attributes["cyclic"].data.foreach_get("value", cyclic)
    world = _transformed(points.reshape(-1, 3), _layer_to_world(evaluated, layer))
    return [_closed(world[a:b], closed) for a, b, closed in zip(offsets[:-1], offsets[1:], cyclic)]


def _layer_to_world(evaluated, layer):
    parent = layer.parent
    if parent is None:
        return evaluated.matrix_world @ layer.matrix_local
    world = parent.matrix_world
    if layer.parent_bone and parent.pose and layer.parent_bone in parent.pose.bones:
        world = world @ parent.pose.bones[layer.parent_bone].matrix
    return world @ layer.matrix_parent_inverse @ layer.matrix_local


def _transformed(points: np.ndarray, matrix) -> np.ndarray:
    matrix = np.array(matrix, dtype=np.float64)
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _closed(stroke: np.ndarray, closed: bool) -> np.ndarray:
    return np.concatenate([stroke, stroke[:1]]) if closed and len(stroke) > 2 else stroke


def is_mid_gesture() -> bool:
    """Whether a grab or a stroke is in progress, which a change of the scene would disturb.

    Only Blender's own tools count: some add-ons keep a modal operator running permanently.
    """
    windows = bpy.context.window_manager.windows
    return any(
        item.bl_idname.startswith(GESTURES) for window in windows for item in getattr(window, "modal_operators", ())
    )


def push_undo(message: str) -> None:
    """Push an undo step from a timer, where the context has no window."""
    windows = bpy.context.window_manager.windows
    if len(windows):
        with bpy.context.temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message=message)


def find(collection, name: str, session_uid: int | None):
    """Look up an ID again: by its session uid if it has one, else by name; None if it is gone."""
    item = collection.get(name)
    if session_uid is None or (item is not None and item.session_uid == session_uid):
        return item
    return next((other for other in collection if other.session_uid == session_uid), None)


def is_panel_shown(windows) -> bool:
    """Whether the sidebar of a 3D view is open on our tab."""
    return any(
        getattr(region, "active_panel_category", "") == TAB and area.spaces.active.show_region_ui
        for window in windows
        for area in window.screen.areas
        if area.type == "VIEW_3D"
        for region in area.regions
        if region.type == "UI"
    )
