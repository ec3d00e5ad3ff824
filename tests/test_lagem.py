"""LaGeM's published autoencoder, from the hub or a folder to a reconstructed mesh; and the files that are refused."""

import argparse
import json
import pathlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_server import serving
from lagem_models import CONFIG, COUNTS, box_mesh, checkpoint, learned_box, published_state
from test_cli import wala

from runtime import jobs
from runtime.engine import Engine
from wala_blender.errors import CheckpointError, DownloadError, InputError, ModelError
from wala_blender.geometry.meshes import read_mesh, write_mesh
from wala_blender.geometry.metrics import chamfer_and_f_score
from wala_blender.mesh_to_mesh import Cost, MeshToMesh, describe_duration
from wala_blender.models import install
from wala_blender.models.checkpoint import read_metadata, read_state
from wala_blender.models.lagem import checkpoint_among, config_of, load_autoencoder
from wala_blender.models.records import read_record
from wala_blender.models.registry import MODELS
from wala_blender.networks.configs import LevelAutoencoderConfig
from wala_blender.networks.key_mapping import renamed
from wala_blender.networks.level_autoencoder import LevelAutoencoder
from wala_blender.pipeline import Pipeline, ResultCallbacks, Settings

LAGEM = MODELS["lagem"]
STAGES = ("condition", "encode", "query", "surface")
PUBLISHED = json.loads((Path(__file__).parent / "parity/lagem_levels.json").read_text())["lagem_levels"]["published"]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An empty models folder, and the numbers of vectors of the small checkpoints."""
    monkeypatch.setenv("WALA_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("wala_blender.models.lagem.COUNTS", COUNTS)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "models"


@pytest.fixture
def hub(models, monkeypatch):
    files = {
        f"Zbalpha/LaGeM/{name}": content
        for name, content in {
            "README.md": b"# LaGeM",
            "objaverse/checkpoint-350.pth": checkpoint(learned_box()),
        }.items()
    }
    with serving(files) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", served.endpoint)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            served.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        )
        served.licence = "mit"
        yield served


@pytest.fixture
def mesh(tmp_path):
    vertices, faces = box_mesh()
    write_mesh(tmp_path / "box.obj", vertices, faces, {})
    return tmp_path / "box.obj"


def test_from_the_hub_to_a_mesh_where_the_input_is_and_gone_again(hub, models, mesh, capsys, tmp_path):
    code, _, refused = wala(capsys, "models", "fetch", "lagem")
    assert (
        code == 1
        and "licence stated: mit" in refused
        and "objaverse/checkpoint-350.pth" in refused
        and "README.md" in refused
    )
    assert "not known when this was" in refused and not models.exists()
    code, said, error = wala(capsys, "models", "fetch", "lagem", "--accept-licence")
    assert code == 0 and "licence: mit, as the hub states" in said, error
    made = read_record("lagem", models)
    assert set(made.files) == {"checkpoint-350.pth"} and made.files["checkpoint-350.pth"].checked_by == "hub"
    assert made.licence.name == "mit, as the hub states" and not made.licence.non_commercial
    assert made.converted.stat().st_size < made.files["checkpoint-350.pth"].size  # no optimizer in it
    assert read_metadata(made.converted)["licence"] == made.licence.name
    assert wala(capsys, "models", "verify", "lagem")[0] == 0
    assert "mit, as the hub states; installed" in wala(capsys, "models", "list")[1]

    code, said, error = wala(
        capsys, "generate", "--model", "lagem", "--mesh", mesh, "--resolution", "129", "--out", tmp_path / "made.obj"
    )
    assert code == 0, error
    assert "about" in error and "on this CPU at 129³ points" in error
    vertices, faces = read_mesh(tmp_path / "made.obj")
    given = read_mesh(mesh)
    assert chamfer_and_f_score((vertices, faces), given)[0] < 0.15  # of a box of 4 × 2 × 1 at (10, 0, −5)
    np.testing.assert_allclose(
        [vertices.min(axis=0), vertices.max(axis=0)], [given[0].min(axis=0), given[0].max(axis=0)], atol=0.35
    )

    assert wala(capsys, "models", "remove", "lagem")[0] == 0
    assert not (models / "lagem").exists()


def test_what_the_hub_does_not_state_stays_non_commercial(hub, models, capsys):
    hub.licence = None
    code, said, shown = wala(capsys, "models", "fetch", "lagem", "--accept-licence")
    assert code == 0 and "licence stated: none" in shown and "the hub states none" in said
    assert read_record("lagem", models).licence.non_commercial


def test_a_repository_of_something_else(hub, models):
    hub.files = {"Zbalpha/LaGeM/README.md": b"soon"}
    with pytest.raises(ModelError, match=r"no checkpoint \(.pth\) among README.md"):
        install.look_up(LAGEM)
    hub.files = {}
    with pytest.raises(DownloadError, match="is not there"):
        install.look_up(LAGEM)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["README.md", "checkpoint-125.pth"], "checkpoint-125.pth"),
        (["a/checkpoint-350.pth", "b/other.pth"], "a/checkpoint-350.pth"),
        (["a/checkpoint-350.pth", "b/checkpoint-350.pth"], None),
        (["checkpoint-1.pth", "checkpoint-2.pth"], None),
        (["x.ckpt"], None),
    ],
)
def test_which_file_is_the_checkpoint(names, chosen):
    if chosen:
        assert checkpoint_among(names, "there") == chosen
    else:
        with pytest.raises(ModelError, match=names[0]):
            checkpoint_among(names, "there")


@pytest.fixture
def folder(models, tmp_path):
    """A folder with the checkpoint, to be added."""
    (tmp_path / "LaGeM").mkdir()
    (tmp_path / "LaGeM/checkpoint-350.pth").write_bytes(checkpoint(learned_box()))
    return tmp_path / "LaGeM"


def test_an_added_folder_is_left_alone_and_gives_the_same_numbers(folder, models, capsys):
    code, said, error = wala(capsys, "models", "add", folder, "--accept-licence")
    assert code == 0 and said.startswith("lagem: takes mesh"), error
    made = read_record("lagem", models)
    original, converted = load_autoencoder(folder / "checkpoint-350.pth"), load_autoencoder(made.converted)
    assert original.config == converted.config == CONFIG
    for key, value in learned_box().state_dict().items():
        assert torch.equal(original.state_dict()[key], value) and torch.equal(converted.state_dict()[key], value)
    assert {value.dtype for value in read_state(made.converted).values()} == {torch.float32}


def test_a_reconstruction_is_the_same_for_a_seed_and_keeps_its_latents(folder, models, capsys, monkeypatch):
    wala(capsys, "models", "add", folder, "--accept-licence")
    monkeypatch.setattr("wala_blender.mesh_to_mesh.QUERIES", {257: 1_200_000, 33: 36_000})
    vertices, faces = box_mesh()
    inputs = {"vertices": vertices, "faces": faces, "resolution": 33}
    maker, kept, notes, stages = MeshToMesh.load("lagem", "cpu"), [], [], []
    made = maker.generate(
        "mesh",
        inputs,
        Settings("lagem"),
        lambda *event: stages.append(event),
        ResultCallbacks(latent=kept.append, note=notes.append),
    )
    again = maker.generate("mesh", inputs, Settings("lagem"))
    other = maker.generate("mesh", inputs, Settings("lagem", seed=1))
    np.testing.assert_array_equal(made.vertices, again.vertices)
    assert len(other.vertices) != len(made.vertices) or not np.array_equal(other.vertices, made.vertices)
    assert kept[0].shape == (4 * 16 + 8 * 8 + 24 * 4,) and notes and made.record["resolution"] == 33
    assert list(dict.fromkeys(stage for stage, _, _ in stages)) == [*STAGES, "finish"]
    assert all(step <= steps for _, step, steps in stages)
    assert np.abs(made.vertices).max() == pytest.approx(0.9, abs=0.15) and made.record["frame"]["center"] == [
        12,
        1,
        -4.5,
    ]
    for settings, words in ((Settings("lagem", steps=5), "no steps"), (Settings("lagem", scale=2.0), "no scale")):
        with pytest.raises(InputError, match=words):
            maker.generate("mesh", inputs, settings)
    with pytest.raises(InputError, match="expected 257 or 33"):
        maker.generate("mesh", inputs | {"resolution": 64}, Settings("lagem"))
    with pytest.raises(ModelError, match="takes no text"):
        maker.generate("text", {"prompt": "a"}, Settings("lagem"))
    with pytest.raises(ModelError, match="makes reconstructions, not shapes"):
        Pipeline.load("lagem", "cpu")


def test_a_job_folder_is_run(folder, models, capsys, monkeypatch, tmp_path, caplog):
    wala(capsys, "models", "add", folder, "--accept-licence")
    monkeypatch.setattr("wala_blender.mesh_to_mesh.QUERIES", {33: 36_000})
    vertices, faces = box_mesh()
    inputs = {"mesh": "inputs/mesh.npz", "resolution": 33}
    request = jobs.Request(jobs.new_id(), "lagem", "mesh", inputs, fit=0)  # what Blender sends where nothing is fitted
    path = jobs.write_job(tmp_path, request, {"mesh.npz": {"vertices": vertices, "faces": faces}})
    with caplog.at_level("INFO"):
        Engine("cpu").run(path, request, lambda *event: None)
    assert "at 33³ points" in caplog.text
    made = jobs.read_result(path)
    kept = jobs.read_surface(path)  # to be finished again without the model
    assert len(kept.faces) and kept.record["model"] == "lagem" and made.record["finish"] is not None
    assert np.load(path / "result/latent.npy").shape == (4 * 16 + 8 * 8 + 24 * 4,)
    placed = made.vertices / made.record["frame"]["scale"] + made.record["frame"]["center"]
    np.testing.assert_allclose(placed.mean(axis=0), [12, 1, -4.5], atol=0.35)


def test_a_reconstruction_can_be_stopped(folder, models, capsys):
    wala(capsys, "models", "add", folder, "--accept-licence")
    vertices, faces = box_mesh()

    def stop(stage, step, steps):
        if stage == "query" and step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        MeshToMesh.load("lagem", "cpu").generate(
            "mesh", {"vertices": vertices, "faces": faces}, Settings("lagem"), stop
        )


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


class Stranger:
    """A class that does no harm, and is none of the allowed."""


def hostile(kind: str, tmp_path: Path) -> bytes:
    if kind == "code among the tensors":
        return checkpoint(
            learned_box(), model=published_state(learned_box()) | {"to_outputs.bias": Harmful(tmp_path / "harmed")}
        )
    if kind == "code in the settings":
        return checkpoint(learned_box(), args=argparse.Namespace(output=Harmful(tmp_path / "harmed")))
    values = {
        "another class": Stranger(),
        "a path": pathlib.PurePosixPath("output"),
        "a subclass": type("Namespace", (argparse.Namespace,), {"__module__": "x"}),
    }
    return checkpoint(learned_box(), args=values[kind])


@pytest.mark.parametrize("kind", ["code among the tensors", "code in the settings", "another class", "a path"])
def test_a_checkpoint_with_more_than_tensors_and_settings_is_refused(models, tmp_path, kind):
    (tmp_path / "lagem").mkdir()
    (tmp_path / "lagem/checkpoint-350.pth").write_bytes(hostile(kind, tmp_path))
    with pytest.raises(CheckpointError, match="refused: it holds more than tensors, and could run a program"):
        load_autoencoder(tmp_path / "lagem/checkpoint-350.pth")
    assert not (tmp_path / "harmed").exists()


def changed(change: str) -> dict[str, torch.Tensor]:
    state = published_state(learned_box())
    if change == "missing":
        del state["networks.1.beta"]
    elif change == "unexpected":
        state["networks.1.delta"] = torch.zeros(3)
    elif change == "layers":
        state = {key: value for key, value in state.items() if "networks.2.layers.1." not in key}
    elif change == "shape":
        state["networks.1.post_bottleneck_proj.weight"] = torch.zeros(64, 5)
    elif change == "basis":
        state["point_embed.basis"] = state["point_embed.basis"] * 2
    elif change == "width":
        state["to_outputs.weight"] = torch.zeros(1, 3 * 128)
    elif change == "two levels":
        state = {key: value for key, value in state.items() if not key.startswith("networks.2.")}
        state["to_outputs.weight"] = torch.zeros(1, 2 * 64)
    else:
        state = {"something": torch.zeros(3)}
    return state


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("missing", "missing: level_autoencoder.networks.1.beta"),
        ("unexpected", "unexpected: level_autoencoder.networks.1.delta"),
        ("layers", "missing: level_autoencoder.networks.2.layers.1"),
        ("shape", "wrong shape: .*post_bottleneck_proj"),
        ("basis", "other frequencies"),
        ("width", "128 wide, known are 64"),
        ("two levels", "not levels from coarse to fine"),
        ("something else", "no to_outputs.weight"),
    ],
)
def test_files_that_do_not_fit(models, tmp_path, change, words):
    path = tmp_path / "checkpoint-350.pth"
    path.write_bytes(checkpoint(learned_box(), model=changed(change)))
    with pytest.raises(CheckpointError, match=words):
        load_autoencoder(path)


def test_the_published_tensors_are_the_networks():
    """All 405, by their names and shapes: nothing is missing, nothing left over."""
    published = {f"level_autoencoder.{key}": torch.empty(shape, device="meta") for key, shape in PUBLISHED.items()}
    assert len(published) == 405
    config = config_of(published)
    assert config == LevelAutoencoderConfig()
    with torch.device("meta"):
        model = LevelAutoencoder(config)
    ours = renamed(
        {key: torch.empty(shape, device="meta") for key, shape in PUBLISHED.items()}, LevelAutoencoder.published_layout
    )
    assert {key: value.shape for key, value in ours.items()} == {
        key: value.shape for key, value in model.state_dict().items()
    }


MEASURE = """
import sys
from pathlib import Path
import torch
from wala_blender.models import lagem

def memory(line):
    return 1024 * int(Path("/proc/self/status").read_text().split(line + ":")[1].split()[0])

lagem.COUNTS[128] = (96, (4, 8, 24))
lagem.load_autoencoder(Path(sys.argv[1]))  # imports
Path("/proc/self/clear_refs").write_text("5")  # the peak counts from now
before = memory("VmRSS")
model = lagem.load_autoencoder(Path(sys.argv[1]))
size = sum(4 * parameter.numel() for parameter in model.parameters())
sum(parameter.detach().sum().item() for parameter in model.parameters())
print((memory("VmHWM") - before) / size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_loading_takes_little_more_memory_than_the_weights(tmp_path):
    """The optimizer's state, twice the weights, is in the file and never in memory."""
    model = LevelAutoencoder(LevelAutoencoderConfig(128, 96, (4, 8, 24), (64, 32, 16), 8))
    moments = {i: torch.ones(sum(parameter.numel() for parameter in model.parameters())) for i in range(2)}
    (tmp_path / "checkpoint-350.pth").write_bytes(checkpoint(model, optimizer={"state": moments}))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "checkpoint-350.pth")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= 1.2


def test_the_cost_of_the_published_model():
    cost = Cost.of(LevelAutoencoderConfig())
    assert cost.latents == pytest.approx(1.2e12, rel=0.15) and cost.query == pytest.approx(24e6, rel=0.1)
    assert describe_duration(40) == "about 40 s" and describe_duration(170) == "about 3 minutes"
