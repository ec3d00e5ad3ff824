"""Preview: what the model gets of an input, after each change, and nothing while it is off."""

import time

import bpy
import numpy as np
import pytest
import scenes


@pytest.fixture
def preview(extension):
    """A function: polls until a due preview is made; returns the session's preview."""
    own = extension.session.current.preview

    def poll():
        bpy.context.view_layer.update()
        time.sleep(max(own._next - time.monotonic(), 0) + 0.01)
        extension.session.tick()
        return own

    extension.settings.preview = True
    yield poll
    extension.settings.preview = False
    extension.session.tick()
    assert not len(own.overlay.lines) and own.picture is None and not extension.panel.preview_note


def test_a_sketch_is_a_picture_of_its_lines(extension, preview):
    sketch = scenes.sketch()
    bpy.context.view_layer.objects.active = sketch
    extension.settings.condition = "SKETCH"
    picture = preview().picture
    assert picture.shape == (128, 128) and 0.02 < picture.mean() < 0.3
    assert (picture.max(axis=1) > 0.5).sum() > 100  # it is higher than wide
    bpy.data.objects.remove(sketch)
    assert preview().picture is None


def test_a_blockout_is_cells_that_follow_it(extension, preview):
    cube = scenes.cube((4, 5, 1), (2, 1, 1), "Seat")
    extension.settings.condition = "VOXELS"
    lines = preview().overlay.lines.reshape(-1, 3)
    assert extension.panel.preview_note.endswith("cells are filled")
    assert lines.min(axis=0) == pytest.approx([3, 4.5, 0.5], abs=0.15)
    assert lines.max(axis=0) == pytest.approx([5, 5.5, 1.5], abs=0.15)
    cube.location.x = 10
    moved = preview().overlay.lines.reshape(-1, 3)
    assert np.allclose(moved, lines + (6, 0, 0), atol=1e-4)
    cube.hide_set(True)
    assert not len(preview().overlay.lines)


def test_a_depth_map_and_points(extension, preview):
    scenes.cube((0, 0, 0), (2, 1, 1), "Seat")
    extension.settings.condition = "DEPTH"
    picture = preview().picture
    assert picture.shape == (128, 128) and picture.max() == 1 and picture[0].max() == 0
    extension.settings.condition = "POINTS"
    assert len(preview().overlay.lines) == 3 * 8 and extension.panel.preview_note.startswith("The model reads 8 of 8")
    assert preview().picture is None


def test_words_have_none_and_what_cannot_be_used_neither(extension, preview):
    extension.settings.condition = "TEXT"
    assert preview().picture is None and not len(preview().overlay.lines)
    scenes.mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)], "Sheet")
    extension.settings.condition = "VOXELS"
    assert not len(preview().overlay.lines) and not extension.panel.problem


def test_nothing_is_captured_while_nothing_changes(extension, preview, monkeypatch):
    scenes.cube((4, 5, 1), (2, 1, 1), "Seat")
    extension.settings.condition = "VOXELS"
    own = preview()
    monkeypatch.setattr(own, "_show", lambda *_: pytest.fail("captured again"))
    preview()
