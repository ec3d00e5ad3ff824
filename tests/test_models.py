"""Published models, from the hub or a folder to a mesh: fetched, checked, converted, loaded, used, removed; and what
may go wrong on the way."""

import json
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_server import COMMIT, serving
from published_models import SMALL_DINO, published_files, write_published
from test_cli import BLOCK, wala

from wala_blender.errors import CheckpointError, DownloadError, InputError, ModelError, OutputError
from wala_blender.geometry.meshes import read_mesh
from wala_blender.models import install, licences
from wala_blender.models.checkpoint import read_state
from wala_blender.models.licences import AUTODESK
from wala_blender.models.records import added_rows, known_row, models_folder, read_record
from wala_blender.models.registry import MODELS
from wala_blender.pipeline import Pipeline, Settings

ROOT = Path(__file__).resolve().parents[1]
VOXELS = MODELS["wala-vx16-1b"]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An empty models folder."""
    folder = tmp_path / "Modelle"
    monkeypatch.setenv("WALA_MODELS", str(folder))
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def hub(models):
    with serving(
        {f"{VOXELS.published.repository}/{name}": content for name, content in published_files("voxels").items()}
    ) as served:
        yield served


def fetch(hub, models, online_access=True, on_bytes=lambda done, total: None):
    return install.fetch(VOXELS, models, online_access, on_bytes, endpoint=hub.endpoint)


def extras(path: Path) -> dict:
    content = path.read_bytes()
    return json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])["asset"]["extras"]


def test_from_the_hub_to_a_mesh_and_gone_again(hub, models, capsys, tmp_path):
    hub.cuts = [30_000_000]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": hub.endpoint}
    command = [sys.executable, "-m", "wala_blender", "models", "fetch", VOXELS.name]
    refused = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=env, cwd=tmp_path, stdin=subprocess.DEVNULL
    )
    assert (
        refused.returncode == 1
        and "non-commercial use only" in refused.stderr
        and "has not been accepted" in refused.stderr
    )
    assert hub.requests == [] and not models.exists()
    fetched = subprocess.run(
        [*command, "--accept-licence", "--json"], capture_output=True, text=True, timeout=300, env=env, cwd=tmp_path
    )
    assert fetched.returncode == 0, fetched.stderr
    *bytes_, done = map(json.loads, fetched.stdout.splitlines())
    assert done["event"] == "done" and bytes_[-1]["done"] == bytes_[-1]["total"] == sum(
        map(len, published_files("voxels").values())
    )
    assert [asked for asked in hub.bodies("checkpoint.ckpt") if asked]  # the cut was noticed, and the rest asked for
    assert licences.is_accepted(AUTODESK, models)

    made = read_record(VOXELS.name, models)
    assert made.commit == COMMIT and made.converted == models / VOXELS.name / "model.safetensors"
    kept = {key: value.dtype for key, value in read_state(made.converted).items()}
    assert {dtype for key, dtype in kept.items() if key.startswith("denoiser.")} == {torch.bfloat16}
    assert {dtype for key, dtype in kept.items() if not key.startswith("denoiser.")} == {torch.float32}

    assert (
        wala(capsys, "models", "verify", VOXELS.name)[0] == 0 and wala(capsys, "models", "convert", VOXELS.name)[0] == 0
    )
    np.save(tmp_path / "o.npy", BLOCK)
    given = (
        "generate",
        "--model",
        VOXELS.name,
        "--voxels",
        tmp_path / "o.npy",
        "--device",
        "cpu",
        "--out",
        tmp_path / "made.glb",
    )
    code, _said, err = wala(capsys, *given)
    assert code == 0, err
    assert len(read_mesh(tmp_path / "made.glb")[1])
    told = extras(tmp_path / "made.glb")
    assert (told["licence"], told["non_commercial"], told["origin"]) == (AUTODESK.name, True, "AI-generated")
    assert (told["scale"], told["steps"]) == (1.5, 5) and told["weight_hash"] == made.files["checkpoint.ckpt"].sha256[
        :16
    ]

    assert wala(capsys, "models", "remove", VOXELS.name)[0] == 0 and [path.name for path in models.iterdir()] == [
        "licences.json"
    ]
    code, _, err = wala(capsys, *given)
    assert code == 1 and f"wala models fetch {VOXELS.name}" in err


def test_nothing_is_asked_of_the_hub_without_leave(hub, models):
    with pytest.raises(ModelError, match="has not been accepted"):
        fetch(hub, models)
    licences.accept(AUTODESK, VOXELS.name, models)
    with pytest.raises(DownloadError, match="online access is switched off"):
        fetch(hub, models, online_access=False)
    assert hub.requests == []


def test_only_what_is_not_there_is_fetched(hub, models):
    licences.accept(AUTODESK, VOXELS.name, models)
    made = fetch(hub, models)
    made.converted.unlink()
    again = fetch(hub, models)  # converted again: safetensors writes the metadata in any order
    assert (
        replace(again, converted_file=made.converted_file) == made and len(hub.bodies("checkpoint.ckpt")) == 2
    )  # the hub, and where it sends us
    (made.source / "checkpoint.ckpt").write_bytes(b"cut")
    again = fetch(hub, models)
    assert (
        replace(again, converted_file=made.converted_file) == made
        and len(hub.bodies("checkpoint.ckpt")) == 4
        and len(hub.bodies("args.json")) == 1
    )


def test_what_goes_wrong_on_the_way_leaves_nothing_that_looks_whole(hub, models):
    licences.accept(AUTODESK, VOXELS.name, models)
    name = f"{VOXELS.published.repository}/checkpoint.ckpt"
    hub.sent = {name: hub.files[name][:-8] + b"whatever"}
    with pytest.raises(DownloadError, match="arrived damaged"):
        fetch(hub, models)
    assert read_record(VOXELS.name, models) is None
    hub.sent, hub.served = {}, 20_000_000
    with pytest.raises(DownloadError, match="should be of size"):
        fetch(hub, models)
    assert read_record(VOXELS.name, models) is None
    hub.served = None
    progress = []
    fetch(hub, models, on_bytes=lambda done, total: progress.append(done))
    assert hub.bodies("checkpoint.ckpt")[-1] == "bytes=20000000-"
    assert install.verify(VOXELS.name, models)


def test_what_a_model_needs_of_another_repository_comes_along(hub, models):
    """A model of views is fetched whole, and stays as it came: its own loader reads it."""
    row = MODELS["wala-mvdream-dm6"]
    licences.accept(AUTODESK, row.name, models)
    hub.files = {f"{row.published.repository}/{name}": b"{}" for name in ("args.json", "checkpoint.ckpt")}
    hub.files |= {f"{repository}/{name}": name.encode() for repository, name in row.published.extras}
    made = install.fetch(row, models, True, lambda done, total: None, endpoint=hub.endpoint)
    assert sorted(made.files) == ["args.json", "checkpoint.ckpt", "merges.txt", "vocab.json"] and made.converted is None
    assert len(install.verify(row.name, models)) == 4


def test_a_full_disk_is_noticed_before(hub, models, monkeypatch):
    licences.accept(AUTODESK, VOXELS.name, models)
    usage = shutil.disk_usage(models)
    monkeypatch.setattr(install.shutil, "disk_usage", lambda folder: usage._replace(free=1_000_000))
    with pytest.raises(OutputError, match="0.0 GB free, the model needs 0.3 GB"):
        fetch(hub, models)
    assert hub.bodies("checkpoint.ckpt") == []


def added(kind: str, tmp_path: Path, models: Path, **more):
    licences.accept(AUTODESK, kind, models)
    return install.add(write_published(kind, tmp_path / f"my {kind}"), models, **more)


def test_a_folder_is_added_used_and_left_alone(models, capsys, tmp_path):
    source = write_published("points", tmp_path / "Wolke")
    code, said, err = wala(capsys, "models", "add", source, "--accept-licence")
    assert code == 0 and "takes points" in said and "non-commercial use only" in err
    assert "Wolke" in wala(capsys, "models", "list")[1] and known_row("Wolke", models).licence == AUTODESK
    cloud = np.random.default_rng(0).normal(size=(500, 3)) + [10, 0, 0]
    latent, prepared = Pipeline.load("Wolke", "cpu").generate_latent("points", {"points": cloud}, Settings(steps=2))
    assert latent.isfinite().all() and prepared.tensors[0].shape == (1, 25_000, 3) and prepared.frame.center[0] > 5
    assert wala(capsys, "models", "remove", "Wolke")[0] == 0
    assert (
        sorted(path.name for path in source.iterdir()) == ["args.json", "checkpoint.ckpt"] and added_rows(models) == {}
    )


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("image", {"image": np.full((40, 60, 3), 200, np.uint8)}),
        ("depths", {"images": [np.tile(np.arange(50, dtype=np.uint8) + k, (50, 1)) for k in range(6)]}),
    ],
)
def test_pictures(models, tmp_path, monkeypatch, kind, inputs):
    """A model of pictures, at its own settings of one or six views; guided against zeros seen from the same cameras."""
    monkeypatch.setattr("wala_blender.models.published_config.IMAGE_ENCODERS", SMALL_DINO)
    made = added(kind, tmp_path, models)
    assert made.condition == kind
    pipeline = Pipeline.load(made.name, "cpu")
    prepared = pipeline.denoiser.prepare(kind, inputs)
    with torch.no_grad():
        condition = pipeline.denoiser.encode(kind, *prepared.tensors)
        empty = pipeline.denoiser.empty(condition)
        expected = pipeline.denoiser.processing.empty(
            torch.zeros(1, prepared.tensors[0].shape[1], 256, 64), prepared.tensors[1]
        )
    assert condition.tokens.shape == (1, 256 * prepared.tensors[0].shape[1], 64) and torch.equal(
        empty.tokens, expected.tokens
    )
    assert pipeline.generate_latent(kind, inputs, Settings(steps=2))[0].isfinite().all()
    with pytest.raises(InputError, match=f"reads no prompt beside {kind}"):
        pipeline.generate_latent(kind, inputs | {"prompt": "a chair"}, Settings())
    if kind == "depths":
        with pytest.raises(InputError, match="picture"):
            pipeline.generate_latent(kind, {"images": inputs["images"][:5]}, Settings())


def test_steps_padding_and_prediction_are_the_checkpoints_own(models, tmp_path):
    made = added("none", tmp_path, models)
    settings = json.loads((made.source / "args.json").read_text())
    (made.source / "args.json").write_text(
        json.dumps(
            settings
            | {"padding_mode": "constant", "diffusion_model_mean_type": "EPSILON", "diffusion_rescale_timestep": 3}
        )
    )
    pipeline = Pipeline.load(made.name, "cpu")
    assert pipeline.row.padding == "constant" and pipeline.schedule.config.prediction == "epsilon"
    latent, prepared = pipeline.generate_latent("none", {}, Settings(seed=1))
    again, _ = pipeline.generate_latent("none", {}, Settings(seed=1, steps=3))
    assert torch.equal(latent, again) and prepared.frame is None
    with pytest.raises(InputError, match="nothing to follow"):
        pipeline.generate_latent("none", {}, Settings(scale=2.0))


def test_a_listed_model_can_be_added_from_a_folder(models, tmp_path):
    made = added("voxels", tmp_path, models, name=VOXELS.name)
    assert made.condition == "voxels" and Pipeline.load(VOXELS.name, "cpu").row.title == VOXELS.title
    with pytest.raises(ModelError, match="always here"):
        install.add(made.source, models, name="starter")


def test_a_folder_that_cannot_be_written_is_converted_elsewhere(models, tmp_path, monkeypatch):
    really = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / "my points" and really(path, mode))
    assert added("points", tmp_path, models).converted == models / "my points" / "model.safetensors"


def test_a_converted_file_of_somebody_elses_is_left_alone(models, tmp_path):
    source = write_published("points", tmp_path / "shared")
    (source / "model.safetensors").write_bytes(b"somebody's")
    licences.accept(AUTODESK, "shared", models)
    assert install.add(source, models).converted == models / "shared" / "model.safetensors"
    install.remove("shared", models)
    assert (source / "model.safetensors").read_bytes() == b"somebody's"


def test_a_folder_of_something_else_is_not_taken_in(models, tmp_path):
    licences.accept(AUTODESK, "x", models)
    source = write_published("points", tmp_path / "broken")
    settings = json.loads((source / "args.json").read_text())
    (source / "args.json").write_text(json.dumps(settings | {"att_hidden_size": 128}))
    with pytest.raises(CheckpointError, match="wrong shape"):
        install.add(source, models)
    with pytest.raises(ModelError, match="has no checkpoint.ckpt"):
        install.add(models, models, name="x")
    assert added_rows(models) == {}


def test_a_changed_file_is_found(models, tmp_path):
    made = added("points", tmp_path, models)
    content = bytearray(made.converted.read_bytes())
    content[-1] ^= 1
    made.converted.write_bytes(content)
    with pytest.raises(CheckpointError, match="model.safetensors has the checksum"):
        install.verify(made.name, models)
    made.converted.write_bytes(content[:-5])
    with pytest.raises(CheckpointError, match=r"has \d+ bytes, expected"):
        install.verify(made.name, models)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a:b"])
def test_names_that_would_leave_the_folder(models, name):
    with pytest.raises(ModelError, match="cannot be a model's name"):
        read_record(name, models)


def test_models_that_make_pictures_are_not_asked_for_shapes(models):
    with pytest.raises(ModelError, match="makes views, not shapes"):
        Pipeline.load("wala-mvdream-dm6", "cpu")


def test_a_record_that_cannot_be_read_keeps_nothing_from_working(models, caplog):
    (models / "x").mkdir(parents=True)
    (models / "x" / "installed.json").write_text('{"schema": 1}')
    with pytest.raises(ModelError, match="cannot be read"):
        read_record("x", models)
    assert added_rows(models) == {} and "installed.json cannot be read" in caplog.text
    install.remove("x", models)
    assert not (models / "x").exists()


def test_the_folder_is_the_given_one_the_variables_or_the_users_own(models, monkeypatch):
    assert models_folder("elsewhere") == Path("elsewhere") and models_folder() == models
    monkeypatch.delenv("WALA_MODELS")
    assert models_folder().is_absolute() and models_folder().name == "models"
