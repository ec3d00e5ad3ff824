"""Words → six depth maps → shape, with two small models in the published format: as one command, as a job, and what may
go wrong."""

import json
import struct
import weakref
from pathlib import Path

import numpy as np
import pytest
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
from wala_blender.models import install, licences
from wala_blender.models.licences import AUTODESK
from wala_blender.models.registry import MODELS
from wala_blender.pipeline import Pipeline, ResultCallbacks, Settings
from wala_blender.text_to_shape import load_pipeline

WORDS, SHAPES = "wala-mvdream-dm6", "wala-dm6-1b"
SIX = [3, 6, 10, 26, 49, 50]
NAMES = [f"depths_{view:02}.png" for view in SIX]


def write_folders(parent: Path) -> dict[str, Path]:
    """Model → a folder with the files of a small one."""
    (parent / "words").mkdir(parents=True)
    return {
        WORDS: write_vocabulary(write_model(parent / "words", training_views=SIX)),
        SHAPES: write_published("depths", parent / "maps"),
    }


def use(models: Path, patch: pytest.MonkeyPatch) -> Path:
    """Make that the models folder, with the licence accepted, for small models."""
    patch.setattr(text_to_shape, "CONFIG", TINY)
    patch.setattr("wala_blender.models.published_config.IMAGE_ENCODERS", SMALL_DINO)
    patch.setenv("WALA_MODELS", str(models))
    licences.accept(AUTODESK, WORDS, models)
    return models


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A models folder with both models."""
    folder = tmp_path_factory.mktemp("both")
    with pytest.MonkeyPatch.context() as patch:
        use(folder / "models", patch)
        for name, source in write_folders(folder).items():
            install.add(source, folder / "models", name=name)
        yield folder / "models"


def test_every_model_of_views_has_a_model_that_takes_them():
    for row in MODELS.values():
        if row.makes == "views":
            taker = MODELS[row.published.shape_model]
            assert (
                taker.makes == "shapes"
                and len(taker.published.views) == len(row.published.views)
                and len(taker.conditions) == 1
            )


def test_one_command(both, capsys, tmp_path):
    given = ("--seed", 2, "--device", "cpu")
    code, out, err = wala(
        capsys, "generate", "--text", "a chair", "--model", WORDS, "--steps", 2, *given, "--out", tmp_path / "chair.glb"
    )
    assert code == 0, err
    pictures = [tmp_path / f"chair_{name}" for name in NAMES]
    assert out.split()[:6] == list(map(str, pictures)) and f"({WORDS}, text, seed 2" in out
    with Image.open(pictures[0]) as picture:
        assert (
            picture.size == (16, 16)
            and picture.text["prompt"] == "a chair"
            and picture.text["licence"] == AUTODESK.name
        )
    content = (tmp_path / "chair.glb").read_bytes()
    told = json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])["asset"]["extras"]
    assert (told["model"], told["shape_model"], told["steps"], told["scale"], told["non_commercial"]) == (
        WORDS,
        SHAPES,
        2,
        10.0,
        True,
    )

    # The pictures are all that the shape depends on: given back, they make the same.
    code, _, err = wala(
        capsys, "generate", "--depths", *pictures, "--model", SHAPES, *given, "--out", tmp_path / "again.glb"
    )
    assert code == 0, err
    assert np.array_equal(read_mesh(tmp_path / "again.glb")[0], read_mesh(tmp_path / "chair.glb")[0])


def job(folder: Path, **settings) -> Path:
    return jobs.write_job(
        folder, jobs.Request(jobs.new_id(), WORDS, "text", {"prompt": "a chair"}, **({"steps": 2} | settings)), {}
    )


def test_one_job(both, tmp_path):
    engine, folder, stages = Engine("cpu"), job(tmp_path), []
    engine.run(folder, jobs.read_request(folder), lambda stage, step, steps: stages.append((stage, step, steps)))
    assert list(dict.fromkeys(stage for stage, _, _ in stages)) == [
        "load",
        "views",
        "condition",
        "sample",
        "decode",
        "surface",
        "finish",
    ]
    assert [event for event in stages if event[0] == "views"] == [("views", 0, 2), ("views", 1, 2)]
    assert len([event for event in stages if event[0] == "sample"]) == 10  # as the shape's own model has it
    assert [(view.condition, view.index) for view in jobs.read_views(folder)] == [("depths", view) for view in SIX]
    record = jobs.read_result(folder).record
    assert record["timings"].keys() == {stage for stage, _, _ in stages}
    assert {
        name: record[name]
        for name in ("model", "condition", "scale", "steps", "shape_model", "shape_scale", "shape_steps")
    } == {
        "model": WORDS,
        "condition": "text",
        "scale": 10.0,
        "steps": 2,
        "shape_model": SHAPES,
        "shape_scale": 1.5,
        "shape_steps": 10,
    }
    assert record["weight_hash"] != record["shape_weight_hash"] and record["ai_generated"] and record["frame"] is None


def test_a_failure_of_the_second_model_keeps_the_maps(both, tmp_path, monkeypatch):
    def fail(*arguments):
        raise InputError("no", "Try again.")

    monkeypatch.setattr(Pipeline, "_generate", fail)
    folder = job(tmp_path)
    with pytest.raises(JobFailed, match="no. Try again"):
        Engine("cpu").run(folder, jobs.read_request(folder), lambda *event: None)
    assert sorted(path.name for path in (folder / "result").iterdir()) == NAMES


@pytest.mark.parametrize(("stage", "kept"), [("views", []), ("sample", NAMES)])
def test_cancelling_between_two_steps(both, tmp_path, stage, kept):
    def stop(name, step, steps):
        if (name, step) == (stage, 1):
            raise Cancelled

    folder = job(tmp_path)
    with pytest.raises(Cancelled):
        Engine("cpu").run(folder, jobs.read_request(folder), stop)
    assert [view.path.name for view in jobs.read_views(folder)] == kept


class FarEnough(Exception):
    pass


def latent_of(prompt: str, low_memory: str = "off") -> np.ndarray:
    """The latent, without the mesh."""
    latents = []

    def stop(latent):
        latents.append(latent)
        raise FarEnough

    with pytest.raises(FarEnough):
        load_pipeline(WORDS, "cpu", low_memory).generate(
            "text", {"prompt": prompt}, Settings(WORDS, steps=2), keep=ResultCallbacks(latent=stop)
        )
    return latents[0]


def test_the_models_take_turns_in_memory_and_in_low_memory_mode_their_networks_too(both, monkeypatch):
    views, asked, left = [], [], []
    load, take_up = text_to_shape.TextToViews.load, Pipeline._take_up

    def load_views(*given):
        asked.append(given[-1])
        model = load(*given)
        views.append(weakref.ref(model))
        return model

    def take_up_shapes(pipeline, sequential_offload):
        asked.append(sequential_offload)
        left.extend(model() for model in views)
        take_up(pipeline, sequential_offload)

    monkeypatch.setattr("wala_blender.offload.offload_modes", lambda mode, device: (mode == "on",))
    monkeypatch.setattr(text_to_shape.TextToViews, "load", load_views)
    monkeypatch.setattr(Pipeline, "_take_up", take_up_shapes)
    offloaded = latent_of("a chair", "on")
    assert set(asked) == {True} and len(left) > 0 and set(left) == {None}
    asked.clear()
    assert np.array_equal(latent_of("a chair", "off"), offloaded) and set(asked) == {False}
    assert not np.array_equal(latent_of("a lamp", "off"), offloaded)


def test_what_is_not_installed_is_named_before_anything_is_made(capsys, tmp_path, monkeypatch):
    models = use(tmp_path / "models", monkeypatch)
    given = ("generate", "--text", "a chair", "--model", WORDS, "--out", tmp_path / "chair.glb")
    code, _, err = wala(capsys, *given)
    assert code == 1 and f"wala models fetch {WORDS}, wala models fetch {SHAPES}" in err and err.count("\n") == 1
    (tmp_path / "words").mkdir()
    install.add(write_vocabulary(write_model(tmp_path / "words")), models, name=WORDS)
    code, _, err = wala(capsys, *given)
    assert code == 1 and f"Fetch: wala models fetch {SHAPES}" in err and f"fetch {WORDS}" not in err


@pytest.mark.parametrize(
    ("condition", "settings", "words"),
    [
        ("sketch", {}, "takes no sketch"),
        ("text", {"steps": 1}, "number of steps is 1"),
        ("text", {"scale": 200.0}, "guidance scale is 200"),
    ],
)
def test_unusable_settings_are_told_before_a_model_is_loaded(both, condition, settings, words):
    said = []
    with pytest.raises((InputError, ModelError), match=words):
        load_pipeline(WORDS, "cpu").generate(
            condition, {"prompt": "a"}, Settings(WORDS, **settings), lambda *event: said.append(event)
        )
    assert said == []


def test_the_list_says_whom_the_views_are_for(capsys):
    assert f"scale 10, 50 steps, makes views for {SHAPES}" in wala(capsys, "models")[1]
