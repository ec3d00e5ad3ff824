"""Lines over the 3D views: what the model gets of a blockout or a cloud of points."""

import bpy
import numpy as np

COLOUR = (1.0, 0.55, 0.1, 0.75)


class LineOverlay:
    """Lines (E, 2, 3) in the world, drawn in every 3D view while there are any. Draws nothing in background mode."""

    def __init__(self) -> None:
        self.lines = np.zeros((0, 2, 3), np.float32)
        self._batch = self._handler = None

    def show(self, lines: np.ndarray) -> None:
        """Draw these lines instead of the earlier ones."""
        if len(lines) == len(self.lines) and np.array_equal(lines, self.lines):
            return
        self.lines, self._batch = lines.astype(np.float32), None
        if len(lines) and self._handler is None and not bpy.app.background:
            self._handler = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_VIEW")
        elif not len(lines):
            self.close()
        redraw_views()

    def close(self) -> None:
        """Remove the lines, and the handler with them."""
        self.lines, self._batch = self.lines[:0], None
        if self._handler is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
            self._handler = None

    def _draw(self) -> None:
        import gpu
        from gpu_extras.batch import batch_for_shader

        shader = gpu.shader.from_builtin("UNIFORM_COLOR")
        if self._batch is None:
            self._batch = batch_for_shader(shader, "LINES", {"pos": self.lines.reshape(-1, 3)})
        gpu.state.blend_set("ALPHA")
        gpu.state.depth_test_set("LESS_EQUAL")
        shader.uniform_float("color", COLOUR)
        self._batch.draw(shader)
        gpu.state.depth_test_set("NONE")
        gpu.state.blend_set("NONE")


def redraw_views() -> None:
    """Tag all 3D views."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas if window.screen else ():
            if area.type == "VIEW_3D":
                area.tag_redraw()
