"""Colour volumes from pictures to a coloured mesh in miniature: both trainings, killed and resumed, export, evaluation,
and generation."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from shapes import box, write_collection

from wala_blender.cli.main import main
from wala_blender.configuration import read_settings
from wala_blender.errors import InputError, ModelError
from wala_blender.evaluation import volume_samples, volume_sheet
from wala_blender.evaluation.volumes import evaluate_volumes, lines_of
from wala_blender.inputs import TextInput
from wala_blender.models import registry
from wala_blender.models.volume_model import load_volume_model
from wala_blender.networks.configs import GridUNetConfig, VolumeModelConfig
from wala_blender.pipeline import Settings
from wala_blender.text_to_shape import load_pipeline
from wala_blender.training import autodecoder_training, volume_denoiser_training
from wala_blender.training.autodecoder_training import (
    AutodecoderTraining,
    drawn_rays,
    load_autodecoder,
    pictures_of,
    view_scores,
)
from wala_blender.training.data.mesh_datasets import read_records
from wala_blender.training.loop import Loop, LoopSettings
from wala_blender.training.settings import CONFIGURATIONS
from wala_blender.training.volume_denoiser_training import VolumeDenoiserTraining, export_volumes
from wala_blender.training.volume_pictures import PictureSettings

LOOP = LoopSettings(steps=4, warmup=0.1, save_minutes=0.0, validations=1, bfloat16=False, weight_decay=0.0)
AUTODECODER = AutodecoderTraining(
    PictureSettings(("car", "tree"), 2, views=8, size=16, held_out_every=4),
    embedding=8,
    widths=(16, 8, 8),
    loop=LOOP,
    batch=2,
    views=2,
    rays=8,
    samples=8,
)
DENOISER = VolumeDenoiserTraining((32, 32), LOOP, batch=2)
MODEL = VolumeModelConfig(GridUNetConfig(8, 8, (32, 32)), (8, 8))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folders with four boxes, two of them cars, and with their two colours each."""
    folder, beside = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("colours")
    boxes = [box((-0.5, -0.2 - 0.05 * i, -0.3), (0.5, 0.2 + 0.05 * i, 0.3)) for i in range(4)]
    ids = [f"kit/{name}" for name in "bcde"]
    fields = {"id": ids, "caption": ["car", "tree", "fast car", "tree"], "licence": ["CC0-1.0"] * 4}
    write_collection(folder, "kit", boxes, **fields)
    pairs = (((220, 30, 30), (20, 20, 20)), ((40, 160, 50), (120, 75, 40)), ((40, 80, 210), (0, 0, 0)))
    colours = [np.where(np.arange(12)[:, None] < 10, *pairs[i % 3]) for i in range(4)]
    np.savez(beside / "kit_colours.npz", face_colours=np.concatenate(colours).astype(np.uint8))
    lines = [{"index": i, "id": name, "state": "aligned", "colours": 2} for i, name in enumerate(ids)]
    (beside / "kit_colours.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert len(read_records(folder, "train")) == 4
    return folder, beside


class Killed(Exception):
    pass


def whole_and_resumed(train, folder, name: str) -> list[dict]:
    """The network of a run that goes through, and of one that is killed at its second save and goes on."""
    real, saves = Loop.save, []

    def save(loop):
        real(loop)
        saves.append(loop.steps)
        if len(saves) == 2:
            raise Killed

    train(folder / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loop, "save", save)
        with pytest.raises(Killed):
            train(folder / "killed")
    assert saves == [1, 2]
    train(folder / "killed")
    return [torch.load(folder / run / name, weights_only=True)["state"] for run in ("whole", "killed")]


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """Runs of both stages, as long as it takes to tell the boxes."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("autodecoder", "denoiser"))
    loop = replace(LOOP, learning_rate=1e-2, save_minutes=9.0, average_samples=40.0)
    settings = replace(AUTODECODER, rays=48, samples=16, loop=replace(loop, steps=120))
    autodecoder_training.train(*data, first, settings)
    volume_denoiser_training.train(first, second, replace(DENOISER, loop=replace(loop, steps=60, learning_rate=3e-3)))
    return first, second


def test_both_stages_killed_and_resumed_come_to_the_same_bits(data, runs, tmp_path):
    for name, train in (
        (autodecoder_training.AUTODECODER, lambda run: autodecoder_training.train(*data, run, AUTODECODER)),
        (
            volume_denoiser_training.VOLUME_MODEL,
            lambda run: volume_denoiser_training.train(runs[0], run, DENOISER),
        ),
    ):
        whole, resumed = whole_and_resumed(train, tmp_path / name, name)
        assert all(torch.equal(whole[key], resumed[key]) for key in whole), name


def test_the_pictures_are_of_the_nouns_in_their_colours(runs):
    pictures = pictures_of(runs[0])
    assert pictures.nouns == ["car", "car", "tree", "tree"]
    assert sorted(zip(pictures.captions, pictures.main_colours)) == [
        ("blue fast car", "blue"),
        ("green tree", "green"),
        ("red car", "red"),
        ("red tree", "red"),
    ]
    assert pictures.held_out.tolist() == [2, 6] and len(pictures.trained) == 6
    assert (pictures.near | ~pictures.masks).all() and 0.05 < pictures.masks.float().mean() < 0.6


def test_rays_are_the_pictures(runs):
    """Each drawn colour and mask is the pixel's that the ray goes through."""
    pictures = pictures_of(runs[0])
    batch = drawn_rays(pictures, AUTODECODER, torch.Generator().manual_seed(0))
    assert batch.eyes.shape == (2, 16, 3) and batch.jitter.shape == (2, 16, 8)
    for number, rays, colour, mask in zip(batch.objects, batch.directions, batch.colours, batch.mask):
        for direction, c, m in zip(rays, colour, mask):
            view, pixel = (pictures.directions == direction).all(dim=-1).nonzero()[0]
            assert view in pictures.trained
            assert (
                torch.equal(pictures.colours[number, view, pixel] / 255, c) and pictures.masks[number, view, pixel] == m
            )


def test_an_autodecoder_learns_its_objects(runs):
    model, pictures = load_autodecoder(runs[0]), pictures_of(runs[0])
    with torch.no_grad():
        scores = [view_scores(model(torch.tensor([i])), pictures, i, pictures.held_out, 16) for i in range(4)]
    assert np.mean([score["mask_iou"] for score in scores]) > 0.75
    assert np.mean([score["colour_error"] for score in scores]) < 0.25


def test_the_shipped_configurations_are_the_defaults():
    for kind, name in ((AutodecoderTraining, "autodecoder"), (VolumeDenoiserTraining, "denoiser")):
        assert read_settings(kind, CONFIGURATIONS / f"volumes-{name}.toml") == kind()


@pytest.fixture
def row(runs, tmp_path, monkeypatch):
    """The models' table with the tiny model as its row of colour volumes."""
    file = export_volumes(runs[1], tmp_path / "volumes.safetensors")
    made = replace(registry.VOLUMES_ROW, weights=file, volumes=MODEL)
    monkeypatch.setitem(registry.MODELS, registry.VOLUMES, made)
    return made


def test_the_exported_model_is_the_run_s_in_half_precision(row, runs):
    model, digest = load_volume_model(row, torch.device("cpu"))
    trained = volume_denoiser_training.load_volumes(runs[1])
    assert len(digest) == 16 and model.config == trained.config
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value.half().float())
    with pytest.raises(ModelError, match="not volumes"):
        load_volume_model(registry.MODELS[registry.STARTER], torch.device("cpu"))


def test_words_become_a_coloured_mesh(row):
    pipeline, stages = load_pipeline("volumes"), []
    settings = Settings("volumes", seed=3, steps=6, quality="draft")
    made = pipeline.generate(TextInput("a red frobnicator"), settings=settings, progress=lambda *at: stages.append(at))
    assert np.abs(made.vertices).max() == pytest.approx(0.9, abs=1e-4)
    assert np.ptp(made.vertices, axis=0).argmax() == 0  # all boxes are longest along x
    assert made.colours.dtype == np.uint8 and len(made.colours) == len(made.faces)
    assert made.record["prompt"] == "a red frobnicator" and "frobnicator" in made.record["note"]
    assert {"sample", "surface", "colour"} <= {stage for stage, *_ in stages}
    again = pipeline.generate("none", {}, replace(settings, colour=False))
    assert again.colours is None and again.record["scale"] is None


def test_what_a_model_of_volumes_does_not_take_is_told(row):
    pipeline = load_pipeline("volumes")
    for settings, error in (
        (Settings(fit=3), "fits nothing"),
        (Settings(scale=-1.0), "scale"),
        (Settings(steps=1), "steps"),
    ):
        with pytest.raises(InputError, match=error):
            pipeline.generate(TextInput("a car"), settings=settings)
    with pytest.raises(ModelError, match="takes no voxels"):
        pipeline.generate("voxels", {"voxels": np.zeros((16, 16, 16), bool)})
    with pytest.raises(ModelError, match="float32"):
        load_pipeline("volumes", precision="bfloat16")


def test_the_report_has_every_bar(runs, data, monkeypatch):
    for name, value in {"POINTS": 64, "VIEWS": 4, "PIXELS": 16, "SAMPLES": 8}.items():
        monkeypatch.setattr(volume_samples, name, value)
    report = evaluate_volumes(*runs, read_records(data[0], "train"), data[1], limit=1, samples=3)
    assert report["count"] == 4 and report["meshes"]["count"] == 1 and report["prompts"]["count"] == 2
    assert 0 < report["meshes"]["median_fused_true_iou"] <= 1 and report["samples"]["direct"]["coverage"] > 0
    assert len(lines_of(report)) == 4 and "0.90" in lines_of(report)[0]
    with pytest.raises(InputError, match="not among the meshes"):
        evaluate_volumes(runs[0], None, [], data[1])


def test_a_sheet_of_prompts(runs, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert main(["evaluate", "--volumes", *map(str, runs), "--out", str(sheet)]) == 0
    with Image.open(sheet) as picture:
        assert picture.size == (4 * volume_sheet.SIZE, volume_sheet.SIZE + 28)  # each noun in its own and a new colour
        assert np.asarray(picture).std() > 5
    assert main(["evaluate", "--volumes", str(runs[0]), "--out", str(sheet)]) == 1
    assert "both runs" in capsys.readouterr().err


def test_a_part_that_lacks_an_option_says_which(capsys):
    assert main(["train", "volumes", "denoiser", "--out", "run"]) == 1
    assert "--autodecoder" in capsys.readouterr().err
