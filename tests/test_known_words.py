"""Words that a model knows, and the nearest to those that it doesn't."""

import pytest

from wala_blender.conditions.word_vectors import WordVectors
from wala_blender.errors import CheckpointError
from wala_blender.known_words import KnownWords
from wala_blender.models.registry import STARTER_FOLDER

VECTORS = WordVectors(["chair", "stool", "throne", "lamp"], [[1, 0, 0], [0.5, 0.8, 0], [0.95, 0.3, 0], [0, 0, 1]])


@pytest.fixture(scope="module")
def starter():
    return KnownWords.load(STARTER_FOLDER)


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("a chair", []),
        ("two red pine trees with a crimson Chair", []),
        ("a chiar", [("chiar", ["chair"])]),
        ("a zeppelin over a chair", [("zeppelin", [])]),
        ("", []),
        ("2 × 4, …", []),
    ],
)
def test_unknown_words_of_a_prompt_for_the_starter(starter, prompt, unknown):
    assert starter.unknown(prompt) == unknown


def test_a_noun_has_the_nearest_ones_beside_it(starter):
    [(word, nearest)] = starter.unknown("an old mosque")
    assert word == "mosque" and "church" in nearest and len(nearest) <= 3
    assert all(starter.knows(one) for one in nearest)


def test_what_stands_for_a_name_is_known():
    known = KnownWords(["chair", "desk lamp"], [], VECTORS)
    assert known.knows("throne") and not known.knows("stool") and known.nearest("stool") == ["chair"]
    assert known.unknown("a lamp stool on a zyx") == [("stool", ["chair"]), ("zyx", [])]


def test_a_model_without_exemplars_and_vectors_has_its_captions_words(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {"chair": 1, "##s": 2, "a": 3}}}')
    known = KnownWords.load(tmp_path)
    assert known.unknown("a chair and a table") == [("table", [])]


def test_missing_word_pieces_are_told(tmp_path):
    with pytest.raises(CheckpointError, match="word pieces"):
        KnownWords.load(tmp_path)
