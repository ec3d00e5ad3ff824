"""Exemplars: which training shape a prompt starts from, and what becomes of it."""

import dataclasses

import numpy as np
import pytest
from shapes import box, write_collection

from wala_blender.conditions.prompts import content_words
from wala_blender.conditions.word_vectors import WordVectors
from wala_blender.errors import CheckpointError, InputError
from wala_blender.exemplars import Exemplars, load_exemplars, write_exemplars
from wala_blender.inputs import TextInput
from wala_blender.pipeline import Pipeline, Settings
from wala_blender.training.data.mesh_datasets import read_records
from wala_blender.training.exemplar_selection import build, candidates, select

NAMES = [["chair"], ["office chair", "swivel chair"], ["pine tree"], ["tree"], ["tree"], ["truck", "lorry"]]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    latents = [np.full((4, 12, 12, 12), number / 2, np.float32) for number in range(len(NAMES))]
    path = tmp_path_factory.mktemp("model") / "exemplars.npz"
    write_exemplars(path, [f"kit/{number}" for number in range(len(NAMES))], NAMES, latents)
    return path


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline.load("starter", "cpu")


@pytest.mark.parametrize(
    ("prompt", "noun"),
    [
        ("a chair", ["chair"]),
        ("Two pine trees", ["pine", "tree"]),
        ("a red and white mushroom", ["red", "white", "mushroom"]),
        ("a built-in fridge made of steel", ["built", "fridge"]),
        ("a cottage in the woods", ["cottage"]),
        ("glass", ["glass"]),
        ("of", ["of"]),
        ("…", []),
    ],
)
def test_the_noun_is_the_last_of_a_prompts_content_words(prompt, noun):
    assert content_words(prompt) == noun


@pytest.mark.parametrize(
    ("prompt", "chosen"),
    [
        ("a chair", {0, 1}),
        ("an office chair", {1}),
        ("a swivel chair with wheels", {1}),
        ("a pine tree", {2}),
        ("trees", {2, 3, 4}),
        ("a lorry", {5}),
        ("a car", {5}),  # by its vector
        ("a fish", set()),
        ("…", set()),
    ],
)
def test_a_prompt_starts_from_what_it_names(file, prompt, chosen):
    exemplars = Exemplars.load(file)
    vectors = WordVectors(["truck", "car", "tree", "fish"], np.array([[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0, 1]]))
    found = [exemplars.choose(prompt, vectors, seed) for seed in range(6)]
    assert {exemplar.id for exemplar in found if exemplar} == {f"kit/{number}" for number in chosen}
    assert all(
        exemplar is None or np.allclose(exemplar.latent, int(exemplar.id[4:]) / 2, atol=0.05) for exemplar in found
    )


def test_seeds_take_turns_and_the_plainest_name_comes_first(file):
    exemplars = Exemplars.load(file)
    assert [exemplars.choose("a tree", None, seed).id for seed in range(4)] == ["kit/3", "kit/4", "kit/2", "kit/3"]


def test_without_vectors_only_names_count(file):
    exemplars, vectors = load_exemplars(file)
    assert vectors is None and len(exemplars) == len(NAMES)
    assert exemplars.choose("a car", None, 0) is None and exemplars.choose("a truck", None, 0).caption == "truck"


def test_damaged_exemplars_are_told(tmp_path):
    (tmp_path / "exemplars.npz").write_bytes(b"no archive")
    with pytest.raises(CheckpointError, match=r"exemplars\.npz"):
        Exemplars.load(tmp_path / "exemplars.npz")


def test_originality_goes_from_the_training_shape_to_noise(pipeline):
    """At 0 the latent is the exemplar's, then ever farther from it; at 1 the exemplar does not matter."""

    def latent(**inputs) -> np.ndarray:
        return pipeline.generate_latent("text", {"prompt": "a chair"} | inputs, Settings(steps=4))[0].numpy()

    exemplar = pipeline.exemplar("text", {"prompt": "a chair"}, 0)
    assert "chair" in exemplar.caption
    away = [np.abs(latent(originality=share) - exemplar.latent).mean() for share in (0.0, 0.2, 0.8)]
    assert away[0] == 0 < away[1] < away[2] / 2
    assert np.array_equal(latent(), latent(originality=0.3)) and not np.array_equal(latent(), latent(originality=1.0))


def test_a_model_without_exemplars_starts_from_noise(pipeline, monkeypatch, tmp_path):
    from_noise = pipeline.generate_latent("text", {"prompt": "a chair", "originality": 1.0}, Settings(steps=2))[0]
    monkeypatch.setattr(pipeline, "row", dataclasses.replace(pipeline.row, weights=tmp_path / "model.safetensors"))
    for inputs in ({}, {"originality": 0.2}):
        made = pipeline.generate_latent("text", {"prompt": "a chair"} | inputs, Settings(steps=2))[0]
        assert np.array_equal(made.numpy(), from_noise.numpy())


def test_the_record_names_the_exemplar_and_variations_have_their_own(pipeline):
    made = pipeline.variations(TextInput("a tree"), None, Settings(steps=2, quality="draft"), [0, 1])
    alone = pipeline.generate(TextInput("a tree"), None, Settings(steps=2, quality="draft", seed=1))
    exemplar = pipeline.exemplar("text", {"prompt": "a tree"}, 1)
    assert made[1].record["exemplar"] == alone.record["exemplar"] == {"id": exemplar.id, "caption": exemplar.caption}
    assert exemplar.caption in alone.record["note"] and alone.record["originality"] == 0.3
    assert np.allclose(made[1].latent, alone.latent, atol=1e-4)
    assert pipeline.generate("none", {}, Settings(steps=2, quality="draft")).record["exemplar"] is None


@pytest.mark.parametrize("value", [-0.1, 1.1, "much", True, float("nan")])
def test_an_originality_is_a_share(pipeline, value):
    with pytest.raises(InputError, match="originality"):
        pipeline.generate(TextInput("a chair", originality=value))


def test_shapes_become_exemplars(pipeline, tmp_path):
    """One of every kind first; other licences, adjectives and nameless shapes are left out."""
    shape = box((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3))
    captions = ["large crate", "crate", "crate", "wooden", "barrel", "object"]
    write_collection(tmp_path, "kit", [shape] * 6, caption=captions, licence=["CC0-1.0"] * 4 + ["MIT", "CC0-1.0"])
    records = read_records(tmp_path)
    vectors = WordVectors(["crate"], np.ones((1, 3)))
    found = candidates(records, "CC0-1.0", vectors)
    assert {noun: [record.caption for record in some] for noun, some in found.items()} == {
        "crate": ["crate", "crate", "large crate"]
    }
    kept = list(select(pipeline, records, "CC0-1.0", vectors, tmp_path / "latents"))
    assert [record.caption for record, _ in kept] == ["crate"] and kept[0][1].shape == (4, 12, 12, 12)
    np.savez(tmp_path / "vectors.npz", words=np.array("crate\nbox"), vectors=np.eye(2, 3, dtype=np.float16))
    assert build(pipeline, tmp_path, "CC0-1.0", tmp_path / "vectors.npz", tmp_path / "out") == 1
    exemplars, table = load_exemplars(tmp_path / "out" / "exemplars.npz")
    assert len(exemplars) == 1 and exemplars.choose("a crate", table, 3).caption == "crate"
    with pytest.raises(InputError, match="no shape"):
        build(pipeline, tmp_path, "none", tmp_path / "vectors.npz", tmp_path / "out")
    again = list(select(None, records, "CC0-1.0", vectors, tmp_path / "latents"))  # from the folder
    assert np.array_equal(again[0][1], kept[0][1])
