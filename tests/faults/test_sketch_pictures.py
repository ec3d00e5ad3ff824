"""Sketches on paper of any tone, and with specks, frames and signatures: the same drawing as on clean white."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from wala_blender.conditions.sketch import picture_of_image, prepare, with_enclosed

pytestmark = pytest.mark.faults

SIDE = 400
Y, X = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
NOISE = np.random.default_rng(0).normal(size=(SIDE, SIDE))


def drawn(*marks) -> np.ndarray:
    """A cup, black 0 on white 1; each mark is a method of ImageDraw and its arguments."""
    image = Image.new("L", (SIDE, SIDE), 255)
    draw = ImageDraw.Draw(image)
    draw.ellipse([120, 60, 280, 130], outline=0, width=4)
    draw.line([(120, 95), (150, 330), (250, 330), (280, 95)], fill=0, width=4)
    for method, *arguments in marks:
        getattr(draw, method)(*arguments[:-1], **arguments[-1])
    return np.asarray(image) / 255


def inside(levels: np.ndarray) -> np.ndarray:
    image = (np.clip(levels, 0, 1) * 255).round().astype(np.uint8)
    return with_enclosed(torch.from_numpy(picture_of_image(image))[None, None])[0, 1].numpy() > 0.5


def overlap(levels: np.ndarray) -> float:
    got, wanted = inside(levels), inside(drawn())
    return (got & wanted).sum() / (got | wanted).sum()


def coloured(paper: tuple, ink: tuple) -> np.ndarray:
    return drawn()[..., None] * np.array(paper) + (1 - drawn())[..., None] * np.array(ink)


C = drawn()
PAPERS = {
    "grey": 0.35 + 0.43 * C,
    "light pencil": 0.7 + 0.28 * C,
    "faint pencil": 0.88 + 0.08 * C,
    "chalk on grey": 0.98 - 0.5 * C,
    "dark chalk": 0.35 - 0.25 * C,
    "uneven light": (0.25 + 0.75 * C) * (0.95 - 0.5 * X * Y),
    "light from one side": (0.2 + 0.8 * C) * (0.35 + 0.6 * X),
    "vignette": (0.2 + 0.8 * C) * (0.95 - 1.1 * ((X - 0.5) ** 2 + (Y - 0.5) ** 2)),
    "uneven chalk": (0.98 - 0.5 * C) * (0.95 - 0.5 * X * Y),
    "a hard shadow": (0.2 + 0.8 * C) * np.where(X + 0.6 * Y > 1, 0.5, 0.95),
    "a book's gutter": (0.2 + 0.8 * C) * (1 - np.exp(-X / 0.04)),
    "a scan's dark border": np.where((X < 0.04) | (Y > 0.97), 0.05, 0.1 + 0.85 * C),
    "grain": 0.3 + 0.6 * C + 0.03 * NOISE,
    "pencil and grain": 0.75 + 0.15 * C + 0.02 * NOISE,
    "blueprint": coloured((0.08, 0.2, 0.55), (1, 1, 1)),
    "red chalk on green": coloured((0.16, 0.35, 0.24), (0.9, 0.4, 0.4)),
    "blue pen on yellow": coloured((0.95, 0.9, 0.7), (0.2, 0.25, 0.6)),
    "a page on a desk": np.where(
        (abs(X - 0.5) < 0.42) & (abs(Y - 0.5) < 0.45), 0.1 + 0.8 * C, 0.3 + 0.06 * np.sin(150 * Y + 3 * np.sin(9 * X))
    ),
}


@pytest.mark.parametrize("paper", PAPERS)
def test_the_paper_is_not_ink(paper):
    assert overlap(PAPERS[paper]) > 0.85


@pytest.mark.parametrize("quality", [20, 50])
def test_the_noise_of_jpeg_is_not_ink(quality):
    file = io.BytesIO()
    Image.fromarray((255 * (0.35 + 0.43 * C)).astype(np.uint8)).save(file, "JPEG", quality=quality)
    assert overlap(np.asarray(Image.open(file)) / 255) > 0.85


MARKS = {
    "a speck": [("ellipse", [8, 8, 12, 12], {"fill": 0})],
    "specks": [
        ("ellipse", [x, y, x + 3, y + 3], {"fill": 0})
        for x, y in ((10, 380), (380, 20), (30, 200), (350, 370), (60, 40))
    ],
    "a frame": [("rectangle", [5, 5, 394, 394], {"outline": 0, "width": 3})],
    "two frames": [("rectangle", [n, n, 399 - n, 399 - n], {"outline": 0, "width": 2}) for n in (4, 14)],
    "an edge": [("line", [393, 0, 395, 400], {"fill": 60, "width": 3})],
    "a band": [("rectangle", [0, 0, 14, 400], {"fill": 0})],
    "a signature": [("text", (330, 380), "AB 2024", {"fill": 0})],
    "holes": [("ellipse", [8, y, 20, y + 12], {"fill": 20}) for y in (100, 280)],
}


@pytest.mark.parametrize("marks", MARKS)
def test_marks_are_left_out_and_said(marks):
    levels = drawn(*MARKS[marks])
    assert overlap(levels) > 0.95
    assert prepare({"image": (255 * levels).astype(np.uint8)}).note.startswith("Left out of the sketch: ")


def test_nothing_of_a_clean_drawing_is_left_out():
    assert not prepare({"image": (255 * C).astype(np.uint8)}).note
