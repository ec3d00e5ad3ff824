"""Preview of the next shape's input: pictures in the panel, cells and points over the viewport."""

import time

import bpy
import bpy.utils.previews
import numpy as np

from ...runtime.messages import JobFailed
from ..conditions import CAPTURES
from ..jobs import panel_state
from ..scene import cameras, compatibility, frames
from . import pictures
from .overlay import LineOverlay

PICTURES, LINES = ("sketch", "depth"), ("voxels", "points")  # conditions, by how they are shown
SHARE = 0.1  # of the time, at most, that is spent on previews
SLOW = 0.05  # seconds: a slower one waits for the end of a grab or a stroke
NAME = "input"


class Preview:
    """While `scene.wala.preview` is on, captures the input as a job would, after each change of the scene or the view,
    and shows what the model makes of it. ``picture``: (H, W) 0 … 1, row 0 at the top, that is in the panel."""

    def __init__(self) -> None:
        self._previews = bpy.utils.previews.new()
        self.overlay = LineOverlay()
        self.picture: np.ndarray | None = None
        self._is_changed, self._state = True, ()
        self._seconds, self._next = 0.0, 0.0

    def note(self) -> None:
        """Record that objects have changed."""
        self._is_changed = True

    def poll(self, context) -> None:
        """Show the input anew if needed. Never raises JobFailed."""
        settings = context.scene.wala
        condition = CAPTURES[settings.condition].condition
        if not settings.preview or condition not in PICTURES + LINES:
            self.hide()
            return
        view = _view_of(context)
        state = self._state_of(context, settings, view)
        now = time.monotonic()
        if (state == self._state and not self._is_changed) or now < self._next:
            return
        if self._seconds > SLOW and compatibility.is_mid_gesture():
            return
        self._state, self._is_changed = state, False
        with context.temp_override(**view):
            self._show(bpy.context, settings)
        self._seconds = time.monotonic() - now
        self._next = now + self._seconds / SHARE

    def _state_of(self, context, settings, view: dict) -> tuple:
        """Values whose change changes the input, beside that of objects."""
        names = tuple(item.name for item in context.view_layer.objects.selected)
        space = view["area"].spaces.active.region_3d if view else None
        is_seen = space is not None and CAPTURES[settings.condition].condition in PICTURES
        eye = tuple(map(tuple, space.view_matrix)) if is_seen else ()
        sketch = settings.sketch.name if settings.sketch else ""
        return settings.condition, sketch, names, eye, context.scene.frame_current

    def _show(self, context, settings) -> None:
        row = CAPTURES[settings.condition]
        try:
            choice = row.choose(context, settings)
            if choice.missing or not all(item.visible_get() for item in choice.items):
                self.hide()
                return
            capture = row.capture(context, settings)
        except (JobFailed, RuntimeError):  # not usable yet: the panel says why where it is generated from
            self.hide()
            return
        if row.condition == "sketch":
            drawn = capture.files["polylines.npz"]
            self._show_picture(pictures.line_picture(drawn["points"].astype(float), drawn["offsets"]))
        elif row.condition == "depth":
            mesh, published = capture.files["mesh.npz"], cameras.read()
            angles = capture.inputs["azimuth"], capture.inputs["elevation"]
            lens = published.field_of_view, published.distance
            self._show_picture(pictures.depth_picture(mesh["vertices"], mesh["faces"], *angles, *lens))
        elif row.condition == "voxels":
            cells, vertices = _cells_of(capture)
            note = f"{int(cells.sum())} of 16³ cells are filled"
            self._show_lines(pictures.cell_lines(cells, vertices), note)
        else:
            points = capture.files["points.npy"]
            note = f"The model reads {min(len(points), pictures.POINTS)} of {len(points)} points first"
            self._show_lines(pictures.point_lines(points), note)

    def _show_lines(self, lines: np.ndarray, note: str) -> None:
        """Show lines (E, 2, 3), in the model's axes, over the viewport, and a note in the panel; no picture."""
        self.picture = None
        self.overlay.show(frames.to_blender(lines))
        panel_state.show(preview_icon=0, preview_note=note)

    def _show_picture(self, picture: np.ndarray) -> None:
        self.picture = picture
        preview = self._previews.get(NAME) or self._previews.new(NAME)
        preview.image_size = picture.shape[::-1]
        grey = picture[::-1, :, None]
        preview.image_pixels_float = np.concatenate([grey, grey, grey, np.ones_like(grey)], axis=2).ravel().tolist()
        self.overlay.show(np.zeros((0, 2, 3)))
        panel_state.show(preview_icon=preview.icon_id, preview_note="")
        panel_state.redraw()

    def hide(self) -> None:
        """Show nothing."""
        self._show_lines(np.zeros((0, 2, 3)), "")

    def close(self) -> None:
        """Free the icon and the overlay."""
        self.overlay.close()
        bpy.utils.previews.remove(self._previews)


def _cells_of(capture) -> tuple[np.ndarray, np.ndarray]:
    """The cells of a captured blockout or hull, and points (N, 3) with its box, in the model's axes."""
    if "occupancy.npy" in capture.files:
        return capture.files["occupancy.npy"], frames.to_model(np.array(capture.placement["box"]))
    mesh = capture.files["mesh.npz"]
    return pictures.cells_of(mesh["vertices"], mesh["faces"]), mesh["vertices"]


def _view_of(context) -> dict:
    """The window, area and region of the first 3D view, as an override of the context; {} without one."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                region = next(region for region in area.regions if region.type == "WINDOW")
                return {"window": window, "area": area, "region": region}
    return {}
