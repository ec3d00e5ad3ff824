"""The command line: exit codes, one line an error, and what it makes. What needs the starter's weights is skipped until
they are there."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree
from shapes import box, open_edges, signed_volume, sphere, write_collection

import wala_blender
from runtime import jobs
from wala_blender.cli import main
from wala_blender.geometry.meshes import read_mesh, write_mesh
from wala_blender.geometry.surface import component_labels
from wala_blender.models.registry import MODELS
from wala_blender.networks.autoencoder import Autoencoder, AutoencoderConfig
from wala_blender.training.runs import write_stage_one

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = MODELS["starter"].weights
needs_weights = pytest.mark.skipif(not WEIGHTS.exists(), reason=f"the starter's weights are not at {WEIGHTS}")

BLOCK = np.zeros((16, 16, 16), bool)
BLOCK[2:14, 4:9, 3:13] = True


def wala(capsys, *arguments) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    try:
        code = main.main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        code = stopped.code
    return code, *capsys.readouterr()


def process(*arguments, **options) -> subprocess.CompletedProcess:
    """The same in a process of its own, from another folder."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "wala_blender", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=env, **options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "required: COMMAND"),
        (("grow",), "invalid choice: 'grow'"),
        (("generate", "--text", "a"), "required: --out"),
        (
            ("generate", "--out", "a.glb"),
            "one of the arguments --text --sketch --image --depth --depths --views --voxels --points --unconditional --mesh is required",
        ),
        (("generate", "--text", "a", "--points", "b", "--out", "a.glb"), "not allowed with"),
        (("generate", "--text", "a", "--unconditional", "--out", "a.glb"), "not allowed with"),
        (
            ("generate", "--depths", "a.png", "--cameras", "55", "--out", "a.glb"),
            "'55' is not a camera's number from 0 to 54",
        ),
        (("generate", "--text", "a", "--out", "a.glb", "--seed", "-1"), "'-1' is not a whole number from 0"),
        (("generate", "--text", "a", "--out", "a.glb", "--steps", "many"), "'many' is not a whole number"),
        (("generate", "--text", "a", "--out", "a.glb", "--scale", "nan"), "'nan' is not a number"),
        (("train",), "required: STAGE"),
        (("train", "denoiser", "--store", "s", "--out", "o"), "required: --autoencoder"),
        (("evaluate", "--data", "d", "--out", "o", "--split", "test"), "invalid choice: 'test'"),
        (("data", "build", "f"), "required: --out"),
    ],
)
def test_usage_is_told_on_one_line(capsys, arguments, words):
    code, out, err = wala(capsys, *arguments)
    assert code == 2 and out == "" and err.startswith("wala: ") and err.count("\n") == 1 and words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("generate", "--text", "a", "--out", "a.fbx"), "unknown kind of file '.fbx'"),
        (("generate", "--text", "a", "--out", "nowhere/a.glb"), "the folder nowhere does not exist"),
        (("generate", "--text", " ", "--out", "a.glb"), "the prompt is empty"),
        (
            ("generate", "--text", "a", "--elevation", "3", "--out", "a.glb"),
            "--elevation is of use with --sketch, --image and --depth only",
        ),
        (
            ("generate", "--text", "a", "--prompt", "b", "--out", "a.glb"),
            "--prompt is of use with --sketch, --image, --depth, --depths, --voxels and --points only",
        ),
        (
            ("generate", "--voxels", "far.json", "--cameras", "3", "--out", "a.glb"),
            "--cameras is of use with --image, --depth, --depths and --views only",
        ),
        (("generate", "--depths", "d.png", "gone.png", "--out", "a.glb"), "gone.png is missing"),
        (("generate", "--image", "cut.npy", "--out", "a.glb"), "cut.npy cannot be read"),
        (("depth", "missing.obj", "--out", "maps"), "missing.obj cannot be opened"),
        (("depth", "sheet.obj", "--out", "nowhere/maps"), "the folder nowhere does not exist"),
        (("generate", "--text", "a", "--model", "imagined", "--out", "a.glb"), "unknown model 'imagined'"),
        (("generate", "--text", "a", "--device", "abacus", "--out", "a.glb"), "abacus"),
        (("generate", "--points", "missing.npy", "--out", "a.glb"), "missing.npy is missing"),
        (("generate", "--sketch", "empty.png", "--out", "a.glb"), r"empty.png is empty (0 bytes)"),
        (("generate", "--voxels", "far.json", "--out", "a.glb"), "voxel 1, [16, 0, 0], is out of range"),
        (("generate", "--voxels", "cut.npy", "--out", "a.glb"), "cut.npy cannot be read"),
        (("generate", "--points", "nan.npy", "--out", "a.glb"), "9 of 9 points are not finite"),
        (("roundtrip", "missing.obj", "--out", "a.glb", "--no-autoencoder"), "missing.obj cannot be opened"),
        (("roundtrip", "sheet.obj", "--out", "a.glb", "--no-autoencoder"), "encloses no volume"),
        (("parity", "."), "no reference vectors"),
        (("parity", "missing"), "no reference vectors"),
        (("evaluate", "--data", "missing", "--out", "r.json"), "no collection"),
        (("evaluate", "--data", "missing", "--out", "nowhere/r.json"), "the folder nowhere does not exist"),
        (("data", "build", "missing", "--out", "store"), "no mesh in missing"),
        (("train", "autoencoder", "--store", "missing", "--out", "run"), "not a store of samples"),
        (("train", "export", "--autoencoder", "a", "--denoiser", "d"), "a/autoencoder.pt is missing"),
    ],
)
def test_errors_are_told_on_one_line_and_nothing_is_written(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.png").touch()
    (tmp_path / "far.json").write_text('{"resolution": 16, "occupancy": [[0, 0, 0], [16, 0, 0]]}')
    np.save("cut.npy", np.zeros((16, 16, 16)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:900])
    np.save("nan.npy", np.full((9, 3), np.nan))
    (tmp_path / "sheet.obj").write_text("v -1 0 -1\nv 1 0 -1\nv 1 0 1\nv -1 0 1\nf 1 2 3 4\n")
    Image.new("L", (20, 20)).save("d.png")
    (tmp_path / "a.glb").write_text("an earlier result")
    code, out, err = wala(capsys, *arguments)
    assert code == 1 and out == "" and err.startswith("wala: ") and err.count("\n") == 1 and words in err
    assert (tmp_path / "a.glb").read_text() == "an earlier result"


def test_the_version_is_the_packages(capsys):
    assert wala(capsys, "--version") == (0, f"wala {wala_blender.__version__}\n", "")


def test_help_needs_no_heavy_library():
    code = "import sys; from wala_blender.cli import main; main.parser(); print(sorted({'torch', 'numpy', 'trimesh'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_models_are_listed(capsys):
    code, out, _ = wala(capsys, "models")
    assert code == 0 and all(word in out for word in ("starter", "text", "sketch", "voxels", "points", "licence"))


def test_a_defect_is_one_line_and_on_demand_a_traceback(capsys, monkeypatch):
    def broken(options):
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("wala_blender.cli.model_list.list_models", broken)
    code, _, err = wala(capsys, "models")
    assert code == 1 and err.count("\n") == 1 and "unexpected ZeroDivisionError: two lines" in err
    monkeypatch.setenv(main.TRACEBACK, "1")
    assert "in broken" in wala(capsys, "models")[2]


def test_parity_of_a_folder(capsys, tmp_path):
    for name in ("schedules.npz", "voxel_down2.npz", "condition_encoders.json"):
        shutil.copy(Path(__file__).parent / "parity" / name, tmp_path)
    np.savez(tmp_path / "something.npz", a=np.zeros(3))
    code, out, _ = wala(capsys, "parity", tmp_path)
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == [
        "schedules.npz",
        "voxel_down2.npz",
        "something.npz",
    ]
    assert "not checked" in out
    with np.load(tmp_path / "voxel_down2.npz") as arrays:
        np.savez(tmp_path / "voxel_down2.npz", x=arrays["x"], y=arrays["y"] * 1.001)
    code, out, err = wala(capsys, "parity", tmp_path)
    assert code == 1 and "ABOVE THE BAR" in out and "1 of 2 reference vectors are above the bar: voxel_down2.npz" in err


def test_only_unknown_vectors_are_no_success(capsys, tmp_path):
    np.savez(tmp_path / "something.npz", a=np.zeros(3))
    assert wala(capsys, "parity", tmp_path)[0] == 1


def test_a_round_trip_without_weights(capsys, tmp_path):
    mesh, back = tmp_path / "ball.ply", tmp_path / "zurück.obj"
    write_mesh(mesh, *sphere(3.0, (10, 20, 30), rings=64), {})
    code, out, err = wala(capsys, "roundtrip", mesh, "--out", back, "--no-autoencoder", "--json")
    assert code == 0, err
    stages = json.loads(out)
    assert {name: stage["numbers"] for name, stage in stages.items()} == {"coarse": 46**3, "wavelet_tree": 64 * 46**3}
    assert 0.95 < stages["coarse"]["iou"] < stages["wavelet_tree"]["iou"] and stages["wavelet_tree"]["iou"] > 0.995
    vertices, faces = read_mesh(back)
    assert np.allclose(vertices.mean(0), (10, 20, 30), atol=0.02) and open_edges(faces) == 0
    assert signed_volume(vertices - (10, 20, 30), faces) == pytest.approx(4 / 3 * np.pi * 27, rel=0.01)


def test_depth_maps_of_a_mesh(capsys, tmp_path):
    write_mesh(tmp_path / "ball.obj", *sphere(2.0, (5, 6, 7), rings=16), {})
    code, out, err = wala(capsys, "depth", tmp_path / "ball.obj", "--cameras", 3, 49, "--out", tmp_path / "maps")
    assert code == 0, err
    assert out.split() == [str(tmp_path / "maps" / name) for name in ("depth_03.png", "depth_49.png")]
    for path in out.split():
        picture = np.asarray(Image.open(path))
        assert picture.shape == (256, 256) and picture[128, 128] > 250 and picture[0, 0] == 0


@needs_weights
@pytest.mark.parametrize(
    "given",
    [
        ("--unconditional",),
        ("--depth", "ball.obj", "--azimuth", 30),
        ("--depths", "ball.obj", "--cameras", 3, 26),
        ("--image", "thing.png", "--elevation", 10),
    ],
    ids=lambda given: given[0],
)
def test_the_starter_takes_pictures_depth_maps_and_nothing(capsys, tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    write_mesh(tmp_path / "ball.obj", *sphere(rings=8), {})
    picture = np.full((40, 40, 3), 255, np.uint8)
    picture[10:30, 10:30] = 90
    Image.fromarray(picture).save("thing.png")
    code, out, err = wala(capsys, "generate", *given, "--steps", 2, "--device", "cpu", "--out", "a.glb")
    assert code == 0, err
    assert out.startswith("a.glb: ") and (tmp_path / "a.glb").stat().st_size > 10_000


@needs_weights
def test_a_model_that_does_not_take_the_condition_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (20, 20)).save("b.png")
    code, _, err = wala(capsys, "generate", "--views", *["b.png"] * 4, "--device", "cpu", "--out", "a.glb")
    assert (
        code == 1
        and "the model starter takes no views" in err
        and "It takes: text, sketch, image" in err
        and err.count("\n") == 1
    )


def test_a_job_folder_that_cannot_be_run(tmp_path):
    done = process("run", tmp_path, cwd=tmp_path)
    assert done.returncode == 1 and "request.json is missing" in done.stderr and done.stderr.count("\n") == 1


_ENDLESS = """
import signal, sys, time
from wala_blender.cli import main, model_list
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts the tests in the background has it ignored
model_list.list_models = lambda options: (print("at work", flush=True), time.sleep(300))
sys.exit(main.main(["models"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_an_interrupt_ends_with_130():
    with subprocess.Popen(
        [sys.executable, "-c", _ENDLESS], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "at work\n"
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130 and err == "wala: interrupted\n"


def chair_drawing(path: Path) -> None:
    image = Image.new("RGB", (300, 400), "white")
    draw = ImageDraw.Draw(image)
    for line in (
        ((60, 40), (60, 370)),
        ((60, 40), (240, 40)),
        ((240, 40), (240, 370)),
        ((60, 200), (240, 200)),
        ((60, 240), (240, 240)),
    ):
        draw.line(line, fill="black", width=5)
    image.save(path)


def checked_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The mesh of a file, its vertices joined along sharp edges, where .glb has one a face's normal."""
    vertices, faces = read_mesh(path)
    vertices, joined = np.unique(vertices, axis=0, return_inverse=True)
    faces = joined.reshape(-1)[faces]
    assert open_edges(faces) == 0 and signed_volume(vertices, faces) > 0
    return vertices, faces


@needs_weights
def test_variations_are_files_with_a_seed_each(capsys, tmp_path):
    out = tmp_path / "box.v2.obj"
    given = ("generate", "--text", "a box", "--steps", 4, "--seed", 7, "--variations", 2, "--out", out)
    code, said, err = wala(capsys, *given, "--precision", "float32")
    assert code == 0, err
    names = ["box.v2-01.obj", "box.v2-02.obj"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for path, seed in zip(names, (7, 8), strict=True):
        checked_mesh(tmp_path / path)
        assert f"# seed: {seed}\n" in (tmp_path / path).read_text() and f"seed {seed}, " in said
    assert len({(tmp_path / path).read_bytes() for path in names}) == 2


def test_variations_beyond_the_last_seed_are_refused_before_anything_is_made(capsys, tmp_path):
    given = ("generate", "--text", "a box", "--seed", 2**63 - 1, "--variations", 2, "--out", tmp_path / "box.obj")
    code, said, err = wala(capsys, *given)
    assert code == 1 and "smaller --seed" in err and not said and not list(tmp_path.iterdir())


@needs_weights
@pytest.mark.parametrize("condition", ["text", "sketch", "voxels", "blockout", "points"])
def test_generate(capsys, tmp_path, condition):
    ball = sphere(2.0, (5, 6, 7), rings=32)
    (tmp_path / "o.json").write_text(json.dumps({"resolution": 16, "occupancy": np.argwhere(BLOCK).tolist()}))
    np.save(tmp_path / "p.npy", ball[0])
    write_mesh(tmp_path / "b.obj", *ball, {})
    chair_drawing(tmp_path / "s.png")
    given = {
        "text": ("--text", "a chair", "--steps", 10),
        "sketch": ("--sketch", tmp_path / "s.png", "--elevation", 10, "--steps", 10),
        "voxels": ("--voxels", tmp_path / "o.json"),
        "blockout": ("--voxels", tmp_path / "b.obj"),
        "points": ("--points", tmp_path / "p.npy"),
    }
    out = tmp_path / "made.glb"
    code, said, err = wala(capsys, "generate", *given[condition], "--seed", 4, "--device", "cpu", "--out", out)
    assert code == 0, err
    vertices, _ = checked_mesh(out)
    assert str(out) in said
    if condition in ("points", "blockout"):
        # It stands where the input stood.
        assert np.allclose((vertices.min(0) + vertices.max(0)) / 2, (5, 6, 7), atol=0.8)


@needs_weights
def test_two_inputs_are_read_together(capsys, tmp_path):
    np.save(tmp_path / "o.npy", BLOCK)
    given = ("generate", "--voxels", tmp_path / "o.npy", "--quality", "draft", "--fit", 0, "--device", "cpu")
    for name, more in (("a", ()), ("b", ("--beside", "text", "a car", 0.5, "--weight", 0.8))):
        code, _, err = wala(capsys, *given, *more, "--out", tmp_path / f"{name}.ply")
        assert code == 0, err
    assert (tmp_path / "a.ply").read_bytes() != (tmp_path / "b.ply").read_bytes()


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        (("views", "a.png", 1), "no input that can be combined"),
        (("text", "a car", "much"), "expected a number from 0 to 1"),
        (("text", "a car", 2), "expected a number from 0 to 1"),
        (("voxels", "o.npy", 1), "expected each once"),
        (("points", "gone.npy", 1), "gone.npy is missing"),
    ],
)
def test_inputs_that_cannot_be_combined_are_refused(capsys, tmp_path, monkeypatch, beside, words):
    monkeypatch.chdir(tmp_path)
    np.save("o.npy", BLOCK)
    code, _, err = wala(capsys, "generate", "--voxels", "o.npy", "--beside", *beside, "--out", "a.ply")
    assert code == 1 and words in err and not (tmp_path / "a.ply").exists()


@needs_weights
def test_a_mesh_is_varied_in_a_region_and_blended_where_it_was(capsys, tmp_path):
    write_mesh(tmp_path / "a.obj", *box((4, 5, 6), (6, 7, 8)), {})
    write_mesh(tmp_path / "b.obj", *sphere(1.0, (0, 0, 0), rings=16), {})
    shared = ("--quality", "draft", "--device", "cpu", "--out", tmp_path / "made.obj")
    for given in (
        ("vary", tmp_path / "a.obj", "--text", "a box", "--sphere", 5, 7, 7, 0.8),
        ("blend", tmp_path / "a.obj", tmp_path / "b.obj", "--mix", 0.2),
    ):
        code, said, err = wala(capsys, *given, *shared)
        assert code == 0, err
        vertices, _ = checked_mesh(tmp_path / "made.obj")
        assert np.allclose([vertices.min(0), vertices.max(0)], [(4, 5, 6), (6, 7, 8)], atol=0.3)
        assert f"{tmp_path / 'made.obj'}" in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--strength", 2), "a number from 0 to 1"),
        (("--box", 1, 1, 1, 0, 2, 2), "has no size"),
        (("--sphere", 0, 0, 0, 0), "has no size"),
        (("--out", "a.obj"), "a.obj"),
    ],
)
def test_a_variation_that_cannot_be_is_refused(capsys, tmp_path, monkeypatch, given, words):
    monkeypatch.chdir(tmp_path)
    write_mesh(tmp_path / "a.obj", *box(), {})
    code, _, err = wala(capsys, "vary", "a.obj", "--out", "b.obj", *given)
    assert code in (1, 2) and words in err and [path.name for path in tmp_path.iterdir()] == ["a.obj"]


@needs_weights
def test_the_same_seed_gives_the_same_mesh_and_another_seed_another(capsys, tmp_path):
    np.save(tmp_path / "o.npy", BLOCK)
    given = ("generate", "--voxels", tmp_path / "o.npy", "--steps", 4, "--device", "cpu")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        code, _, err = wala(capsys, *given, "--seed", seed, "--out", tmp_path / f"{name}.ply")
        assert code == 0, err
    a, b, c = ((tmp_path / f"{name}.ply").read_bytes() for name in "abc")
    assert a == b and a != c and b"comment condition: voxels" in a and b"comment origin: AI-generated" in a


@needs_weights
def test_a_blockout_of_two_parts_is_of_one_piece_where_that_is_asked_for(capsys, tmp_path):
    twins = np.zeros((16, 16, 16), bool)
    twins[1:6, 5:11, 5:11] = twins[10:15, 5:11, 5:11] = True
    np.save(tmp_path / "o.npy", twins)
    found = []
    for option in ((), ("--one-piece",)):
        code, _, err = wala(
            capsys,
            "generate",
            "--voxels",
            tmp_path / "o.npy",
            "--device",
            "cpu",
            "--no-colour",  # vertices of a .ply are split where colours meet
            *option,
            "--out",
            tmp_path / "made.ply",
        )
        assert code == 0
        found.append(
            (component_labels(read_mesh(tmp_path / "made.ply")[1], len(read_mesh(tmp_path / "made.ply")[0]))[0], err)
        )
    (both, nothing), (one, note) = found
    assert both == 2 and nothing == "" and one == 1 and note == "wala: A loose piece was left out\n"


@needs_weights
def test_a_round_trip_through_the_latent(capsys, tmp_path):
    write_mesh(tmp_path / "ball.obj", *sphere(rings=32), {})
    code, out, err = wala(
        capsys, "roundtrip", tmp_path / "ball.obj", "--out", tmp_path / "back.glb", "--json", "--device", "cpu"
    )
    assert code == 0, err
    stages = json.loads(out)
    assert list(stages) == ["coarse", "wavelet_tree", "latent"] and stages["latent"]["numbers"] == 4 * 12**3
    assert 0.5 < stages["latent"]["iou"] < 1
    checked_mesh(tmp_path / "back.glb")


@needs_weights
def test_a_job_folder_and_generate_give_the_same_mesh(tmp_path):
    request = jobs.Request(jobs.new_id(), "starter", "voxels", {"occupancy": "inputs/occupancy.npy"}, seed=3, steps=4)
    folder = jobs.write_job(tmp_path / "Aufträge", request, {"occupancy.npy": BLOCK})
    np.save(tmp_path / "o.npy", BLOCK)
    done = process("run", folder, "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = tmp_path / "a.glb"
    done = process(
        "generate", "--voxels", tmp_path / "o.npy", "--seed", 3, "--steps", 4, "--device", "cpu", "--out", made
    )
    assert done.returncode == 0, done.stderr
    result, (vertices, _) = jobs.read_result(folder), read_mesh(made)
    # Not bit by bit: how sums are split between threads may differ from one process to the next.
    far = [cKDTree(a).query(b)[0].max() for a, b in ((result.vertices, vertices), (vertices, result.vertices))]
    assert max(far) < 1e-3


@needs_weights
def test_evaluate(capsys, tmp_path):
    write_collection(tmp_path, "kit", [sphere(0.5, rings=32)])
    out = tmp_path / "report.json"
    given = ("--data", tmp_path, "--split", "all", "--conditions", "voxels,points", "--limit", 1, "--device", "cpu")
    code, said, err = wala(capsys, "evaluate", *given, "--out", out)
    assert code == 0, err
    report = json.loads(out.read_text())
    assert (
        0 < report["autoencoder"]["iou"] <= 1
        and {"iou", "chamfer", "baselines"} <= report["voxels"].keys()
        and "iou" in report["points"]
    )
    assert {"nearest", "trilinear"} <= report["voxels"]["baselines"].keys() and "autoencoder" in said


def test_evaluate_autoencoders(capsys, tmp_path):
    write_collection(tmp_path, "kit", [sphere(0.5, rings=32)])
    torch.manual_seed(0)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_stage_one(tmp_path / name, Autoencoder(AutoencoderConfig(widths=(8, 8, 8), norm_groups=8)).eval())
    runs, out = (tmp_path / "one", tmp_path / "other"), tmp_path / "report.html"
    given = (
        "evaluate",
        "--data",
        tmp_path / "kit.npz",
        "--split",
        "all",
        "--device",
        "cpu",
        "--out",
        out,
        "--autoencoder",
    )
    code, said, err = wala(capsys, *given, *runs)
    assert code == 0, err
    report = json.loads(out.with_suffix(".json").read_text())
    for run in runs:
        one = report[f"autoencoder {run}"]
        assert (
            one["collections"]["kit"] == {"iou": one["iou"], "mse": one["mse"], "count": 1}
            and one["d_mse"] == one["mse"] > 0
        )
        assert f"autoencoder {run}" in said and f"autoencoder {run}" in out.read_text()
    code, _, err = wala(capsys, *given, tmp_path / "one", "--conditions", "voxels")
    assert code == 1 and "--autoencoder measures nothing but autoencoders" in err
