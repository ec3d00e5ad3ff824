"""Pictures with stray transparent pixels, rounded corners or soft shadows, and prompts that are too long."""

import numpy as np
import pytest
from scipy import ndimage

from wala_blender.conditions import text
from wala_blender.conditions.background import object_in

pytestmark = pytest.mark.faults
Y, X = np.mgrid[-1:1:200j, -1:1:200j]


def ball(opaque: np.ndarray) -> np.ndarray:
    colour = np.where(X**2 + Y**2 < 0.25, 60, 240).astype(np.uint8)
    return np.dstack([colour] * 3 + [np.where(opaque, 255, 0).astype(np.uint8)])


ROUND = np.maximum(abs(X) - 0.6, 0) ** 2 + np.maximum(abs(Y) - 0.6, 0) ** 2 < 0.16
OPAQUE = {
    "a pixel": (X > -1) | (Y > -1),
    "a row": Y > -0.995,
    "rounded corners": ROUND,
    "inside": abs(X - 0.7) + abs(Y) > 0.03,
    "none": X < 2,
}


@pytest.mark.parametrize("name", OPAQUE)
def test_a_little_transparency_cuts_nothing_out(name):
    _, thing = object_in(ball(OPAQUE[name]))
    assert thing.mean() == pytest.approx(0.25 * np.pi / 4, rel=0.05)


def test_a_cut_out_stays_one():
    _, thing = object_in(ball(X**2 + Y**2 < 0.6))
    assert thing.mean() == pytest.approx(0.6 * np.pi / 4, rel=0.05)


@pytest.mark.parametrize(
    "prompt", ["zyzzyvalike quuxification grumblefrotz " * 2 + "chair", "a very " + "zyzzyvalike " * 9 + "red chair"]
)
def test_the_noun_of_a_long_prompt_is_read(prompt):
    pieces = text.WordPieces()
    assert pieces("chair")[0] in pieces(prompt)
    assert "“zyzzyvalike”" in text.prepare({"prompt": prompt}).note


def test_the_last_of_many_known_words_are_named():
    assert "not read: “table”" in text.prepare({"prompt": "chair " * 16 + "table"}).note


PAPERS = {"white": (255, 255, 255), "grey": (190, 190, 190), "blue": (140, 170, 220)}
SHADOWS = {
    "under it": (0.0, 0.45, 0.6, 0.14, 0.4, 14),
    "at its foot": (0.0, 0.5, 0.4, 0.05, 0.5, 6),
    "to one side": (0.45, 0.45, 0.5, 0.12, 0.3, 12),
    "dark": (0.0, 0.45, 0.6, 0.14, 0.6, 14),
    "wide": (0.0, 0.4, 0.7, 0.3, 0.6, 18),
}


def shaded_ball(colour: tuple[int, int, int], ground: tuple[int, int, int], shadow: np.ndarray) -> np.ndarray:
    """A ball of radius 0.5 lit from above on the left, before a background with a shadow (0 … 1)."""
    facing = np.sqrt(np.clip(0.25 - X**2 - Y**2, 0, None)) / 0.5
    light = 0.25 + 0.75 * np.clip(-0.42 * X / 0.5 - 0.7 * Y / 0.5 + 0.58 * facing, 0, 1)
    paper = np.array(ground) * (1 - shadow[..., None])
    return np.where((X**2 + Y**2 < 0.25)[..., None], np.array(colour) * light[..., None], paper).astype(np.uint8)


def shadow_of(name: str) -> np.ndarray:
    x, y, width, height, darkness, blur = SHADOWS[name]
    return darkness * ndimage.gaussian_filter(
        (((X - x) / width) ** 2 + ((Y - y) / height) ** 2 < 1).astype(float), blur / 2
    )


@pytest.mark.parametrize("shadow", SHADOWS)
@pytest.mark.parametrize("paper", PAPERS)
def test_a_soft_shadow_is_not_part_of_the_thing(paper, shadow):
    _, thing = object_in(shaded_ball((200, 60, 50), PAPERS[paper], shadow_of(shadow)))
    assert thing.mean() == pytest.approx(0.25 * np.pi / 4, rel=0.1)


@pytest.mark.parametrize("shadow", ["under it", "at its foot", "to one side"])
@pytest.mark.parametrize("grey", [50, 110, 170])
def test_a_grey_thing_with_a_grey_shadow_stays_whole(grey, shadow):
    _, thing = object_in(shaded_ball((grey, grey, grey), PAPERS["white"], shadow_of(shadow)))
    assert thing[X**2 + Y**2 < 0.23].mean() > 0.97
    assert thing.mean() == pytest.approx(0.25 * np.pi / 4, rel=0.1)


def test_a_side_as_grey_as_the_shadow_is_not_taken_for_it():
    top, front = (abs(X) < 0.35) & (Y > -0.6) & (Y <= 0.2), (abs(X) < 0.45) & (Y > 0.2) & (Y < 0.5)
    grey = np.where(front, 108, np.where(top, 60, 255 * (1 - shadow_of("wide"))))
    _, thing = object_in(np.stack([grey.astype(np.uint8)] * 3, -1))
    assert thing[top | front].mean() > 0.97


def test_a_grey_thing_without_an_edge_is_not_taken_for_a_shadow():
    blurred = ndimage.gaussian_filter(np.where(X**2 + Y**2 < 0.25, 120.0, 250.0), 12)
    _, thing = object_in(np.stack([blurred.astype(np.uint8)] * 3, -1))
    assert thing[X**2 + Y**2 < 0.2].all()


def test_a_shadow_catchers_shadow_is_not_part_of_the_thing():
    ball_here = X**2 + Y**2 < 0.25
    alpha = np.where(ball_here, 255, 255 * shadow_of("dark")).astype(np.uint8)
    assert (alpha[~ball_here] >= 128).any(), "the shadow is darker than what counts as transparent"
    _, thing = object_in(np.dstack([np.where(ball_here, 90, 0).astype(np.uint8)] * 3 + [alpha]))
    assert thing.mean() == pytest.approx(0.25 * np.pi / 4, rel=0.05)
