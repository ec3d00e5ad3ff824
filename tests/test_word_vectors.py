"""Word vectors: the compact table, nearness, words it lacks."""

import numpy as np
import pytest

from wala_blender.conditions.word_vectors import WordVectors, write_table
from wala_blender.errors import CheckpointError, InputError
from wala_blender.training.data.word_table import folder_words, make_word_table

WORDS = ["the", "car", "truck", "castle", "fortress", "dog", "toy"]


def source(tmp_path, words=WORDS):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(words), 50))
    for word, like in (("truck", "car"), ("fortress", "castle")):
        vectors[words.index(word)] = vectors[words.index(like)] + 0.3 * rng.normal(size=50)
    np.savez(tmp_path / "glove.npz", words=np.array("\n".join(words)), vectors=vectors.astype(np.float16))
    return tmp_path / "glove.npz", vectors


def test_a_table_keeps_the_directions_of_the_words(tmp_path):
    file, vectors = source(tmp_path)
    assert make_word_table(file, tmp_path / "words.npz", ["a dog"]) == len(WORDS)
    table = WordVectors.load(tmp_path / "words.npz")
    for word, vector in zip(WORDS, vectors):
        assert np.linalg.norm(table(word)) == pytest.approx(1, abs=1e-5)
        assert table(word) @ vector / np.linalg.norm(vector) > 0.999
    assert table.size == 50


def test_the_nearest_known_names_come_first(tmp_path):
    table = WordVectors(WORDS, source(tmp_path)[1])
    assert next(name for name, _ in table.nearest("fortress", ["car", "castle", "dog"])) == "castle"
    assert (
        table.nearest("trucks", ["toy car", "castle", "zzz"], 5)[0][0] == "toy car"
        and len(table.nearest("truck", ["zzz"])) == 0
    )
    assert table.nearest("zzz", ["car"]) == [] and table("zzz") is None
    assert table.unknown(["car", "zzz", "dogs", "zzz"]) == ["zzz"]


def test_words_of_captions_stay_in_a_short_table(tmp_path):
    file, _ = source(tmp_path)
    assert make_word_table(file, tmp_path / "words.npz", ["a toy"], count=3) == 3
    table = WordVectors.load(tmp_path / "words.npz")
    assert "toy" in table


def test_damaged_tables_are_told(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    with pytest.raises(CheckpointError, match="broken.npz"):
        WordVectors.load(tmp_path / "broken.npz")
    with pytest.raises(InputError, match="word vectors"):
        make_word_table(tmp_path / "broken.npz", tmp_path / "out.npz", [])
    write_table(tmp_path / "one.npz", ["car"], np.ones((1, 4)))
    assert WordVectors.load(tmp_path / "one.npz")("car") == pytest.approx([0.5] * 4)


def test_a_folder_keeps_its_table(tmp_path):
    write_table(tmp_path / "words.npz", ["car"], np.ones((1, 4)))
    before = (tmp_path / "words.npz").read_bytes()
    assert folder_words(tmp_path / "nowhere.npz", tmp_path, ["a car"])("car") == pytest.approx([0.5] * 4)
    assert (tmp_path / "words.npz").read_bytes() == before
    with pytest.raises(InputError, match="nowhere"):
        folder_words(tmp_path / "nowhere.npz", tmp_path / "other", ["a car"])
