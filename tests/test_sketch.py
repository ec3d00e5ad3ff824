"""Sketches become the same line picture, whatever they came as; broken ones say what is wrong."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from wala_blender.conditions import sketch
from wala_blender.errors import InputError

HOUSE = [np.array([[0, 0], [4, 0], [4, 3], [0, 3], [0, 0]]), np.array([[0, 3], [2, 5], [4, 3]])]


def test_the_drawing_is_centred_and_fills_the_picture():
    picture = sketch.picture_of_polylines(HOUSE)
    rows, columns = np.nonzero(picture.max(1) > 0.5)[0], np.nonzero(picture.max(0) > 0.5)[0]
    assert picture.shape == (128, 128) and picture.min() >= 0 and picture.max() <= 1
    assert rows[-1] - rows[0] == pytest.approx(0.9 * 128, abs=3)
    assert columns[-1] - columns[0] == pytest.approx(0.9 * 128 * 4 / 5, abs=3)
    assert columns[0] + columns[-1] == pytest.approx(127, abs=3) and rows[0] + rows[-1] == pytest.approx(127, abs=3)


def test_up_is_up():
    picture = sketch.picture_of_polylines(HOUSE)
    inked = np.nonzero(picture.max(1) > 0.5)[0]
    tip, floor = picture[inked[0] + 1] > 0.3, picture[inked[-1] - 1] > 0.3
    assert tip.sum() < 12 and floor.sum() > 80
    assert np.nonzero(tip)[0].mean() == pytest.approx(63.5, abs=2)


def test_dots_alone_are_no_drawing():
    with pytest.raises(InputError, match="no lines"):
        sketch.picture_of_polylines([np.array([[0, 0]]), np.array([[1, 1]])])


def test_scale_and_place_do_not_matter():
    moved = [line * 37.5 + [1000, -80] for line in HOUSE]
    assert np.abs(sketch.picture_of_polylines(HOUSE) - sketch.picture_of_polylines(moved)).max() < 0.02


def draw(size: int, width: int, lines: str, paper: str) -> Image.Image:
    image = Image.new("RGB", (size, size), paper)
    pen = ImageDraw.Draw(image)
    for line in HOUSE:
        pen.line([(x * size / 6 + size / 6, size - size / 8 - y * size / 8) for x, y in line], fill=lines, width=width)
    return image


@pytest.mark.parametrize(("size", "width"), [(200, 3), (1600, 12)])
def test_an_image_gives_nearly_the_polylines_picture(size, width):
    light = sketch.picture_of_image(np.asarray(draw(size, width, "black", "white")))
    dark = sketch.picture_of_image(np.asarray(draw(size, width, "white", "black")))
    assert np.abs(light - dark).max() < 0.02
    polylines = [line * [8 / 6, 1] for line in HOUSE]
    wanted = sketch.picture_of_polylines(polylines) > 0.4
    near = np.asarray(Image.fromarray(wanted).convert("L").resize((128, 128))) > 0
    grown = np.max([np.roll(near, (i, j), (0, 1)) for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2)], axis=0)
    assert (light > 0.4)[grown].sum() / (light > 0.4).sum() > 0.95


def test_transparent_paper_is_white():
    image = draw(200, 3, "black", "white").convert("RGBA")
    pixels = np.asarray(image).copy()
    pixels[pixels[..., 0] > 128] = 0  # transparent black
    assert np.abs(sketch.picture_of_image(pixels) - sketch.picture_of_image(np.asarray(image))).max() < 0.02


@pytest.mark.parametrize(
    ("polylines", "words"),
    [
        ([], "empty"),
        ([np.zeros((1, 2))], "empty"),
        ([np.zeros((5, 2))], "one point"),
        ([np.array([[0, np.nan], [1, 1]])], "finite"),
    ],
)
def test_broken_strokes(polylines, words):
    with pytest.raises(InputError, match=words):
        sketch.picture_of_polylines(polylines)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full((64, 64, 3), 255, np.uint8), "no lines"),
        (np.zeros((4, 4), np.uint8), "at least 8"),
        (np.zeros((64, 64, 2), np.uint8), "shape"),
    ],
)
def test_broken_images(image, words):
    with pytest.raises(InputError, match=words):
        sketch.picture_of_image(image)


def test_what_an_outline_encloses():
    square = torch.zeros(1, 1, 128, 128)
    square[..., 30:91, 30] = square[..., 30:91, 90] = square[..., 30, 30:91] = square[..., 90, 30:91] = 1
    ajar, open_wide = square.clone(), square.clone()
    ajar[..., 30, 50:54], open_wide[..., 30, 45:75] = 0, 0
    wanted = torch.zeros(128, 128)
    wanted[30:91, 30:91] = 1
    pictures = sketch.with_enclosed(torch.cat([square, ajar, open_wide]))
    assert pictures.shape == (3, 2, 128, 128) and torch.equal(pictures[:, :1], torch.cat([square, ajar, open_wide]))
    assert torch.equal(pictures[0, 1], wanted)
    assert (pictures[1, 1] - wanted).abs().sum() < 10  # a small gap lets nothing in
    assert pictures[2, 1].sum() < 0.3 * wanted.sum()


def test_the_encoder_takes_what_is_prepared():
    prepared = sketch.prepare({"polylines": [np.array([[0, 0], [1, 0], [1, 2], [0, 0]])], "elevation": 20.0})
    with torch.no_grad():
        tokens, grid = sketch.SketchEncoder()(*prepared.tensors)
    assert tokens.shape == (1, 65, 192) and grid.shape == (1, 64, 12, 12, 12)
