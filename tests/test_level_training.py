"""Training of the levels in miniature: what it is shown, and that a stopped run goes on to the same numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from wala_blender.configuration import read_settings
from wala_blender.errors import InputError
from wala_blender.models.level_model import load_level_model
from wala_blender.models.trained_model import read_row
from wala_blender.networks.configs import LevelAutoencoderConfig
from wala_blender.training import level_autoencoder_training, level_denoiser_training, level_shapes
from wala_blender.training.data.dataset import read_index
from wala_blender.training.level_autoencoder_training import (
    ExampleBatches,
    LevelAutoencoderTraining,
    load_level_autoencoder,
)
from wala_blender.training.level_denoiser_training import LEVELS, LevelDenoiserTraining, load_level_denoiser
from wala_blender.training.level_export import THRESHOLDS, export_levels
from wala_blender.training.level_latents import frequent_words, level_latents
from wala_blender.training.level_shapes import BOX_MARGIN, signed_permutations, turned_about_up
from wala_blender.training.loop import Loop, LoopSettings
from wala_blender.training.settings import CONFIGURATIONS

HALF = np.array([0.9, 0.45, 0.3])  # of the box that every shape of the store is
LOOP = LoopSettings(steps=4, warmup=0.1, save_minutes=0.0, validations=0, bfloat16=False)
AUTOENCODER = LevelAutoencoderTraining(
    LevelAutoencoderConfig(64, 96, (4, 8, 24), (16, 8, 4), 1), LOOP, batch=2, volume_points=32, near_points=8
)
DENOISER = LevelDenoiserTraining(64, 1, LOOP, batch=3, encodings=2, min_category_shapes=2)


def box_field() -> torch.Tensor:
    axis = torch.arange(64) / 32 - 1
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    return (points.abs() - torch.from_numpy(HALF).float()).amax(dim=-1)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of three boxes, two of them chairs, whose fields need no trees."""
    lines = [
        {
            "id": f"kit/{i}",
            "file": f"{i}.npz",
            "variants": 1,
            "split": "train",
            "skipped": "",
            "caption": "",
            "words": [],
        }
        | {"head": head, "category": ""}
        for i, head in enumerate(("chair", "chair", "lamp"))
    ]
    (tmp_path / "store").mkdir()
    (tmp_path / "store/index.jsonl").write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.setattr(level_shapes, "load_tree", lambda entry, variant: torch.zeros(1))
    monkeypatch.setattr(level_shapes, "half_field", lambda tree: box_field())
    for name, count in {"SURFACE": 200, "IN_BALL": 300, "IN_BOX": 300, "NEAR": 100}.items():
        monkeypatch.setattr(level_shapes, name, count)
    return tmp_path / "store"


def test_the_samples_of_a_shape_lie_where_they_should(store, tmp_path):
    shapes = level_shapes.level_shapes(tmp_path, read_index(store, "train"))
    half = HALF / np.linalg.norm(HALF)  # in the unit sphere
    assert shapes.ids == ["kit/0", "kit/1", "kit/2"] and shapes.surface.dtype == torch.float16
    for number in range(3):
        surface, volume = shapes.surface[number].double().numpy(), shapes.volume[number].double().numpy()
        assert np.abs(np.abs(surface / half).max(axis=1) - 1).max() < 0.1
        sure = np.abs(np.abs(volume / half).max(axis=1) - 1) > 0.1  # farther than a cell of the small field
        assert ((np.abs(volume) < half).all(axis=1) == shapes.volume_inside[number].numpy())[sure].all()
        assert np.linalg.norm(volume[:300], axis=1).max() > 1.5
        assert np.abs(volume[300:] / half).max() <= BOX_MARGIN * 1.1
        assert 0.3 < shapes.near_inside[number].float().mean() < 0.7
    again = level_shapes.level_shapes(tmp_path, read_index(store, "train"))
    assert torch.equal(again.volume, shapes.volume)
    with pytest.raises(InputError, match="of other shapes"):
        level_shapes.level_shapes(tmp_path, read_index(store, "train")[:1])


def test_batches_are_balanced_and_a_shape_keeps_its_inside_however_it_is_turned(store, tmp_path):
    shapes = level_shapes.level_shapes(tmp_path, read_index(store, "train"))
    settings = replace(AUTOENCODER, volume_points=400, near_points=8, stretch=False)
    cloud, points, labels = ExampleBatches(shapes, settings).draw(4, torch.Generator().manual_seed(0))
    assert cloud.shape == (4, 96, 3) and points.shape == (4, 408, 3) and labels.dtype == torch.bool
    assert 0.4 < labels[:, :400].float().mean() < 0.6
    for own, asked, inside in zip(cloud, points, labels):
        half = own.abs().amax(dim=0)  # of the turned box, as the cloud shows it
        assert (own.norm(dim=-1).max() - 0.999).abs() < 1e-3
        outside = (asked.abs() > 1.15 * half).any(dim=-1)
        deep = (asked.abs() < 0.8 * half).all(dim=-1)
        assert not inside[outside].any() and inside[deep].all()


def test_turns_are_turns():
    generator, kinds = torch.Generator().manual_seed(0), []
    for turns in (signed_permutations(50, generator), turned_about_up(50, generator)):
        torch.testing.assert_close(turns @ turns.transpose(1, 2), torch.eye(3).expand(50, 3, 3), atol=1e-6, rtol=0)
        kinds.append(len({tuple((turn.flatten().round() + 0.0).tolist()) for turn in turns}))
    assert (turns[:, 1] == torch.tensor([0.0, 1.0, 0.0])).all()
    assert kinds[0] > 20 and kinds[1] == 8


class Killed(Exception):
    pass


def train_killed_and_whole(train, folder, monkeypatch) -> list[dict]:
    """The saved content of a run that goes through, and of one that is killed at its second save and goes on."""
    saves = []
    real = Loop.save

    def save(loop):
        real(loop)
        saves.append(loop.steps)
        if len(saves) == 2:
            raise Killed

    train(folder / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(Loop, "save", save)
        with pytest.raises(Killed):
            train(folder / "killed")
    assert saves == [1, 2]
    train(folder / "killed")
    return [
        torch.load(next((folder / name).glob("level_*.pt")), weights_only=True)["state"] for name in ("whole", "killed")
    ]


def test_the_stages_one_after_the_other_killed_and_resumed(store, tmp_path, monkeypatch):
    whole, resumed = train_killed_and_whole(
        lambda folder: level_autoencoder_training.train(store, folder, AUTOENCODER), tmp_path / "first", monkeypatch
    )
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    run = tmp_path / "first/whole"
    model = load_level_autoencoder(run)
    assert model.config == AUTOENCODER.model

    for number, level in enumerate(LEVELS):
        whole, resumed = train_killed_and_whole(
            lambda folder, level=level: level_denoiser_training.train(store, run, level, folder, DENOISER),
            tmp_path / level,
            monkeypatch,
        )
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)
        denoiser, words = load_level_denoiser(tmp_path / level / "whole")
        assert denoiser.config.coarser == (16, 8, 4)[:number] and words == ["chair"]
        assert denoiser.proj_out.weight.abs().max() > 0  # it has learned something

    shapes = level_shapes.level_shapes(run, read_index(store, "train"))
    latents = level_latents(run, shapes, model, 2)
    assert [level.shape for level in latents.levels] == [(6, 4, 16), (6, 8, 8), (6, 24, 4)]
    assert not torch.equal(latents.levels[0][0], latents.levels[0][1])
    assert frequent_words(read_index(store, "train"), 0) == []
    weights = export_levels(run, [tmp_path / level / "whole" for level in LEVELS], tmp_path / "model")
    row = read_row(tmp_path / "model")
    assert row.cascade and row.makes == "reconstructions" and row.weights == weights and row.name == "model"
    exported = load_level_model(weights)
    assert exported.autoencoder.config == AUTOENCODER.model and exported.threshold in THRESHOLDS
    assert [one.config.channels for one in exported.denoisers] == [16, 8, 4]
    for key, value in model.state_dict().items():
        torch.testing.assert_close(exported.autoencoder.state_dict()[key], value, rtol=1e-3, atol=1e-3)
    with pytest.raises(InputError, match="not of one cascade"):
        export_levels(run, [tmp_path / level / "whole" for level in reversed(LEVELS)], tmp_path / "model")
    with pytest.raises(InputError, match="has 6 latents, expected 9"):
        level_latents(run, shapes, model, 3)


def test_a_run_is_looked_at(store, tmp_path):
    settings = replace(AUTOENCODER, loop=replace(LOOP, steps=2, validations=1))
    level_autoencoder_training.train(store, tmp_path / "run", settings)
    logged = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert {"iou", "iou_median", "iou_fine_noise", "iou_fine_major_noise"} <= set().union(*logged)


def test_what_is_missing_is_said(store, tmp_path):
    for load in (load_level_autoencoder, load_level_denoiser):
        with pytest.raises(InputError, match="is missing"):
            load(tmp_path)
    with pytest.raises(InputError, match="no level 'middle'"):
        level_denoiser_training.train(store, tmp_path, "middle", tmp_path / "run", DENOISER)


@pytest.mark.parametrize(
    ("name", "kind"), [("levels-autoencoder", LevelAutoencoderTraining), ("levels-denoiser", LevelDenoiserTraining)]
)
def test_shipped_configurations_are_the_defaults(name, kind):
    assert read_settings(kind, CONFIGURATIONS / f"{name}.toml") == kind()
