"""Thumbnails of meshes: what is seen is opaque, fills the picture, and is lit from the left."""

import io

import numpy as np
import pytest
from PIL import Image

from wala_blender.errors import InputError
from wala_blender.geometry.thumbnail import thumbnail, thumbnail_png

CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) - 0.5
# fmt: off
FACES = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
                  [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]])
# fmt: on


@pytest.mark.parametrize("scale", [(1, 1, 1), (0.1, 2, 0.1), (3, 0.2, 1)])
def test_a_box_fills_the_picture_and_nothing_is_around_it(scale):
    picture = thumbnail(CORNERS * scale + 7, FACES, 64)
    solid = picture[..., 3] > 128
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) > 55 and min(rows.min(), columns.min()) >= 1
    assert picture[0, 0, 3] == 0 and picture[..., 0][solid].max() > picture[..., 0][solid].min() + 20


def test_the_three_faces_of_a_cube_that_are_seen_have_one_grey_each():
    picture = thumbnail(CORNERS, FACES, 64)
    greys, counts = np.unique(picture[..., 0][picture[..., 3] == 255], return_counts=True)
    assert len(greys[counts > 50]) == 3
    top, bottom = picture[6:20, 28:36, 0].max(), picture[44:58, 28:36, 0].min()
    assert top > bottom


def test_faces_have_their_colours():
    colours = np.repeat([[255, 0, 0], [0, 255, 0]], 6, axis=0).astype(np.uint8)
    flat = np.concatenate([[[0, 1, 1]], FACES])  # a triangle without area has one too
    picture = thumbnail(CORNERS, flat, 64, np.concatenate([[[0, 0, 255]], colours]).astype(np.uint8))
    seen = picture[picture[..., 3] == 255][:, :3]
    assert not seen[:, 2].any() and not (seen[:, 0].astype(bool) & seen[:, 1].astype(bool)).all()
    assert (seen[:, 0] > 50).any() and (seen[:, 1] > 50).any()


def test_a_png_of_it():
    image = Image.open(io.BytesIO(thumbnail_png(CORNERS, FACES)))
    assert (image.size, image.mode) == ((128, 128), "RGBA")


def test_a_mesh_without_triangles_is_refused():
    with pytest.raises(InputError):
        thumbnail(CORNERS, np.zeros((0, 3), int))
