"""Pictures with stray transparent pixels or rounded corners, and prompts that are too long."""

import numpy as np
import pytest

from wala_blender.conditions import text
from wala_blender.conditions.cut_out import thing_in

pytestmark = pytest.mark.faults
Y, X = np.mgrid[-1:1:200j, -1:1:200j]


def ball(opaque: np.ndarray) -> np.ndarray:
    colour = np.where(X**2 + Y**2 < 0.25, 60, 240).astype(np.uint8)
    return np.dstack([colour] * 3 + [np.where(opaque, 255, 0).astype(np.uint8)])


ROUND = np.maximum(abs(X) - 0.6, 0) ** 2 + np.maximum(abs(Y) - 0.6, 0) ** 2 < 0.16
OPAQUE = {"a pixel": (X > -1) | (Y > -1), "a row": Y > -0.995, "rounded corners": ROUND, "inside": abs(X - 0.7) + abs(Y) > 0.03, "none": X < 2}


@pytest.mark.parametrize("name", OPAQUE)
def test_a_little_transparency_cuts_nothing_out(name):
    _, thing = thing_in(ball(OPAQUE[name]))
    assert thing.mean() == pytest.approx(0.25 * np.pi / 4, rel=0.05)


def test_a_cut_out_stays_one():
    _, thing = thing_in(ball(X**2 + Y**2 < 0.6))
    assert thing.mean() == pytest.approx(0.6 * np.pi / 4, rel=0.05)


@pytest.mark.parametrize("prompt", ["zyzzyvalike quuxification grumblefrotz " * 2 + "chair", "a very " + "zyzzyvalike " * 9 + "red chair"])
def test_the_noun_of_a_long_prompt_is_read(prompt):
    pieces = text.WordPieces()
    assert pieces("chair")[0] in pieces(prompt)
    assert "“zyzzyvalike”" in text.prepare({"prompt": prompt}).note


def test_the_last_of_many_known_words_are_named():
    assert "not read: “table”" in text.prepare({"prompt": "chair " * 16 + "table"}).note
