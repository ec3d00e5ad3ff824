"""What may lie in the models folder, come from a hub, or be said in args.json."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import serving
from published_models import published_files

from wala_blender.errors import CheckpointError, DownloadError, ModelError, OutputError
from wala_blender.models import hub, install, licences
from wala_blender.models.licences import AUTODESK
from wala_blender.models.names import NAME, is_name
from wala_blender.models.published_config import published_settings
from wala_blender.models.records import claimed, installed_rows, known_row, read_record
from wala_blender.models.registry import MODELS
from wala_blender.models.trained_model import read_row
from wala_blender.pipeline import Pipeline

pytestmark = pytest.mark.faults
VOXELS = MODELS["wala-vx16-1b"]
DIGEST = "0" * 64
RECORD = {
    "schema": 1,
    "name": "x",
    "source": "/nowhere",
    "condition": "points",
    "licence": {"name": "mine", "link": "", "non_commercial": False, "terms": None},
    "commit": None,
    "files": {"checkpoint.ckpt": {"size": 4, "sha256": DIGEST}},
    "converted": None,
    "converted_file": None,
}
HOSTILE = [
    {"schema": 2},
    {"schema": "1"},
    {"schema": None},
    {"schema": True},
    {"schema": 1e999},
    {"source": 3},
    {"source": "relative"},
    {"source": ""},
    {"source": "/a\x1b[31m"},
    {"source": "/" + "a" * 5000},
    {"condition": "smell"},
    {"condition": []},
    {"condition": "text"},
    {"licence": None},
    {"licence": {"name": 3, "link": ""}},
    {"licence": {"name": "x\n", "link": ""}},
    {"licence": {"name": "x", "link": "", "terms": 3}},
    {"licence": {"name": "x", "link": "", "more": 1}},
    {"commit": 3},
    {"files": []},
    {"files": {}},
    {"files": {"../../x": {"size": 1, "sha256": DIGEST}}},
    {"files": {"checkpoint.ckpt": {"size": -1, "sha256": DIGEST}}},
    {"files": {"checkpoint.ckpt": {"size": 10**400, "sha256": DIGEST}}},
    {"files": {"checkpoint.ckpt": {"size": 4, "sha256": "x"}}},
    {"files": {"checkpoint.ckpt": {"size": 4, "sha256": DIGEST, "checked_by": "me"}}},
    {"files": {"checkpoint.ckpt": 3}},
    {"converted": "/etc/passwd", "converted_file": {"size": 1, "sha256": DIGEST}},
    {"converted": "/nowhere/model.safetensors"},
    {"converted": 3, "converted_file": {"size": 1, "sha256": DIGEST}},
]


@pytest.fixture
def models(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    (folder / "x").mkdir(parents=True)
    (folder / "good").mkdir()
    (folder / "good" / "installed.json").write_text(json.dumps(RECORD))
    monkeypatch.setenv("WALA_MODELS", str(folder))
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
    ):
        monkeypatch.delenv(name, raising=False)
    return folder


def is_one_bad_model(models, name="x"):
    with pytest.raises(ModelError):
        read_record(name, models)
    rows, problems = installed_rows(models)
    assert list(rows) == ["good"] and list(problems) == [name]
    assert Pipeline.load("starter", "cpu").row.name == "starter" and known_row("good", models).name == "good"
    return True


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: json.dumps(change)[:40])
def test_a_bad_newer_or_hostile_record_is_one_bad_model(models, change):
    (models / "x" / "installed.json").write_text(json.dumps(RECORD | change))
    with pytest.raises(ModelError):
        read_record("x", models)
    rows, problems = installed_rows(models)
    assert list(rows) == ["good"] and list(problems) == ["x"]
    assert install.remove("x", models) == [] and not (models / "x").exists() and Path("/etc/passwd").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b'"x"', b"null", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b" " * 2**21, b'{"schema": 1}'],
)
def test_a_record_that_is_no_record(models, content):
    (models / "x" / "installed.json").write_bytes(content)
    assert is_one_bad_model(models)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "device"])
def test_a_record_that_is_no_file(models, kind):
    path = models / "x" / "installed.json"
    {
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "loop": lambda: path.symlink_to(path),
        "device": lambda: path.symlink_to("/dev/zero"),
    }[kind]()
    assert is_one_bad_model(models)


@pytest.mark.parametrize("change", HOSTILE[:6], ids=lambda change: json.dumps(change)[:40])
def test_the_list_goes_on_and_says_what_is_wrong(models, capsys, change):
    from wala_blender.cli.main import main

    for name in ("x", VOXELS.name):
        (models / name).mkdir(exist_ok=True)
        (models / name / "installed.json").write_text(json.dumps(RECORD | change))
    assert main(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert (
        set(rows) == {*MODELS, "good", "x"}
        and rows["x"]["problem"]
        and rows[VOXELS.name]["problem"]
        and not rows["good"]["problem"]
    )
    assert main(["models"]) == 0 and "cannot be used" in capsys.readouterr().out


def test_only_what_was_made_is_removed(models, tmp_path):
    own, source = models / "x", tmp_path / "source"
    source.mkdir()
    for folder in (own, source):
        for name in ("model.safetensors", "checkpoint.ckpt", "precious.blend"):
            (folder / name).write_bytes(b"mine")
    record = RECORD | {
        "source": str(source),
        "converted": str(source / "model.safetensors"),
        "converted_file": {"size": 4, "sha256": DIGEST},
    }
    (own / "installed.json").write_text(json.dumps(record))
    assert [path.name for path in install.remove("x", models)] == [
        "checkpoint.ckpt",
        "model.safetensors",
        "precious.blend",
    ]
    assert sorted(os.listdir(own)) == ["checkpoint.ckpt", "model.safetensors", "precious.blend"]
    assert sorted(os.listdir(source)) == ["checkpoint.ckpt", "model.safetensors", "precious.blend"]


@pytest.mark.parametrize("name", ["photos", "..", ".", "", "x/../good", "starter", "/etc", ".locks"])
def test_what_is_no_model_is_not_removed(models, name):
    (models / "photos").mkdir()
    (models / "photos" / "model.safetensors").write_bytes(b"mine")
    before = sorted(models.rglob("*"))
    with pytest.raises(ModelError):
        install.remove(name, models)
    assert sorted(models.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links")
def test_a_linked_folder_keeps_what_is_in_it(models, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "installed.json").write_text(json.dumps(RECORD))
    (models / "linked").symlink_to(tmp_path / "far")
    assert install.remove("linked", models) == [tmp_path / "far"] and (tmp_path / "far" / "installed.json").exists()


def test_one_program_at_a_time_changes_a_model(models):
    hold = (
        "from pathlib import Path; import sys\nfrom wala_blender.models.records import claimed\n"
        "with claimed('x', Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(models)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ModelError, match="another program is fetching or changing x"), claimed("x", models):
            pass
        with claimed("good", models):
            pass
        other.kill()
    with claimed("x", models):  # the system took it back
        pass
    assert not (models / ".locks").exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="whom permissions bind")
def test_a_models_folder_that_cannot_be_written(models):
    models.chmod(0o500)
    with pytest.raises(OutputError), claimed("x", models):
        pass


def test_a_models_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    assert installed_rows(tmp_path / "file") == ({}, {})
    with pytest.raises(OutputError), claimed("x", tmp_path / "file"):
        pass


def test_one_rule_for_names_everywhere():
    from runtime.jobs import MODEL_NAME

    assert MODEL_NAME == NAME and all(map(is_name, MODELS))


@pytest.mark.parametrize(
    "name",
    [
        "a" * 65,
        "con",
        "NUL.txt",
        "com1",
        "a.",
        "a ",
        " a",
        "-a",
        ".a",
        "a/b",
        "a\\b",
        "a:b",
        "a\n",
        "a\0",
        "\udcff",
        "ä",
        "",
        3,
        None,
    ],
)
def test_what_cannot_be_a_name(models, name):
    assert not is_name(name)
    with pytest.raises(ModelError):
        read_record(name, models)


NETWORK = {
    "dit_block_type": "cross_dit",
    "att_patch_size": 2,
    "att_hidden_size": 96,
    "transformer_num_blocks": 2,
    "transformer_num_heads": 4,
    "unet_model_channels": 64,
    "unet_num_res_blocks": [2],
    "cond_grid_size": 256,
    "cond_grid_emb_size": 64,
}


@pytest.mark.parametrize(
    "name",
    [
        "att_hidden_size",
        "transformer_num_blocks",
        "unet_num_res_blocks",
        "cond_grid_size",
        "e_dim",
        "n_e",
        "encoder_num_tran",
        "diffusion_step",
        "diffusion_rescale_timestep",
        "training_views",
        "beta",
        "use_camera_index",
        "padding_mode",
    ],
)
@pytest.mark.parametrize(
    "value",
    ["9", 10**30, -1, 2.5, float("nan"), float("inf"), {"a": 1}, [[1]], [10**9], "x" * 5000],
    ids=lambda value: str(value)[:12],
)
def test_a_setting_of_the_wrong_type_or_range(name, value):
    if (name, value) == ("beta", 2.5):
        pytest.skip("is right")
    with pytest.raises(CheckpointError, match="args.json") as refused:
        published_settings(NETWORK | {name: value})
    assert len(str(refused.value)) < 1200


@pytest.mark.parametrize(
    "change",
    [
        {"patch": 0},
        {"heads": 0},
        {"blocks": 10**9},
        {"width": -1},
        {"grid": 10**6},
        {"width": "wide"},
        {"channels": 2**40},
    ],
)
def test_a_trained_models_about_file_has_ranges(tmp_path, change):
    about = {
        "name": "mine",
        "title": "Mine",
        "licence": {"name": "mine", "link": ""},
        "conditions": {"text": {"scale": 2.0, "steps": 8}},
        "autoencoder": {},
        "starter": {"denoiser": {"width": 96, "blocks": 2, "heads": 4, "channels": 64} | change},
    }
    (tmp_path / "about.json").write_text(json.dumps(about))
    with pytest.raises(CheckpointError, match="is no model"):
        read_row(tmp_path)


@pytest.fixture
def served(models):
    with serving(
        {f"{VOXELS.published.repository}/{name}": content for name, content in published_files("voxels").items()}
    ) as one:
        licences.accept(AUTODESK, VOXELS.name, models)
        yield one


@pytest.mark.parametrize("more", [1, 1_000_000])
@pytest.mark.parametrize("name", ["args.json", "checkpoint.ckpt"])
def test_a_download_ends_at_its_promised_size(served, tmp_path, name, more, monkeypatch):
    file = hub.look_up(VOXELS.published.repository, name, endpoint=served.endpoint)
    served.sent = {
        f"{VOXELS.published.repository}/{name}": served.files[f"{VOXELS.published.repository}/{name}"] + bytes(more)
    }
    with pytest.raises(DownloadError, match="does not end at the"):
        hub.download(file, tmp_path, lambda done: None, served.endpoint)
    assert not list(tmp_path.glob(".*part")) and not (tmp_path / name).exists()


def test_a_pinned_checksum_decides(served, tmp_path):
    file = hub.look_up(VOXELS.published.repository, "args.json", endpoint=served.endpoint)
    with pytest.raises(DownloadError, match="arrived damaged"):
        hub.download(file, tmp_path, lambda done: None, served.endpoint, pinned=DIGEST)
    digest, by = hub.download(file, tmp_path, lambda done: None, served.endpoint)
    assert by == "hub" and hub.download(file, tmp_path, lambda done: None, served.endpoint, pinned=digest) == (
        digest,
        "table",
    )
    assert hub.download(replace(file, etag="of no kind"), tmp_path, lambda done: None, served.endpoint) == (digest, "")


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:9",
        "socks5h://127.0.0.1:9",
        "socks4://127.0.0.1:9",
        "socks://127.0.0.1:9",
        "ftp://127.0.0.1:9",
        "http://127.0.0.1:9",
        "http://[::1",
        "http://a:b:c",
        "://",
        "http://user:geheim@127.0.0.1:9",
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_is_one_clear_line(models, proxy, variable):
    program = (
        "from wala_blender.models import hub; from wala_blender.errors import DownloadError\ntry:\n    hub.look_up('a/b', 'c')\n"
        "except DownloadError as error:\n    print(error)"
    )
    environment = {**os.environ, variable: proxy}
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)
    assert (
        made.returncode == 0
        and made.stdout.count("\n") == 1
        and ("proxy" in made.stdout or "Check the connection" in made.stdout)
    ), made
    assert "geheim" not in made.stdout and "lacks" not in made.stdout
