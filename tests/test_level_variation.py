"""Details of a mesh made anew by a model of levels: what stays, what a seed changes, and what is refused."""

import json

import numpy as np
import pytest
from lagem_models import box_mesh
from level_models import write_level_model

from runtime import jobs, variations
from runtime.engine import Engine
from wala_blender import MeshInput
from wala_blender.cli.main import main
from wala_blender.errors import CheckpointError, InputError, ModelError
from wala_blender.geometry.meshes import read_mesh, write_mesh
from wala_blender.mesh_to_mesh import MeshToMesh
from wala_blender.models.level_model import LevelModel
from wala_blender.models.registry import LEVEL_WEIGHTS
from wala_blender.models.trained_model import read_row
from wala_blender.pipeline import Pipeline, ResultCallbacks, Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_level_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setattr("wala_blender.mesh_to_mesh.QUERIES", {129: 40_000, 33: 36_000})


@pytest.fixture(scope="module")
def maker(folder):
    return MeshToMesh.load(str(folder), "cpu")


def made_with(maker, seed=0, progress=None, **choices):
    """The result, and its latents as a job keeps them."""
    kept = []
    keep = ResultCallbacks(levels=kept.append)
    inputs = MeshInput(box_mesh(), resolution=33, **choices)
    result = maker.generate(inputs, None, Settings(str(maker.row.name), seed=seed, one_piece=False), progress, keep)
    [latents] = kept
    return result, latents


def test_what_is_kept_stays_and_the_rest_depends_on_the_seed(maker):
    original = made_with(maker)[1]
    assert [original[name].shape for name in ("z3", "z2", "z1")] == [(4, 16), (8, 8), (24, 4)]
    for keep, stays in (("structure+major", ["z3", "z2"]), ("structure", ["z3"]), ("nothing", [])):
        result, latents = made_with(maker, 1, keep=keep)
        other = made_with(maker, 2, keep=keep)[1]
        again = made_with(maker, 1, keep=keep)[0]
        for name in ("z3", "z2", "z1"):
            assert np.array_equal(latents[name], original[name]) == (name in stays)
            assert np.array_equal(latents[name], other[name]) == (name in stays)
        np.testing.assert_array_equal(result.vertices, again.vertices)
        assert (result.record["keep"], result.record["strength"]) == (keep, 1.0)


def test_a_strength_of_nothing_gives_the_mesh_again(maker):
    plain = made_with(maker)[0]
    touched, wild = (made_with(maker, 3, keep="nothing", strength=s)[0] for s in (0.0, 1.0))
    np.testing.assert_allclose(touched.vertices.mean(0), plain.vertices.mean(0), atol=0.02)
    assert len(touched.vertices) == pytest.approx(len(plain.vertices), rel=0.05)
    assert len(wild.vertices) != len(plain.vertices)


def test_latents_of_a_result_give_the_same_mesh_without_encoding(maker):
    result, latents = made_with(maker, 1, keep="structure")
    inputs = {
        "vertices": result.vertices.astype(float),
        "faces": result.faces,
        "resolution": 33,
        "latents": {"levels": [latents[name] for name in ("z3", "z2", "z1")], "frame": latents["frame"]},
    }
    again = maker.generate("mesh", inputs, Settings(one_piece=False))
    # in the result's own coordinates, which are model space
    assert again.record["frame"] == {"center": [0, 0, 0], "scale": 1}
    np.testing.assert_allclose(again.vertices, result.vertices, atol=1e-5)
    strange = inputs | {"latents": inputs["latents"] | {"levels": [latents["z1"]] * 3}}
    with pytest.raises(InputError, match="latents are of another model"):
        maker.generate("mesh", strange, Settings())


def test_it_can_be_stopped_between_steps(maker):
    def stop(stage, step, steps):
        if stage == "sample" and step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_with(maker, keep="structure", progress=stop)


def test_what_is_refused(maker, folder, tmp_path):
    for choices, words in (
        ({"strength": 0.5}, "all levels are kept"),
        ({"keep": "details"}, "keep is 'details'"),
        ({"keep": "nothing", "strength": 2}, "strength is 2"),
    ):
        with pytest.raises(InputError, match=words):
            made_with(maker, **choices)
    alone = MeshToMesh(maker.row, LevelModel(maker.model), "", maker.row.licence, maker._device)
    with pytest.raises(ModelError, match="has no cascade") as error:
        made_with(alone, keep="structure")
    assert "choose the model levels" in error.value.hint
    with pytest.raises(ModelError, match="makes reconstructions, not shapes"):
        Pipeline.load(str(folder), "cpu")
    (tmp_path / "other").mkdir()
    about = json.loads((folder / "about.json").read_text())
    about["levels"]["denoisers"].pop()
    (tmp_path / "other/about.json").write_text(json.dumps(about))
    with pytest.raises(CheckpointError, match="denoisers are of levels"):
        read_row(tmp_path / "other")


@pytest.mark.skipif(LEVEL_WEIGHTS.is_file(), reason="the levels' weights are there")
def test_without_weights_it_says_so():
    with pytest.raises(ModelError, match="weights of the model levels are missing"):
        MeshToMesh.load("levels", "cpu")


def test_a_job_of_several_keeps_the_latents_of_each(folder, tmp_path, monkeypatch):
    vertices, faces = box_mesh()
    inputs = {"mesh": "inputs/mesh.npz", "resolution": 33, "keep": "structure+major", "strength": 0.8}
    request = jobs.Request(jobs.new_id(), "levels", "mesh", inputs, variations=3, seed=4, fit=0)
    path = jobs.write_job(tmp_path, request, {"mesh.npz": {"vertices": vertices, "faces": faces}})
    load = MeshToMesh.load
    monkeypatch.setattr(MeshToMesh, "load", lambda model, *rest, **named: load(str(folder), *rest, **named))
    Engine("cpu").run(path, request, lambda *event: None)
    kept = []
    for number in range(3):
        own = variations.folder_of(path, number)
        assert jobs.read_result(own).record["seed"] == 4 + number
        with np.load(own / "result/latents.npz") as file:
            kept.append({name: file[name] for name in file.files})
    assert np.array_equal(kept[0]["z2"], kept[1]["z2"]) and not np.array_equal(kept[0]["z1"], kept[1]["z1"])
    (tmp_path / "kept.npz").write_bytes(jobs.read_levels(path))
    from wala_blender.conditions.inputs import load_inputs

    read = load_inputs({"latents": "kept.npz"}, tmp_path)["latents"]
    assert np.array_equal(read["levels"][2], kept[0]["z1"]) and np.array_equal(read["frame"], kept[0]["frame"])
    jobs.forget_result(path)
    assert jobs.read_levels(path) is None


def test_the_command(folder, tmp_path, capsys):
    write_mesh(tmp_path / "box.obj", *box_mesh(), {})
    command = ["generate", "--model", str(folder), "--mesh", str(tmp_path / "box.obj"), "--resolution", "33"]
    code = main([*command, "--keep", "structure", "--seed", "1", "--variations", "2", "--out", str(tmp_path / "x.obj")])
    assert code == 0, capsys.readouterr().err
    one, two = (read_mesh(tmp_path / f"x-0{number}.obj")[0] for number in (1, 2))
    assert one.shape != two.shape or not np.allclose(one, two)
    np.testing.assert_allclose(one.mean(axis=0), [12, 1, -4.5], atol=2)  # where the box was
    assert main([*command, "--strength", "0.5", "--out", str(tmp_path / "y.obj")]) == 1
    assert "all levels are kept" in capsys.readouterr().err
