"""Configuration files: what is read, what is refused, and that every shipped one describes networks that can be
built."""

import json
import re
from dataclasses import fields, replace

import pytest
import torch

from wala_blender.configuration import read_settings, write_settings
from wala_blender.errors import CheckpointError, InputError
from wala_blender.models.records import known_row
from wala_blender.models.registry import find_row
from wala_blender.models.starter_model import Starter
from wala_blender.models.trained_model import About, is_model_folder, read_row, row_of, write_about
from wala_blender.networks.autoencoder import Autoencoder
from wala_blender.networks.detail_unet import DetailNetwork
from wala_blender.renamed_settings import RENAMED
from wala_blender.training.autoencoder_training import AutoencoderTraining
from wala_blender.training.denoiser_training import DenoiserTraining
from wala_blender.training.detail_training import DetailTraining
from wala_blender.training.level_denoiser_training import LevelDenoiserTraining
from wala_blender.training.loop import LoopSettings
from wala_blender.training.settings import CONFIGURATIONS

LIMIT = 32 * 2**20  # bytes of what ships
SETTINGS_CLASSES = (LoopSettings, AutoencoderTraining, DenoiserTraining, DetailTraining, LevelDenoiserTraining)


KINDS = {"autoencoder": (AutoencoderTraining, Autoencoder), "detail": (DetailTraining, DetailNetwork)}


def kind_of(file):
    return KINDS.get(file.stem.split("-")[-1], (DenoiserTraining, Starter))[0]


@pytest.mark.parametrize(
    "file",
    sorted(file for file in CONFIGURATIONS.glob("*.toml") if file.stem.split("-")[0] not in ("levels", "volumes")),
    ids=lambda file: file.stem,
)
def test_shipped_configurations_can_be_built(file):
    settings = read_settings(kind_of(file), file)
    with torch.device("meta"):
        KINDS.get(file.stem.split("-")[-1], (DenoiserTraining, Starter))[1](settings.model)


def test_the_starters_configurations_are_the_defaults():
    for kind, stage in (
        (AutoencoderTraining, "autoencoder"),
        (DenoiserTraining, "denoiser"),
        (DetailTraining, "detail"),
    ):
        assert read_settings(kind, CONFIGURATIONS / f"starter-{stage}.toml") == kind()


def test_what_a_gpu_makes_is_small_enough_to_ship():
    first, second = (
        read_settings(kind_of(CONFIGURATIONS / f"gpu-{stage}.toml"), CONFIGURATIONS / f"gpu-{stage}.toml")
        for stage in ("autoencoder", "denoiser")
    )
    with torch.device("meta"):
        parameters = sum(
            p.numel()
            for model in (Autoencoder(first.model), Starter(second.model))
            for p in model.state_dict().values()
        )
    assert 2 * parameters + 2**17 < LIMIT  # the file's own header, generously


def test_settings_come_back(tmp_path):
    settings = replace(DenoiserTraining(), low_rank=4, points=(7, 9), condition_probabilities={"text": 1.0})
    write_settings(settings, tmp_path / "settings.json")
    assert read_settings(DenoiserTraining, tmp_path / "settings.json") == settings


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("batches = 3", "unknown key 'batches'.*Known are: model, loop, batch"),
        ("[loop]\nminuten = 3", "loop: unknown key 'minuten'.*Known are: minutes, steps"),
        ('batch = "many"', "batch is 'many', expected int"),
        ("batch = true", "batch is True, expected int"),
        ('points = [1, "2"]', r"points is '2', expected int"),
        ("loop = 3", "expected a table of settings, got 3"),
        (
            "[condition_probabilities]\nsmell = 1",
            "condition_probabilities has 'smell', expected some of text, sketch",
        ),
        ("[condition_probabilities]\ntext = 0", "expected shares above 0"),
        ("noisy = 0.1\nhigh_noise_fraction = 0.2", "noisy and high_noise_fraction are the same.*Remove noisy"),
        ("[model.denoiser]\nwidth = 10\nblocks = 1\nheads = 3\nchannels = 8", "3 heads do not divide the width 10"),
        ("[model.denoiser]\nwidth = 10", "missing"),
        ("batch = ", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, words, message):
    file = tmp_path / "mine.toml"
    file.write_text(words)
    with pytest.raises(InputError, match="mine.toml") as caught:
        read_settings(DenoiserTraining, file)
    assert re.search(message, str(caught.value))


def test_former_names_are_read_with_a_warning(tmp_path, caplog):
    file = tmp_path / "former.toml"
    file.write_text("several = 0.25\ndraft_until = 0.5\n[mix]\ntext = 1\n[loop]\nlooks = 3\n")
    assert read_settings(DenoiserTraining, file) == DenoiserTraining(
        loop=LoopSettings(validations=3),
        condition_probabilities={"text": 1.0},
        second_condition_probability=0.25,
        encoder_pretrain_fraction=0.5,
    )
    assert "former.toml: several is now called second_condition_probability" in caplog.text
    assert "former.toml: loop: looks is now called validations" in caplog.text


@pytest.mark.parametrize("kind", SETTINGS_CLASSES, ids=lambda kind: kind.__name__)
def test_former_names_are_of_settings_that_are_there(kind):
    names = {field.name for field in fields(kind)}
    renamed = RENAMED[kind.__name__]
    assert not names & set(renamed) and set(renamed.values()) <= names


def test_no_class_of_renamed_settings_is_gone():
    assert {kind.__name__ for kind in SETTINGS_CLASSES} == set(RENAMED)


def test_files_that_are_none(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_settings(DenoiserTraining, tmp_path / "gone.json")
    (tmp_path / "mine.yaml").write_text("batch: 3")
    with pytest.raises(InputError, match="neither .json nor .toml"):
        read_settings(DenoiserTraining, tmp_path / "mine.yaml")
    with pytest.raises(InputError, match="loss is 'best', expected one of huber, sampled"):
        (tmp_path / "loss.json").write_text('{"loss": "best"}')
        read_settings(AutoencoderTraining, tmp_path / "loss.json")


def test_a_folder_is_a_model_by_its_file(tmp_path):
    like = find_row("starter")
    about = About("mine", "Mine", like.licence, like.conditions, like.autoencoder, replace(like.starter))
    assert not is_model_folder(tmp_path)
    write_about(tmp_path, about)
    assert known_row(str(tmp_path), tmp_path) == row_of(tmp_path, about) == read_row(tmp_path)
    assert read_row(tmp_path).vocabulary == tmp_path / "tokenizer.json"
    (tmp_path / "about.json").write_text(json.dumps({"name": "mine"}))
    with pytest.raises(CheckpointError, match="is no model"):
        known_row(str(tmp_path), tmp_path)
