"""Colouring: what is asked for, what a picture shows, and what exemplars leave open."""

import numpy as np
import pytest
from shapes import box, joined, sphere

from wala_blender.colour.colouring import Asked, Colouring
from wala_blender.colour.exemplars import COLOURS, POINTS, ColourExemplars, ExemplarTable
from wala_blender.colour.inputs import asked_by
from wala_blender.colour.picture import shown_colours
from wala_blender.colour.surface import ColourPoints
from wala_blender.colour.words import asked_colours, word_features
from wala_blender.conditions.word_vectors import WordVectors
from wala_blender.errors import CheckpointError
from wala_blender.evaluation.colours import flat_picture
from wala_blender.geometry.colour_spaces import NAMES, main_name, names_of
from wala_blender.training.colour_table import few_colours, is_free

RED, BLUE, GREEN, BROWN = (210, 30, 30), (40, 80, 210), (40, 160, 50), (120, 75, 40)
WORDS = WordVectors(["tree", "car", "house"], np.eye(3))
TREE = joined(box((-0.1, -0.9, -0.1), (0.1, -0.2, 0.1)), sphere(0.5, (0, 0.3, 0), rings=24))


def table() -> ExemplarTable:
    """A tree, green above and brown below, and a car of one red."""
    rng = np.random.default_rng(0)
    points = rng.integers(0, 256, (2, POINTS, 3)).astype(np.uint8)
    labels = np.stack([np.where(points[0, :, 1] < 90, 1, 0), np.zeros(POINTS, int)]).astype(np.uint8)
    colours = np.array([[GREEN] + [BROWN] * (COLOURS - 1), [RED] * COLOURS], np.uint8)
    extents = np.array([[128, 255, 128], [128, 240, 128]], np.uint8)
    return ExemplarTable(points, np.zeros((2, POINTS, 3), np.int8), labels, colours, extents, ("tree", "car"))


@pytest.fixture
def colouring():
    return Colouring(ColourExemplars(table(), WORDS))


def main_of(colouring, prompt, **further):
    vertices, faces = TREE
    return NAMES[main_name(colouring.colours(vertices, faces, Asked(prompt, **further)))[0]]


def test_words_choose_the_exemplar_and_its_parts_lie_where_they_are(colouring):
    vertices, faces = TREE
    colours = colouring.colours(vertices, faces, Asked("a tree", None))
    height = vertices[faces].mean(axis=1)[:, 1]
    assert (colours[height > 0] == GREEN).all() and (colours[height < -0.6] == BROWN).all()
    assert main_of(colouring, "the car", seed=None) == "red"


@pytest.mark.parametrize("name", NAMES)
def test_an_asked_colour_is_the_main_one(colouring, name):
    assert main_of(colouring, f"a {name} tree") == name


def test_a_second_colour_is_there_as_well(colouring):
    vertices, faces = TREE
    names = {NAMES[name] for name in names_of(colouring.colours(vertices, faces, Asked("a blue tree with yellow")))}
    assert names == {"blue", "yellow"}


def test_a_seed_gives_the_same_colours_and_others_differ(colouring):
    vertices, faces = TREE
    results = [colouring.colours(vertices, faces, Asked("", seed)) for seed in (1, 1, *range(2, 30))]
    assert np.array_equal(results[0], results[1])
    assert len({tuple(result[0]) + tuple(result[-1]) for result in results}) > 1


def test_the_seen_side_has_the_picture_s_colours(colouring):
    vertices, faces = TREE
    true = np.where(vertices[faces].mean(axis=1)[:, 1:2] > -0.2, BLUE, RED).astype(np.uint8)
    picture = shown_colours(flat_picture(vertices, faces, true, 15.0))
    colours = colouring.colours(vertices, faces, Asked("a tree", 0, picture, 15.0))
    front = vertices[faces].mean(axis=1)[:, 2] > 0.05
    assert (names_of(colours)[front] == names_of(true)[front]).mean() > 0.93
    assert (names_of(colours) == names_of(true)).mean() > 0.85


def test_smoothing_stops_at_creases_and_removes_specks():
    surface = ColourPoints.of(*box())
    on_top = surface.normals[:, 1] > 0.5
    noisy = on_top ^ (np.random.default_rng(1).random(len(on_top)) < 0.3)  # three in ten are wrong
    smooth = surface.smoothed(np.eye(2)[noisy.astype(int)], 60).argmax(axis=1)
    assert np.mean(smooth == on_top) > 0.99
    speck = np.linalg.norm(surface.points - (0, 0.5, 0), axis=1) < 0.05
    assert 0 < speck.sum() < 250
    cleaned = surface.without_specks(np.eye(3)[np.where(speck, 2, on_top)])
    assert np.array_equal(cleaned.argmax(axis=1), on_top)


def test_a_drawing_s_lines_are_no_colours():
    picture = np.full((64, 64, 3), 255, np.uint8)
    picture[20:40, 20:40] = RED
    assert asked_by("sketch", {"image": picture, "prompt": "a red box"}, 3) == Asked("a red box", 3)
    assert asked_by("image", {"image": picture}, 3).picture is not None


@pytest.mark.parametrize(
    ("prompt", "names"),
    [("a red mushroom", ["red"]), ("Golden crown with crimson", ["yellow", "red"]), ("a chair", []), ("orangeade", [])],
)
def test_colours_in_a_prompt(prompt, names):
    assert [NAMES[one] for one in asked_colours(prompt)] == names


def test_a_colour_says_nothing_of_the_thing():
    assert np.array_equal(word_features("a red tree", WORDS), word_features("tree", WORDS))
    assert not word_features("a red zyx", WORDS).any()


def test_few_colours_of_many():
    rng = np.random.default_rng(0)
    near = np.clip(np.array([RED] * 60 + [BLUE] * 40) + rng.integers(-2, 3, (100, 3)), 0, 255).astype(np.uint8)
    palette, labels = few_colours(near)
    assert np.bincount(labels).tolist() == [60, 40] and np.abs(palette[:2].astype(int) - [RED, BLUE]).max() <= 2


def test_a_table_comes_back_and_a_damaged_one_is_told(tmp_path):
    table().write(tmp_path / "table.npz")
    again = ExemplarTable.load(tmp_path / "table.npz")
    assert again.captions == ("tree", "car") and np.array_equal(again.colours, table().colours)
    (tmp_path / "table.npz").write_bytes(b"no")
    with pytest.raises(CheckpointError, match="cannot be read"):
        ExemplarTable.load(tmp_path / "table.npz")


def test_the_shipped_exemplars_colour_a_shape_in_a_second():
    surface = ColourPoints.of(*TREE)
    palette, values = Colouring.shipped().chosen(surface, Asked("a tree", None))
    assert "green" in {NAMES[name] for name in names_of(palette[np.unique(values.argmax(axis=1))])}


@pytest.mark.parametrize(("licence", "free"), [("CC0-1.0", True), ("", True), ("CC-BY-4.0", False), ("MIT", False)])
def test_no_points_of_shapes_that_ask_for_credit_are_in_the_table(licence, free):
    assert is_free(licence) == free
