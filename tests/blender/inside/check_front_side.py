"""Front and side sketches as one input: cells in the place of the front one, and results that follow both."""

import bpy
import numpy as np
import pytest
import scenes

SQUARE = [(-1, 0), (1, 0), (1, 1), (-1, 1), (-1, 0)]


@pytest.fixture
def sketches(extension):
    """A front 2 × 1, drawn at y = 3, and a side 0.5 × 1, drawn at x = 6."""
    front = scenes.sketch([[(x, 3, z) for x, z in SQUARE]], "Front")
    side = scenes.sketch([[(6, 0.25 * y, z) for y, z in SQUARE]], "Side")
    extension.settings.condition = "FRONT_SIDE"
    extension.settings.front_sketch, extension.settings.side_sketch = front, side
    return front, side


def test_the_shape_lies_where_the_sketches_meet(extension, sketches):
    assert bpy.ops.wala.generate() == {"FINISHED"}
    item = bpy.context.active_object
    points = scenes.world_vertices(item)
    low, high = points.min(axis=0), points.max(axis=0)
    assert (low + high)[:2] / 2 == pytest.approx([0, 0], abs=1e-3) and low[2] == pytest.approx(0, abs=0.6)
    assert (high - low).max() <= 2 + 1e-3 and item.name == "WaLa Front"
    folder = extension.module("operators.preferences").folder("jobs") / item["wala_job"]
    request = extension.module("runtime.jobs").read_request(folder)
    cells = np.load(folder / "inputs" / "occupancy.npy")
    assert (request.condition, cells.dtype, cells.shape) == ("voxels", bool, (16, 16, 16)) and cells.any()
    assert [entry.object.name for entry in item.wala.sources] == ["Front", "Side"]


def test_the_preview_shows_the_cells(extension, sketches):
    extension.settings.preview = True
    extension.session.current.preview._next = 0
    extension.session.tick()
    lines = extension.session.current.preview.overlay.lines.reshape(-1, 3)
    extension.settings.preview = False
    extension.session.tick()
    assert lines.min(axis=0) == pytest.approx([-1, -0.25, 0], abs=0.2)
    assert lines.max(axis=0) == pytest.approx([1, 0.25, 1], abs=0.2)


def test_what_is_missing_is_said(extension, sketches):
    extension.settings.side_sketch = extension.settings.front_sketch
    assert not bpy.ops.wala.generate.poll()
    extension.settings.side_sketch = None
    with pytest.raises(RuntimeError, match="one of the side"):
        bpy.ops.wala.generate()
    extension.settings.side_sketch = scenes.sketch([], "Empty")
    with pytest.raises(RuntimeError, match="no visible strokes"):
        bpy.ops.wala.generate()


def test_a_changed_side_is_noticed(extension, sketches):
    bpy.ops.wala.generate()
    extension.session.tick()
    assert not extension.panel.outdated
    sketches[1].scale.y = 2
    bpy.context.view_layer.update()
    extension.session.tick()
    assert extension.panel.outdated and bpy.ops.wala.update() == {"FINISHED"}
