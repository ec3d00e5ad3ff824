"""What the command line is given, or has around it, that it should not trip over."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from wala_blender.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.faults
CUBE = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n"
LONG = "a" * 5000
STEPS = ("--steps", "2", "--fit", "0", "--device", "cpu")


class Made(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def wala(cube, monkeypatch, capsys):
    """The command line, in a folder with cube.obj."""
    monkeypatch.chdir(cube)
    monkeypatch.setenv("WALA_MODELS", str(cube / "no models"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def run(*words) -> Made:
        try:
            code = main(list(map(os.fsdecode, words)))
        except SystemExit as left:
            code = left.code
        return Made(code, *capsys.readouterr())

    return run


def is_one_line(made: Made, code: int) -> bool:
    said = made.stderr
    return (
        made.returncode == code
        and said.startswith("wala: ")
        and said.count("\n") == 1
        and len(said) <= 1100
        and "unexpected" not in said
    )


@pytest.fixture
def cube(tmp_path):
    (tmp_path / "cube.obj").write_text(CUBE)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("generate", "--text", "a", "--seed", LONG, "--out", "a.glb"), 2),
        (("generate", "--text", "a", "--scale", "1e" + "4" * 400, "--out", "a.glb"), 2),
        (("generate", "--text", "a", "--seed", "9" * 5000, "--out", "a.glb"), 2),
        ((LONG,), 2),
        (("generate", "--" + LONG), 2),
        (("generate", "--text", "a", "--model", LONG, "--out", "a.glb"), 1),
        (("generate", "--text", "a", "--model", "./" + LONG, "--out", "a.glb"), 1),
        (("generate", "--text", "a", "--device", LONG, "--out", "a.glb"), 1),
        (("generate", "--text", LONG * 3, "--out", "a.glb"), 1),
        (("generate", "--text", "a", "--out", LONG + ".glb"), 1),
        (("generate", "--text", "a", "--out", "a." + LONG), 1),
        (("generate", "--image", LONG, "--out", "a.glb"), 1),
        (("generate", "--points", LONG + ".xyz", "--out", "a.glb"), 1),
        (("generate", "--text", "\x1b]0;title\x07" + "\x1b[31m", "--model", "\x1b[31m", "--out", "a.glb"), 1),
        (("roundtrip", LONG + ".obj", "--out", "a.glb"), 1),
        (("depth", LONG, "--out", "a"), 1),
        (("depth", "cube.obj", "--out", LONG), 1),
        (("models", "fetch", LONG), 1),
        (("models", "verify", LONG), 1),
        (("models", "convert", LONG), 1),
        (("models", "remove", LONG), 1),
        (("models", "add", LONG), 1),
        (("models", "add", ".", "--name", LONG), 1),
        (("models", "fetch", "\x1b[31m"), 1),
        (("run", "--device"), 2),
    ],
)
def test_what_is_echoed_is_one_short_line(cube, wala, words, code):
    made = wala(*words)
    assert is_one_line(made, code), made.stderr
    assert "\x1b" not in made.stderr and os.listdir(cube) == ["cube.obj"]


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "--text", "a", "--out", "folder"),
        ("generate", "--text", "a", "--out", "folder.glb"),
        ("generate", "--text", "a", "--out", "."),
        ("generate", "--text", "a", "--out", ""),
        ("roundtrip", "cube.obj", "--out", "folder"),
        ("roundtrip", "cube.obj", "--out", "folder.glb"),
        ("evaluate", "--data", ".", "--out", "folder"),
        ("depth", "cube.obj", "--out", "cube.obj"),
        ("depth", "cube.obj", "--out", "none/there"),
    ],
)
def test_an_output_that_is_a_folder_or_a_file(cube, wala, words):
    for name in ("folder", "folder.glb"):
        (cube / name).mkdir()
    made = wala(*words)
    assert is_one_line(made, 1) and (
        "is a folder" in made.stderr or "is a file" in made.stderr or "does not exist" in made.stderr
    ), made.stderr
    assert (cube / "cube.obj").read_text() == CUBE


@pytest.mark.parametrize("bytes_", [240, 251, 255])
def test_an_output_with_a_long_name(cube, wala, bytes_):
    name = "ä" * ((bytes_ - 4) // 2) + "x" * (bytes_ % 2) + ".glb"
    made = wala("roundtrip", "cube.obj", "--no-autoencoder", "--out", name)
    assert made.returncode == 0 and sorted(os.listdir(cube)) == sorted(["cube.obj", name]), made.stderr


def test_an_output_with_too_long_a_name_is_refused_before_anything_is_computed(cube, wala):
    made = wala("roundtrip", "cube.obj", "--no-autoencoder", "--out", "a" * 252 + ".glb")
    assert is_one_line(made, 1) and "cannot be written" in made.stderr and not made.stdout


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="its file names are Unicode")
def test_names_that_are_no_text(cube, wala):
    os.rename(cube / "cube.obj", os.fsencode(cube) + b"/\xff\xfe.obj")
    words = [b"depth", b"\xff\xfe.obj", b"--cameras", b"3", b"--out", b"\xe4"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    made = subprocess.run(
        [sys.executable, "-m", "wala_blender", *words], capture_output=True, cwd=cube, env=environment, timeout=300
    )
    assert (
        made.returncode == 0
        and made.stdout.strip() == b"\xe4/depth_03.png"
        and os.listdir(os.fsencode(cube) + b"/\xe4") == [b"depth_03.png"]
    )
    made = wala(b"depth", b"\xff.obj", b"--out", b"a")
    assert is_one_line(made, 1) and r"\udcff" in made.stderr


def test_a_prompt_that_is_no_text(cube, wala):
    made = wala(b"generate", b"--text", b"a \xff chair", b"--out", b"a.glb")
    assert is_one_line(made, 1) and "no text" in made.stderr and not (cube / "a.glb").exists()


@pytest.mark.parametrize("kind", ["model", "damaged", "empty", "file"])
def test_a_folder_takes_no_models_place(cube, wala, kind):
    """`starter` is the starter, whatever lies in the working folder under that name."""
    place = cube / "starter"
    if kind == "file":
        place.write_text("x")
    else:
        place.mkdir()
        if kind != "empty":
            (place / "about.json").write_text("{" if kind == "damaged" else '{"name": "mine"}')
    made = wala("generate", "--text", "a", *STEPS, "--out", "a.ply")
    assert made.returncode == 0 and "(starter, text" in made.stdout, made.stderr


def test_a_trained_models_folder_is_given_as_a_path(cube, wala):
    (cube / "mine").mkdir()
    (cube / "mine" / "about.json").write_text("{}")
    made = wala("generate", "--text", "a", "--model", "mine", "--out", "a.ply")
    assert is_one_line(made, 1) and "give ./mine" in made.stderr
    made = wala("generate", "--text", "a", "--model", "./mine", "--out", "a.ply")
    assert is_one_line(made, 1) and "mine is no model" in made.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="of POSIX shells")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("words", "code"),
    [("depth cube.obj --cameras 3 --out a", 0), ("roundtrip cube.obj --out a.xyz", 1), ("no-such-command", 2)],
)
def test_standard_streams_that_are_closed(cube, closed, words, code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WALA_MODELS": str(cube / "no models")}
    command = f"{sys.executable} -m wala_blender {words} {closed}"
    made = subprocess.run(command, shell=True, capture_output=True, cwd=cube, env=environment, timeout=300)
    assert made.returncode == code, made.stderr
    if code == 0:
        assert (cube / "a" / "depth_03.png").read_bytes().endswith(b"IEND\xaeB`\x82")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device")
def test_an_output_that_takes_nothing(cube):
    with open("/dev/full", "w") as full:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        made = subprocess.run(
            [sys.executable, "-m", "wala_blender", "models"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
    assert is_one_line(made, 1) and "No space left" in made.stderr


def test_a_pipe_in_place_of_an_input_is_not_waited_for(cube, wala):
    os.mkfifo(cube / "p.xyz")
    made = wala("generate", "--points", "p.xyz", "--out", "a.glb")
    assert is_one_line(made, 1)


def test_views_beside_an_output_of_a_long_name(tmp_path):
    from wala_blender.files import beside

    assert beside(tmp_path / "chair.glb", "_depths_03.png").name == "chair_depths_03.png"
    for name in ("a" * 251, "ä" * 125):
        named = beside(tmp_path / f"{name}.glb", "_depths_03.png").name
        assert named.endswith("_depths_03.png") and 254 <= len(os.fsencode(named)) <= 255


@pytest.mark.parametrize("suffix", [".obj", ".npy", ".png", ".json"])
def test_a_huge_sparse_file_is_refused_unread(tmp_path, suffix):
    from wala_blender.conditions.inputs import load_inputs
    from wala_blender.errors import InputError

    with open(tmp_path / f"a{suffix}", "wb") as file:
        file.truncate(2**31)
    name = {".obj": "mesh", ".npy": "points", ".png": "image", ".json": "occupancy"}[suffix]
    with pytest.raises(InputError, match="2048 MiB, more than the"):
        load_inputs({name: f"a{suffix}"}, tmp_path)
