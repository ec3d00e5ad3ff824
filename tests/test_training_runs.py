"""Whole training runs in miniature: killed and resumed, on two processes, fine-tuned, exported, and everything in one
go."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shapes import box, write_collection

from wala_blender.cli import train_all
from wala_blender.configuration import write_settings
from wala_blender.errors import InputError
from wala_blender.models.starter_config import StarterConfig
from wala_blender.networks.autoencoder import AutoencoderConfig
from wala_blender.networks.denoiser import UViTConfig
from wala_blender.networks.detail_unet import DetailConfig
from wala_blender.pipeline import Pipeline, Settings
from wala_blender.training import autoencoder_training, denoiser_training, detail_training, tree_batches
from wala_blender.training.autoencoder_training import AutoencoderTraining
from wala_blender.training.data.build import build
from wala_blender.training.data.dataset import read_index
from wala_blender.training.denoiser_training import DenoiserTraining
from wala_blender.training.detail_evidence import EVIDENCE
from wala_blender.training.detail_training import DetailTraining
from wala_blender.training.export import export
from wala_blender.training.loop import Loop, LoopSettings
from wala_blender.training.runs import load_detail, load_stage_one, load_stage_two, write_stage_one
from wala_blender.training.tree_losses import fold_scales

ROOT = Path(__file__).resolve().parents[1]
LOOP = LoopSettings(steps=4, warmup=0.1, save_minutes=0.0, validations=0, bfloat16=False)
STAGE_ONE = AutoencoderTraining(
    AutoencoderConfig(widths=(8, 8, 8), norm_groups=8, codebook_size=16),
    LOOP,
    center_crop_fraction=0.7,
    quantization_start=0.5,
)
STAGE_TWO = DenoiserTraining(
    StarterConfig(
        UViTConfig(
            width=32,
            blocks=1,
            heads=2,
            channels=16,
            patch=3,
            context_width=192,
            context_to_time=True,
            grid_channels=68,
            norm_groups=8,
        )
    ),
    LOOP,
    batch=4,
    encoder_pretrain_batch=4,
    second_condition_probability=0.5,
    points=(64,),
)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two boxes, of which kit/10 belongs to the validation split."""
    folder = tmp_path_factory.mktemp("data")
    meshes = [box((-0.5, -0.3, -0.4), (0.5, 0.3, 0.4))] + [box((-0.3, -0.5, -0.2), (0.3, 0.5, 0.2))] * 10
    write_collection(folder, "kit", meshes, tags=[[]] + [["tile"]] * 9 + [[]])
    return folder


@pytest.fixture(scope="module")
def store(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    build(data, folder, jobs=1, variants=2)
    assert len(read_index(folder, "train")) == len(read_index(folder, "validation")) == 1
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A stage-1 run's result, untrained."""
    folder = tmp_path_factory.mktemp("first")
    torch.manual_seed(3)
    write_stage_one(folder, fold_scales(autoencoder_training.Autoencoder(STAGE_ONE.model)))
    return folder


@pytest.fixture(autouse=True)
def few_shapes(monkeypatch):
    monkeypatch.setattr(autoencoder_training, "CODEBOOK_SHAPES", 2)


@pytest.fixture
def small_trees(monkeypatch):
    """Stage 1 sees a corner of each tree only, and of that, at first, a smaller one."""
    for module in (autoencoder_training, tree_batches):
        monkeypatch.setattr(
            module, "load_tree", lambda entry, variant, load=module.load_tree: load(entry, variant)[:, 8:30, 8:30, 8:30]
        )
    monkeypatch.setattr(autoencoder_training, "_MIDDLE", slice(4, 18))


def killed_after(saves, monkeypatch, train):
    """Runs train until its n-th save is done."""
    save, count = Loop.save, []

    def counted(loop):
        save(loop)
        count.append(loop.steps)
        if len(count) == saves:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Loop, "save", counted)
        train()


def same(a, b):
    """Whether two saved states are equal to the bit, but for their clocks."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a if key != "seconds")
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def state(folder):
    return torch.load(folder / "state.pt", weights_only=True)


@pytest.mark.parametrize(
    "changes", [{}, {"loss": "sampled", "freeze_encoder": False, "normalisation": "deviation", "detail_weight": 1.0}]
)
def test_a_killed_stage_one_ends_at_the_same_weights(store, small_trees, tmp_path, monkeypatch, changes):
    settings = replace(STAGE_ONE, **changes)
    autoencoder_training.train(store, tmp_path / "whole", settings)
    for saves in (1, 2):  # killed before the codebook starts, then right after it has
        killed_after(saves, monkeypatch, lambda: autoencoder_training.train(store, tmp_path / "parts", settings))
    autoencoder_training.train(store, tmp_path / "parts", settings)
    assert state(tmp_path / "whole")["steps"] == 4
    assert same(state(tmp_path / "whole"), state(tmp_path / "parts"))
    assert same(*(load_stage_one(tmp_path / name).state_dict() for name in ("whole", "parts")))


def test_states_of_version_0_go_on(store, small_trees, tmp_path):
    autoencoder_training.train(store, tmp_path, STAGE_ONE)
    old = {key: value for key, value in state(tmp_path).items() if key not in ("steps", "facts")}
    old |= {"generator": torch.Generator().get_state(), "seconds": 40.0}
    torch.save(old, tmp_path / "state.pt")
    encoder = load_stage_one(tmp_path).encoder.state_dict()
    autoencoder_training.train(store, tmp_path, replace(STAGE_ONE, loop=replace(LOOP, steps=5)))
    assert state(tmp_path)["steps"] == 5 and state(tmp_path)["facts"] == {"quantized": True}
    assert same(encoder, load_stage_one(tmp_path).encoder.state_dict())  # settled then, and still


def test_a_decoder_that_goes_on_keeps_its_latents(store, first, tmp_path):
    settings = replace(
        STAGE_ONE,
        model=AutoencoderConfig(quantized=False),
        quantization_start=0.0,
        loop=replace(LOOP, steps=2, validations=1),
    )
    autoencoder_training.train(store, tmp_path, settings, start=first)
    made, latent = load_stage_one(tmp_path), torch.randn(1, 4, 12, 12, 12)
    assert made.config == replace(STAGE_ONE.model, quantized=False)
    tree = made.decode(latent)
    assert torch.equal(tree, made.decoder(latent)) and torch.equal(made(tree).tree, made.decode(made.encode(tree)))
    assert not torch.allclose(load_stage_one(first).decode(latent), load_stage_one(first).decoder(latent))
    before, after = load_stage_one(first).state_dict(), made.state_dict()
    for name in before:
        if name.startswith("encoder"):
            assert torch.allclose(before[name], after[name], rtol=1e-5), name  # scales unfolded and folded again
    assert not torch.allclose(before["decoder.res_1.in_conv.weight"], after["decoder.res_1.in_conv.weight"])
    grid = np.asarray(Image.open(tmp_path / "sample_grids" / "00000002.png"))
    assert grid.shape[1] > grid.shape[0] and grid[:, :132].min() < 200  # the shape itself at the left
    numbers = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {"loss", "coarse", "restarted"} <= set(numbers[0]) and 0 <= numbers[-1]["validation_iou"] <= 1
    assert list((tmp_path / "tensorboard").iterdir())


def test_an_encoder_that_goes_on_keeps_what_decodes_its_latents(store, first, small_trees, tmp_path):
    settings = replace(
        STAGE_ONE,
        loss="overlap",
        quantization_start=0.0,
        freeze_encoder=False,
        freeze_decoder=True,
        loop=replace(LOOP, steps=2),
    )
    autoencoder_training.train(store, tmp_path, settings, start=first)
    before, after = load_stage_one(first).state_dict(), load_stage_one(tmp_path).state_dict()
    for name in before:
        if not name.startswith("encoder"):
            assert torch.allclose(before[name], after[name], rtol=1e-5), name
    assert not torch.allclose(before["encoder.res_1.in_conv.weight"], after["encoder.res_1.in_conv.weight"])
    with pytest.raises(ValueError, match="freeze_encoder must be false"):
        replace(settings, freeze_encoder=True)


def test_a_killed_stage_two_ends_at_the_same_weights(store, first, tmp_path, monkeypatch):
    (tmp_path / "whole").mkdir()
    denoiser_training.train(store, first, tmp_path / "whole", STAGE_TWO)
    (tmp_path / "parts").mkdir()  # a run's own files may be copied along
    for name in ("latents.pt", "latents.json", "tokenizer.json"):
        (tmp_path / "parts" / name).write_bytes((tmp_path / "whole" / name).read_bytes())
    killed_after(2, monkeypatch, lambda: denoiser_training.train(store, first, tmp_path / "parts", STAGE_TWO))
    denoiser_training.train(store, first, tmp_path / "parts", STAGE_TWO)
    assert same(state(tmp_path / "whole"), state(tmp_path / "parts"))
    assert (tmp_path / "parts" / "starter.pt").is_file()


def test_a_run_with_former_keys_goes_on(store, first, tmp_path):
    """Its state, and its result as another run's start."""
    denoiser_training.train(store, first, tmp_path / "run", STAGE_TWO)
    former = (("mean_latent", "usual"), ("null_token", "nothing"), ("type_embeddings.", "kinds."))

    def with_former_keys(state):
        for name, before in former:
            state = {key.replace(name, before): value for key, value in state.items()}
        return state

    saved = state(tmp_path / "run")
    weights = torch.load(tmp_path / "run" / "starter.pt", weights_only=True)
    assert with_former_keys(weights).keys() != weights.keys()
    torch.save(
        saved | {name: with_former_keys(saved[name]) for name in ("model", "average")}, tmp_path / "run/state.pt"
    )
    torch.save(with_former_keys(weights), tmp_path / "run" / "starter.pt")
    assert same(load_stage_two(tmp_path / "run").denoiser.state_dict(), weights)
    denoiser_training.train(store, first, tmp_path / "run", replace(STAGE_TWO, loop=replace(LOOP, steps=5)))
    assert (
        state(tmp_path / "run")["steps"] == 5 and state(tmp_path / "run")["average"].keys() == saved["average"].keys()
    )


def mean_loss(run):
    """Of the whole run, 12 samples: how many lines its log has depends on the machine's speed."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    samples = np.array([line["samples"] for line in lines])
    assert samples[-1] == 12 and (np.diff(samples) > 0).all()  # written by one process only
    return float(np.dot([line["loss"] for line in lines], np.diff(samples, prepend=0)) / 12)


def test_two_processes_train_as_one(store, first, tmp_path):
    settings = replace(
        STAGE_TWO,
        second_condition_probability=0.0,
        condition_probabilities={"voxels": 1.0},
        loop=replace(LOOP, steps=3),
    )
    denoiser_training.train(store, first, tmp_path / "one", settings)
    write_settings(settings, tmp_path / "tiny.json")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        "2",
        "--standalone",
        "-m",
        "wala_blender",
        "train",
        "denoiser",
        "--store",
        store,
        "--autoencoder",
        first,
        "--out",
        tmp_path / "two",
        "--config",
        tmp_path / "tiny.json",
    ]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [str(word) for word in command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert mean_loss(tmp_path / "two") == pytest.approx(mean_loss(tmp_path / "one"), rel=1e-4)
    weights = [torch.load(tmp_path / name / "starter.pt", weights_only=True) for name in ("one", "two")]
    assert all(torch.allclose(value, weights[1][name], atol=2e-4) for name, value in weights[0].items())


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    loop = Loop(denoiser_training.DenoiserObjective(torch.nn.Linear(2, 2)), tmp_path, LOOP)
    loop.processes = 3
    with pytest.raises(InputError, match="a batch of 4 cannot be shared by 3 processes"):
        loop.share(4)


def test_a_model_is_tuned_at_low_rank_and_used(store, first, tmp_path):
    torch.manual_seed(0)
    second = tmp_path / "second"
    denoiser_training.train(store, first, second, replace(STAGE_TWO, loop=replace(LOOP, steps=1)))
    with pytest.raises(InputError, match="of another kind than the starter's. Name a folder"):
        export(first, second)
    export(first, second, tmp_path / "mine")
    tuned = replace(
        DenoiserTraining(loop=replace(LOOP, steps=2, validations=1, learning_rate=0.1), batch=4), low_rank=2
    )
    denoiser_training.train(store, tmp_path / "mine", tmp_path / "tuned", tuned, start=tmp_path / "mine")
    assert json.loads((tmp_path / "tuned" / "latents.json").read_text())["scale"] == 1.0
    before, after = (load_stage_two(tmp_path / name).denoiser.state_dict() for name in ("mine", "tuned"))
    assert before.keys() == after.keys()
    changes = {name: after[name] - value for name, value in before.items() if not torch.equal(value, after[name])}
    assert changes and all(name.endswith("weight") for name in changes)
    assert (
        max(torch.linalg.matrix_rank(change, rtol=0.01).item() for change in changes.values() if change.ndim == 2) <= 2
    )
    assert len(list((tmp_path / "tuned" / "sample_grids").iterdir())) == 1
    export(tmp_path / "mine", tmp_path / "tuned", tmp_path / "mine-tuned")
    pipeline = Pipeline.load(str(tmp_path / "mine-tuned"))
    latent, _ = pipeline.generate_latent("text", {"prompt": "a thing"}, Settings(steps=2))
    assert latent.isfinite().all() and pipeline.row.name == "mine-tuned"


def test_a_killed_detail_stage_ends_at_the_same_weights_and_is_used(store, first, tmp_path, monkeypatch):
    """On every kind of evidence, for a model that was never trained."""
    second = tmp_path / "second"
    denoiser_training.train(store, first, second, replace(STAGE_TWO, loop=replace(LOOP, steps=1)))
    export(first, second, tmp_path / "mine")
    for number in (len(EVIDENCE), 2):  # the first run's steps meet most kinds
        settings = DetailTraining(
            DetailConfig(widths=(8, 8, 8), norm_groups=4),
            replace(LOOP, steps=number),
            evidence_probabilities=dict.fromkeys(EVIDENCE, 1.0),
        )
        detail_training.train(store, tmp_path / "mine", tmp_path / f"whole-{number}", settings)
    killed_after(1, monkeypatch, lambda: detail_training.train(store, tmp_path / "mine", tmp_path / "parts", settings))
    detail_training.train(store, tmp_path / "mine", tmp_path / "parts", settings)
    assert same(state(tmp_path / "whole-2"), state(tmp_path / "parts"))
    export(first, second, tmp_path / "refined", tmp_path / "parts")
    trained, exported = (load_detail(tmp_path / name).state_dict() for name in ("parts", "refined"))
    assert same(
        {name: value.half() for name, value in trained.items()},
        {name: value.half() for name, value in exported.items()},
    )
    plain, refined = (Pipeline.load(str(tmp_path / name)) for name in ("mine", "refined"))
    assert plain.detail is None
    with pytest.raises(InputError, match="has no detail stage"):
        load_detail(tmp_path / "mine")
    progress = []
    latent, prepared = refined.generate_latent(
        "points", {"points": np.random.default_rng(0).normal(size=(100, 3))}, Settings(steps=2)
    )
    plan = replace(refined.fit_plan("points", prepared, Settings(fit=0)), detail=True)
    field = refined.latent_to_field(latent, plan, lambda stage, step, steps: progress.append(stage))
    assert progress == ["decode", "detail"] and field.isfinite().all()


def test_a_shape_without_a_name_is_validated_without_words(store, first, tmp_path):
    """Where the store's only validation shape has none; and where no training shape has one, words are refused."""
    nameless = tmp_path / "store"
    nameless.mkdir()
    (nameless / "samples").symlink_to(store / "samples")
    entries = [json.loads(line) for line in (store / "index.jsonl").read_text().splitlines()]

    def write_index(unnamed):
        lines = [entry | {"named": entry["split"] not in unnamed} for entry in entries]
        (nameless / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    settings = replace(
        STAGE_TWO, condition_probabilities={"text": 0.5, "voxels": 0.5}, loop=replace(LOOP, steps=2, validations=1)
    )
    write_index({"validation"})
    denoiser_training.train(nameless, first, tmp_path / "run", settings)
    (grid,) = (tmp_path / "run" / "sample_grids").iterdir()
    assert Image.open(grid).size == (3 * 132, 132)  # the shape, its voxels and what they give; no words
    write_index({"train", "validation"})
    with pytest.raises(InputError, match="no training shape has a name, which text goes by"):
        denoiser_training.train(
            nameless, first, tmp_path / "words", replace(settings, condition_probabilities={"text": 1.0})
        )


def test_everything_in_one_go(data, store, tmp_path, monkeypatch):
    """On a store that is there already, and without the conditions that take long."""
    (tmp_path / "store").symlink_to(store)
    monkeypatch.setattr(train_all, "EVALUATIONS", {"voxels": None})
    for settings, name in (
        (STAGE_ONE, "one.json"),
        (replace(STAGE_TWO, condition_probabilities={"voxels": 1.0}), "two.json"),
    ):
        write_settings(settings, tmp_path / name)
    report = train_all.train_all(data, tmp_path, 0.05, 1, (tmp_path / "one.json", tmp_path / "two.json"))
    read = json.loads(report.read_text())
    assert read["count"] == 1 and read["model"] == str(tmp_path / "model") and 0 <= read["voxels"]["iou"] <= 1
    assert Pipeline.load(str(tmp_path / "model")).autoencoder.config == STAGE_ONE.model


def test_the_store_is_built_for_its_time(tmp_path, monkeypatch):
    now, limits = [0.0], []
    (tmp_path / "index.jsonl").write_text("{}\n" * 100)

    def build(data, store, limit, jobs):
        limits.append(limit)
        built = len((store / "index.jsonl").read_text().splitlines())
        now[0] += 0.5 * (limit - built)
        (store / "index.jsonl").write_text("{}\n" * limit)

    monkeypatch.setattr(train_all.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(train_all, "read_records", lambda data: range(1000))
    monkeypatch.setattr(train_all, "build", build)
    train_all.build_for(60.0, tmp_path, tmp_path, jobs=2)
    assert limits[0] == 116 and 50 < now[0] <= 60 and limits[-1] == 100 + 2 * now[0]
