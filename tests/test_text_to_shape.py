"""Words → six depth maps → shape, with two small models in the published format: as one command, as a job, and what may go wrong."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from published_models import SMALL_DINO, write_published
from test_cli import wala
from test_multiview import TINY, write_model, write_vocabulary

from runtime import jobs
from runtime.engine import Engine
from runtime.messages import Cancelled, JobFailed
from wala_blender import text_to_shape
from wala_blender.errors import InputError, ModelError
from wala_blender.geometry.meshes import read_mesh
from wala_blender.models import installing, licences
from wala_blender.models.licences import AUTODESK
from wala_blender.models.table import MODELS
from wala_blender.pipeline import Keep, Pipeline, Settings
from wala_blender.text_to_shape import load_maker

WORDS, SHAPES = "wala-mvdream-dm6", "wala-dm6-1b"
SIX = [3, 6, 10, 26, 49, 50]
NAMES = [f"depths_{view:02}.png" for view in SIX]


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("published")
    (folder / "words").mkdir()
    return {WORDS: write_vocabulary(write_model(folder / "words", training_views=SIX)), SHAPES: write_published("depths", folder / "maps")}


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """A models folder with nothing in it but the licence."""
    monkeypatch.setattr(text_to_shape, "CONFIG", TINY)
    monkeypatch.setattr("wala_blender.models.published.IMAGE_ENCODERS", SMALL_DINO)
    monkeypatch.setenv("WALA_MODELS", str(tmp_path / "models"))
    licences.accept(AUTODESK, WORDS, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def both(models, folders) -> Path:
    for name, folder in folders.items():
        installing.add(folder, models, name=name)
    return models


def test_every_model_of_views_has_a_model_that_takes_them():
    for row in MODELS.values():
        if row.makes == "views":
            taker = MODELS[row.published.shape_model]
            assert taker.makes == "shapes" and len(taker.published.views) == len(row.published.views) and len(taker.conditions) == 1


def test_one_command(both, capsys, tmp_path):
    given = ("--seed", 2, "--device", "cpu")
    code, out, err = wala(capsys, "generate", "--text", "a chair", "--model", WORDS, "--steps", 2, *given, "--out", tmp_path / "chair.glb")
    assert code == 0, err
    pictures = [tmp_path / f"chair_{name}" for name in NAMES]
    assert out.split()[:6] == list(map(str, pictures)) and f"({WORDS}, text, seed 2" in out
    with Image.open(pictures[0]) as picture:
        assert picture.size == (16, 16) and picture.text["prompt"] == "a chair" and picture.text["licence"] == AUTODESK.name
    content = (tmp_path / "chair.glb").read_bytes()
    told = json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])["asset"]["extras"]
    assert (told["model"], told["shape_model"], told["steps"], told["scale"], told["non_commercial"]) == (WORDS, SHAPES, 2, 10.0, True)

    # The pictures are all that the shape depends on: given back, they make the same; painted over, another.
    code, _, err = wala(capsys, "generate", "--depths", *pictures, "--model", SHAPES, *given, "--out", tmp_path / "again.glb")
    assert code == 0, err
    assert np.array_equal(read_mesh(tmp_path / "again.glb")[0], read_mesh(tmp_path / "chair.glb")[0])
    Image.linear_gradient("L").save(pictures[2])
    wala(capsys, "generate", "--depths", *pictures, "--model", SHAPES, *given, "--out", tmp_path / "painted.glb")
    painted = read_mesh(tmp_path / "painted.glb")[0]
    assert painted.shape != read_mesh(tmp_path / "chair.glb")[0].shape or not np.allclose(painted, read_mesh(tmp_path / "chair.glb")[0])


def job(folder: Path, **settings) -> Path:
    return jobs.write_job(folder, jobs.Request(jobs.new_id(), WORDS, "text", {"prompt": "a chair"}, **({"steps": 2} | settings)), {})


def test_one_job(both, tmp_path):
    engine, folder, stages = Engine("cpu"), job(tmp_path), []
    engine.run(folder, jobs.read_request(folder), lambda stage, step, steps: stages.append((stage, step, steps)))
    assert list(dict.fromkeys(stage for stage, _, _ in stages)) == ["load", "views", "condition", "sample", "decode", "surface"]
    assert [event for event in stages if event[0] == "views"] == [("views", 0, 2), ("views", 1, 2)]
    assert len([event for event in stages if event[0] == "sample"]) == 10       # as the shape's own model has it
    assert [(view.condition, view.index) for view in jobs.read_views(folder)] == [("depths", view) for view in SIX]
    record = jobs.read_result(folder).record
    assert record["timings"].keys() == {stage for stage, _, _ in stages}
    assert {name: record[name] for name in ("model", "condition", "scale", "steps", "shape_model", "shape_scale", "shape_steps")} == {
        "model": WORDS, "condition": "text", "scale": 10.0, "steps": 2, "shape_model": SHAPES, "shape_scale": 1.5, "shape_steps": 10}
    assert record["weight_hash"] != record["shape_weight_hash"] and record["ai_generated"] and record["frame"] is None


def test_a_failure_of_the_second_model_keeps_the_maps(both, tmp_path, monkeypatch):
    def fail(*arguments):
        raise InputError("no", "Try again.")

    monkeypatch.setattr(Pipeline, "_generate", fail)
    folder = job(tmp_path)
    with pytest.raises(JobFailed, match="no. Try again"):
        Engine("cpu").run(folder, jobs.read_request(folder), lambda *event: None)
    assert sorted(path.name for path in (folder / "result").iterdir()) == NAMES


@pytest.mark.parametrize("stage,kept", [("views", []), ("sample", NAMES)])
def test_cancelling_between_two_steps(both, tmp_path, stage, kept):
    def stop(name, step, steps):
        if (name, step) == (stage, 1):
            raise Cancelled

    folder = job(tmp_path)
    with pytest.raises(Cancelled):
        Engine("cpu").run(folder, jobs.read_request(folder), stop)
    assert [view.path.name for view in jobs.read_views(folder)] == kept


def test_the_models_take_turns(both, monkeypatch):
    """No network of the first is left when the second is loaded."""
    left = []

    def load(*arguments):
        left.append([thing for thing in __import__("gc").get_objects() if type(thing).__name__ == "TextToViews"])
        raise ModelError("far enough")

    monkeypatch.setattr(text_to_shape.Pipeline, "load", load)
    with pytest.raises(ModelError, match="far enough"):
        load_maker(WORDS, "cpu").generate("text", {"prompt": "a"}, Settings(WORDS, steps=2))
    assert left == [[]]


def test_low_memory_reaches_both(both, monkeypatch):
    asked = []
    monkeypatch.setattr("wala_blender.memory.ways", lambda mode, device: (mode == "on",))
    really = text_to_shape.TextToViews.load
    monkeypatch.setattr(text_to_shape.TextToViews, "load", lambda *given: (asked.append(given[-1]), really(*given))[1])
    taken_up = Pipeline._take_up
    monkeypatch.setattr(Pipeline, "_take_up", lambda self, in_turns: (asked.append(in_turns), taken_up(self, in_turns))[1])
    latents = []
    for mode in ("on", "off"):
        load_maker(WORDS, "cpu", mode).generate("text", {"prompt": "a"}, Settings(WORDS, steps=2), keep=Keep(latent=latents.append))
    assert set(asked[: len(asked) // 2]) == {True} and set(asked[len(asked) // 2 :]) == {False}
    assert torch.equal(*map(torch.from_numpy, latents))


def test_what_is_not_installed_is_named_before_anything_is_made(models, folders, capsys, tmp_path):
    given = ("generate", "--text", "a chair", "--model", WORDS, "--out", tmp_path / "chair.glb")
    code, _, err = wala(capsys, *given)
    assert code == 1 and f"wala models fetch {WORDS}, wala models fetch {SHAPES}" in err and err.count("\n") == 1
    installing.add(folders[WORDS], models, name=WORDS)
    code, _, err = wala(capsys, *given)
    assert code == 1 and f"Fetch: wala models fetch {SHAPES}" in err and f"fetch {WORDS}" not in err


@pytest.mark.parametrize("condition,settings,words", [("sketch", {}, "takes no sketch. It takes: text"), ("text", {"steps": 1}, "number of steps is 1"),
                                                      ("text", {"scale": 200.0}, "guidance scale is 200")])
def test_unusable_settings_are_told_before_a_model_is_loaded(both, condition, settings, words):
    said = []
    with pytest.raises((InputError, ModelError), match=words):
        load_maker(WORDS, "cpu").generate(condition, {"prompt": "a"}, Settings(WORDS, **settings), lambda *event: said.append(event))
    assert said == []


def test_the_models_name_each_other_in_the_list(models, capsys):
    assert f"scale 10, 50 steps, makes views for {SHAPES}" in wala(capsys, "models")[1]
