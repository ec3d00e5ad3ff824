"""Captions: what makers' names become, and that every way of saying it still says what the thing is."""

import random

import pytest

from wala_blender.training.data.captions import carries, clean, head_of, name_words, plural, vary


@pytest.mark.parametrize(
    ("written", "said", "noun"),
    [
        ("wooden chair low poly", "wooden chair", "chair"),
        ("table round small decorated", "round small decorated table", "table"),
        ("building type", "building", "building"),
        ("building story columns", "building with columns", "building"),
        ("building church", "church", "church"),
        ("tower building", "tower", "tower"),
        ("tree pine tall detailed", "tall detailed pine tree", "tree"),
        ("birch tree dead snow", "dead snowy birch tree", "tree"),
        ("rock moss", "mossy rock", "rock"),
        ("hanging moss", "hanging moss", "moss"),
        ("orange", "orange", "orange"),
        ("glass", "glass", "glass"),
        ("stairs stone", "stone stairs", "stairs"),
        ("crate carrots", "crate of carrots", "crate"),
        ("bookcase closed doors", "closed bookcase with doors", "bookcase"),
        ("food ingredient onion chopped", "chopped onion", "onion"),
        ("resource pine tree", "pine tree", "tree"),
        ("craft miner", "mining spaceship", "spaceship"),
        ("shark fish", "shark", "shark"),
        ("koi fish", "koi fish", "fish"),
        ("cow animal", "cow", "cow"),
        ("grip sniper gun part", "sniper rifle grip", "grip"),
        ("ar gun part", "rifle part", "part"),
        ("axe handed", "axe", "axe"),
        ("female sitting person", "woman sitting", "woman"),
        ("smooth female dress woman", "woman in dress", "woman"),
        ("king man", "king man", "man"),
        ("cop car lod", "police car", "car"),
        ("Kitchen Table", "kitchen table", "table"),
        ("numbers", "object", "object"),
        ("low poly", "object", "object"),
        ("narrow round", "object", "object"),
        ("", "object", "object"),
    ],
)
def test_captions_say_it_as_people_do(written, said, noun):
    assert clean(written) == said and head_of(said) == noun
    assert clean(said) == said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bathroomCabinetDrawer", ["bathroom", "cabinet", "drawer"]),
        ("SM_Chair_01a", ["sm", "chair"]),
        ("TVStand-low2", ["tv", "stand", "low"]),
        ("a1b2c3d4e5f60718", []),
        ("Käse und Brot", ["käse", "und", "brot"]),
        ("model_normalized", ["model", "normalized"]),
    ],
)
def test_names_fall_into_words(name, words):
    assert name_words(name) == words


def test_every_way_of_saying_it_keeps_the_noun():
    rng = random.Random(0)
    said = {vary("wooden chair low poly", "chair", rng) for _ in range(300)}
    assert len(said) > 12 and all("chair" in words for words in said) and any("chairs" in words for words in said)
    assert not any("a chairs" in words or "a wooden chairs" in words for words in said)
    said = {vary("apple", "", rng) for _ in range(100)}
    assert {"an apple", "a model of an apple"} <= said and "a apple" not in said
    assert not any(words.startswith(("a ro", "one ")) for words in (vary("rocks", "", rng) for _ in range(100)))
    assert all(vary("", "", rng).strip() for _ in range(50))


def test_linked_captions_are_never_cut_apart():
    rng = random.Random(1)
    said = [vary("crate carrots", "", rng) for _ in range(200)]
    assert all("of carrots" in words or "carrots" not in words for words in said) and any(
        "crates of carrots" in words for words in said
    )


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("chair", "chairs"),
        ("bush", "bushes"),
        ("bus", "buses"),
        ("berry", "berries"),
        ("key", "keys"),
        ("shelf", "shelves"),
        ("grass", "grass"),
        ("rocks", "rocks"),
        ("woman", "women"),
        ("glass", "glasses"),
    ],
)
def test_plurals(one, several):
    assert plural(one) == several


def test_a_noun_is_recognised_by_its_synonyms():
    assert carries("round red couch", "sofa") and carries("two boats", "ship") and carries("chair", "chair")
    assert not carries("armchair", "chair") and not carries("carpet", "car")
