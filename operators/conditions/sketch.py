"""Grease Pencil strokes as a line picture, from the artist's view.

The picture is projected from the view that the artist draws in, turned upright and aimed at the sketch. The models
produce the shape as seen from azimuth 0, so the placement keeps the azimuth, and the sketch's bounds in the view's own
picture, to align the shape with the lines.
"""

import json

import bpy
import numpy as np
from bpy.props import PointerProperty

from ..capture.plain import Capture, Choice, bad_input, require_finite
from ..capture.spec import CaptureSpec, draw_field
from ..jobs import sources
from ..scene import compatibility
from ..scene.camera_pose import View, bounds, orthographic

MISSING = "Draw a Grease Pencil sketch and select it"
FLAT = 0.05  # a front view that shows less than this share of a sketch's extent shows its edge


def choose(context, settings) -> Choice:
    """The sketch in the settings, else the active object if it is one, else the source of the active result."""
    active = context.active_object
    before = sources.find(active, context.scene) if active is not None and sources.is_result(active) else []
    for candidate in (settings.sketch, active, *before):
        if (
            candidate is not None
            and candidate.type in compatibility.GREASE_PENCIL_TYPES
            and candidate.name in context.scene.objects
        ):
            again = ", as before" if candidate in before and candidate != settings.sketch else ""
            return Choice((candidate,), f"“{candidate.name}”, {describe_view(context)}{again}")
    return Choice(missing=MISSING)


def capture(context, settings) -> Capture:
    """The strokes projected into the view. Raises JobFailed: no sketch, no strokes, not finite, behind the eye, a
    single point."""
    choice = choose(context, settings)
    if choice.missing:
        raise bad_input("There is no sketch", choice.missing)
    [sketch] = choice.items
    strokes = visible_strokes(context, sketch)
    points = np.concatenate(strokes)
    polylines, elevation, placement = solve_view(
        points, stored_view(settings) or current_view(context) or best_view(points), f"“{sketch.name}”"
    )
    offsets = np.cumsum([0] + [len(stroke) for stroke in strokes], dtype=np.int64)
    return Capture(
        sketch.name,
        {"polylines": "inputs/polylines.npz", "elevation": elevation},
        placement,
        {"polylines.npz": {"points": polylines.astype(np.float32), "offsets": offsets}},
        sources.references(choice.items),
        placement["view"],
    )


def visible_strokes(context, sketch) -> list[np.ndarray]:
    """World points (n, 3) of each stroke at the current frame. Raises JobFailed: no strokes, not finite."""
    strokes = compatibility.strokes(sketch, context.evaluated_depsgraph_get())
    if not strokes:
        raise bad_input(
            f"“{sketch.name}” has no visible strokes at frame {context.scene.frame_current}",
            "Draw some, or show the layer that has them",
        )
    require_finite(np.concatenate(strokes), f"“{sketch.name}”")
    return strokes


def solve_view(points: np.ndarray, view: View, owner: str) -> tuple[np.ndarray, float, dict]:
    """World points (N, 3) seen from a view: (the upright picture (N, 2), the elevation in degrees, the placement).
    Raises JobFailed."""
    local = view.camera_space(points)
    if view.perspective and local[:, 2].min() <= 0:
        raise bad_input(
            f"{owner} reaches behind the camera", "Move the camera back, or look at the sketch from another side"
        )
    picture = view.flatten(local)
    box, depth = bounds(picture), float(local[:, 2].mean())
    if not np.max(box[1] - box[0]) > 1e-9:
        raise bad_input(
            f"{owner} is a single point from here",
            "Draw the outline of a thing, or look at it from the side it was drawn from",
        )
    middle = box.mean(axis=0) * (depth if view.perspective else 1.0)
    upright = view.aimed_at(view.world_space([*middle, depth]))
    azimuth, elevation = upright.angles()
    placement = {
        "kind": "sketch",
        "view": view.to_plain(),
        "bounds": box.tolist(),
        "depth": depth,
        "azimuth": azimuth,
        "elevation": elevation,
    }
    return upright.project(points), elevation, placement


def stored_view(settings) -> View | None:
    """The view that a result's input was captured from, in the settings kept by the result; None in those of a
    scene."""
    return View.from_plain(json.loads(settings.view)) if settings.view else None


def current_view(context) -> View | None:
    """The artist's view: the 3D view of the call, or the scene's camera; None if there is neither."""
    region = getattr(context.space_data, "region_3d", None) if context.space_data else None
    if region is not None and region.view_perspective != "CAMERA":
        return View.from_matrix(np.array(region.view_matrix.inverted()), region.is_perspective)
    camera = context.scene.camera
    if camera is None:
        return None
    evaluated = camera.evaluated_get(context.evaluated_depsgraph_get())
    return View.from_matrix(np.array(evaluated.matrix_world), camera.type != "CAMERA" or camera.data.type != "ORTHO")


def describe_view(context) -> str:
    """The source of :func:`current_view`, as text."""
    region = getattr(context.space_data, "region_3d", None) if context.space_data else None
    if region is not None and region.view_perspective != "CAMERA":
        return "as this view sees it"
    return "as the camera sees it" if context.scene.camera else "from the front"


def best_view(points: np.ndarray) -> View:
    """Default view: from the front, unless the sketch is edge-on there; then from the right or from above."""
    longest = np.max(np.ptp(points, axis=0))
    for view in (orthographic(0), orthographic(90), orthographic(0, 90)):
        if np.min(np.ptp(view.project(points), axis=0)) > FLAT * longest:
            return view
    return orthographic(0)


class Properties:
    """Of the settings."""

    sketch: PointerProperty(
        name="Sketch",
        description="The Grease Pencil object to use. Empty: the active object",
        type=bpy.types.Object,
        poll=compatibility.is_sketch,
    )


SPEC = CaptureSpec(
    identifier="SKETCH",
    number=0,
    order=0,
    condition="sketch",
    title="Sketch",
    description="From the lines of a Grease Pencil sketch, seen as the camera or the 3D view sees them",
    icon="GREASEPENCIL",
    choose=choose,
    capture=capture,
    draw=draw_field("sketch"),
    properties=Properties,
)
