"""Previews of inputs: the same pictures and cells as the library's, within what their own rasters differ by."""

import math

import numpy as np
import pytest
from shapes import box, joined, sphere

from operators.preview import pictures
from operators.scene import cameras
from wala_blender.conditions import image_preprocessing, sketch, voxels

CHAIR = joined(
    box((-0.5, 0.4, -0.5), (0.5, 0.5, 0.5)),
    box((-0.5, 0.45, -0.5), (0.5, 1.3, -0.35)),
    *(box((x, -0.3, z), (x + 0.15, 0.45, z + 0.15)) for x in (-0.5, 0.35) for z in (-0.5, 0.35)),
)
SHAPES = {
    "chair": CHAIR,
    "sphere": sphere(0.7, (0.3, 0.1, 0.0), rings=24),
    "two that overlap": joined(box((-1, -0.2, -0.2), (0.3, 0.2, 0.2)), box((-0.1, -0.6, -0.3), (0.4, 0.7, 0.3))),
    "inside out": (CHAIR[0], np.ascontiguousarray(CHAIR[1][:, ::-1])),
}


def test_a_line_picture_is_the_librarys():
    rng = np.random.default_rng(0)
    lines = [np.cumsum(rng.normal(0, 0.3, (count, 2)), axis=0) for count in (2, 9, 30)]
    offsets = np.cumsum([0] + [len(line) for line in lines])
    own, theirs = pictures.line_picture(np.concatenate(lines), offsets), sketch.picture_of_polylines(lines)
    assert own.shape == theirs.shape == (pictures.PICTURE,) * 2 and np.abs(own - theirs).mean() < 0.01
    assert np.corrcoef(own.ravel(), theirs.ravel())[0, 1] > 0.95


def test_one_straight_line_has_its_width():
    picture = pictures.line_picture(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([0, 2]))
    assert picture.sum(axis=0).max() == pytest.approx(pictures.LINE_WIDTH, abs=0.5)
    assert (picture.max(axis=0) > 0.5).mean() == pytest.approx(pictures.FILL, abs=0.03)


@pytest.mark.parametrize("name", SHAPES)
def test_cells_are_the_librarys(name):
    vertices, faces = SHAPES[name]
    theirs = voxels.prepare({"vertices": vertices, "faces": faces}).tensors[0][0, 0].numpy() > 0
    own = pictures.cells_of(vertices, faces)
    assert (own != theirs).sum() <= 0.06 * theirs.sum()


@pytest.mark.parametrize("view", [(15.0, 5.0), (35.0, 20.0), (200.0, -30.0)])
def test_a_depth_map_is_the_librarys(view):
    vertices, faces = CHAIR
    render = image_preprocessing.one_depth(
        {"vertices": vertices, "faces": faces, "azimuth": view[0], "elevation": view[1]}
    )
    theirs = np.asarray(render.maps[0], np.float32) / 255
    theirs = theirs.reshape(pictures.PICTURE, 2, pictures.PICTURE, 2).mean(axis=(1, 3))
    published = cameras.read()
    own = pictures.depth_picture(vertices, faces, *view, published.field_of_view, published.distance)
    assert np.abs(own - theirs).mean() < 0.015 and ((own > 0) != (theirs > 0)).mean() < 0.02


def test_the_lines_of_cells_lie_around_the_mesh():
    vertices = np.array([[2.0, 3, 4], [4, 4, 5]])
    cells = np.zeros((16, 16, 16), bool)
    cells[0, 0, 0] = cells[0, 0, 1] = True
    lines = pictures.cell_lines(cells, vertices)
    assert lines.shape == (20, 2, 3)  # two cubes side by side, without the square between them: its edges are both's
    side = 2 / 16 * 2 / 1.8
    assert np.ptp(lines.reshape(-1, 3), axis=0) == pytest.approx([side, side, 2 * side])
    assert np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1) == pytest.approx([side] * 20)


def test_points_are_those_that_the_model_reads_first():
    points = np.random.default_rng(1).random((5000, 3))
    lines = pictures.point_lines(points)
    assert lines.shape == (3 * pictures.POINTS, 2, 3)
    chosen = points[np.random.default_rng(0).permutation(5000)[: pictures.POINTS]]
    assert lines.mean(axis=1).reshape(-1, 3, 3).mean(axis=1) == pytest.approx(chosen)


def test_a_large_mesh_is_done_in_parts(monkeypatch):
    whole = pictures.cells_of(*CHAIR)
    monkeypatch.setattr(pictures, "_MOST_PAIRS", 1000)
    assert (pictures.cells_of(*CHAIR) == whole).all()


def test_the_camera_of_a_depth_map_is_the_published_one():
    assert math.degrees(cameras.read().field_of_view) == image_preprocessing.PUBLISHED.field_of_view
