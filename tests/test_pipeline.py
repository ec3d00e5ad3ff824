"""The shipped starter model, whole: loads, repeats itself, stops when told, and makes of a blockout what the blockout
says."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from shapes import sphere_field

from wala_blender.errors import CheckpointError, InputError, ModelError
from wala_blender.geometry.colour_spaces import NAMES, main_name
from wala_blender.geometry.metrics import iou
from wala_blender.geometry.surface import component_labels
from wala_blender.models import checkpoint, registry
from wala_blender.pipeline import Pipeline, ResultCallbacks, Settings, choose_device


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline.load("starter", "cpu")


def ell() -> np.ndarray:
    """An L of blocks: asymmetric in every axis."""
    occupancy = np.zeros((16, 16, 16), bool)
    occupancy[1:15, 1:6, 4:10] = True
    occupancy[1:6, 1:13, 4:10] = True
    return occupancy


def test_the_same_seed_gives_the_same_mesh_and_another_another(pipeline):
    first, again = (pipeline.generate("voxels", {"occupancy": ell()}, Settings(seed=7)) for _ in range(2))
    other = pipeline.generate("voxels", {"occupancy": ell()}, Settings(seed=8))
    assert np.array_equal(first.vertices, again.vertices) and np.array_equal(first.faces, again.faces)
    assert not np.array_equal(first.latent, other.latent)


def test_a_blockout_keeps_its_place(pipeline):
    """The result overlaps the L itself more than any of its mirror images: no axis is swapped or turned round on the
    way."""
    latent, _ = pipeline.generate_latent("voxels", {"occupancy": ell()}, Settings())
    solid = (pipeline.latent_to_field(latent) < 0).numpy()
    wanted = ell().repeat(16, 0).repeat(16, 1).repeat(16, 2)
    own = iou(solid, wanted)
    assert own > 0.6
    others = [
        wanted[::-1],
        wanted[:, ::-1],
        wanted[:, :, ::-1],
        wanted.transpose(1, 0, 2),
        wanted.transpose(2, 1, 0),
        wanted.transpose(0, 2, 1),
    ]
    assert own > 0.1 + max(iou(solid, one) for one in others[:2])
    assert all(iou(solid, one) < own for one in others)


@pytest.mark.parametrize(("condition", "inputs"), [("text", {"prompt": "a chair"}), ("voxels", {"occupancy": ell()})])
def test_variations_are_what_each_seed_makes_alone(pipeline, condition, inputs):
    settings, seen = Settings(steps=4, fit=None if condition == "text" else 1), []
    together = pipeline.variations(condition, inputs, settings, [3, 9], lambda *at: seen.append(at))
    for made, seed in zip(together, (3, 9), strict=True):
        alone = pipeline.generate(condition, inputs, dataclasses.replace(settings, seed=seed))
        # Where a gradient is next to nothing, rounding alone decides which way a step of Adam goes.
        assert np.abs(made.latent - alone.latent).mean() < 1e-3
        assert abs(len(made.faces) - len(alone.faces)) <= 0.01 * len(alone.faces)
        others = ("timings", "finish_timings", "agreement")
        assert {**made.record, **dict.fromkeys(others)} == {**alone.record, **dict.fromkeys(others)}
        assert (made.record["agreement"] is None) == (condition == "text")
        assert made.record["timings"].keys() == alone.record["timings"].keys()
    assert np.abs(together[0].latent - together[1].latent).mean() > 1e-2
    steps = 2 if condition == "text" else 4  # words start from an exemplar, which takes a share of the steps
    assert [at for at in seen if at[0] in ("sample", "decode")] == [
        *(("sample", step, steps) for step in range(steps)),
        ("decode", 0, 2),
        ("decode", 1, 2),
    ]


def test_without_colour_a_shape_has_none_and_a_surface_keeps_its_own(pipeline):
    kept = []
    keep = ResultCallbacks(surface=lambda *surface: kept.append(surface))
    plain = pipeline.generate("none", {}, Settings(steps=2, colour=False), keep=keep)
    assert plain.colours is None and plain.record["colour"] is False and kept[0][3] is None
    red = pipeline.generate("text", {"prompt": "a red box"}, Settings(steps=2), keep=keep)
    (_, faces, _, colours), main = kept[1], main_name(red.colours)[0]
    assert colours.shape == (len(faces), 3) and NAMES[main] == "red"


def test_no_seed_is_no_variation(pipeline):
    with pytest.raises(InputError, match="no seed"):
        pipeline.variations("text", {"prompt": "a chair"}, Settings(), [])


def test_the_record_tells_what_made_it(pipeline):
    inputs = {"prompt": "a box", "originality": 1.0}
    prompts = pipeline.generate("text", inputs, Settings(seed=3, steps=4, scale=1.5))
    record = prompts.record
    assert (record["model"], record["condition"], record["seed"], record["steps"], record["scale"]) == (
        "starter",
        "text",
        3,
        4,
        1.5,
    )
    assert (
        record["ai_generated"] is True
        and record["licence"]
        and re.fullmatch(r"[0-9a-f]{16}\+[0-9a-f]{16}", record["weight_hash"])
    )
    assert record["frame"] is None
    assert set(record["timings"]) == {"condition", "sample", "decode", "surface", "colour", "finish"}
    assert record["colour"] is True and prompts.colours.shape == (len(prompts.faces), 3)
    assert prompts.latent.shape == (4, 12, 12, 12) and record["note"] == ""


def components(made) -> int:
    return component_labels(made.faces, len(made.vertices))[0]


def test_one_piece_unless_the_settings_or_the_blockout_say_otherwise(pipeline, monkeypatch):
    """The field is made up: a large and a middling ball, apart."""
    balls = torch.from_numpy(np.minimum(sphere_field(0.5, (-0.3, 0, 0), 256), sphere_field(0.2, (0.6, 0, 0), 256)))
    monkeypatch.setattr(pipeline, "tree_to_field", lambda tree, plan=None, progress=None, half=False: balls)
    twins = np.zeros((16, 16, 16), bool)
    twins[1:6, 5:10, 5:10] = twins[9:14, 5:10, 5:10] = True

    def made(occupancy, one_piece=None):
        return pipeline.generate("voxels", {"occupancy": occupancy}, Settings(steps=2, fit=0, one_piece=one_piece))

    whole = made(ell())
    assert (
        components(whole) == 1
        and whole.record["one_piece"] is True
        and whole.record["note"] == "A loose piece was left out"
    )
    assert made(ell(), True).record["note"] and components(made(twins, True)) == 1
    for both in (made(ell(), False), made(twins)):
        assert components(both) == 2 and both.record["one_piece"] is False and both.record["note"] == ""


def test_points_come_back_in_their_own_frame(pipeline):
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(3000, 3))
    cloud = directions / np.linalg.norm(directions, axis=1, keepdims=True) * 5 + [10, 20, 30]
    made = pipeline.generate("points", {"points": cloud}, Settings())
    frame = made.record["frame"]
    vertices = made.vertices / frame["scale"] + frame["center"]
    middle = (vertices.min(0) + vertices.max(0)) / 2
    assert middle == pytest.approx([10, 20, 30], abs=0.6)
    assert np.ptp(vertices, axis=0) == pytest.approx([10, 10, 10], rel=0.15)


def test_a_prompt_beside_voxels_changes_the_shape(pipeline):
    settings = Settings(seed=1, steps=4)
    plain, box, same = (
        pipeline.generate_latent("voxels", {"occupancy": ell()} | words, settings)[0]
        for words in ({}, {"prompt": "a box"}, {"prompt": " A  box"})
    )
    assert not torch.allclose(plain, box, atol=1e-3) and torch.equal(box, same)


def test_progress_names_every_step_and_can_stop(pipeline):
    seen = []

    class Stop(Exception):
        pass

    def progress(stage, step, steps):
        seen.append((stage, step, steps))
        if (stage, step) == ("sample", 2):
            raise Stop

    with pytest.raises(Stop):
        pipeline.generate("voxels", {"occupancy": ell()}, Settings(steps=5), progress)
    assert seen == [("condition", 0, 1), ("sample", 0, 5), ("sample", 1, 5), ("sample", 2, 5)]


@pytest.mark.parametrize(
    ("condition", "inputs", "settings", "error", "words"),
    [
        ("smell", {}, Settings(), ModelError, "takes no smell"),
        ("text", {"prompt": "a chair"}, Settings(steps=1), InputError, "number of steps is 1"),
        ("text", {"prompt": "a chair"}, Settings(scale=float("nan")), InputError, "guidance scale"),
        ("text", {"prompt": "a chair"}, Settings(seed=-1), InputError, "seed is -1"),
        ("text", {"prompt": " "}, Settings(), InputError, "prompt is empty"),
        (
            "voxels",
            {"occupancy": np.ones((16, 16, 16), bool), "prompt": "!"},
            Settings(),
            InputError,
            "prompt is empty",
        ),
        ("none", {"prompt": "a chair"}, Settings(), InputError, "no prompt beside none"),
    ],
)
def test_unusable_settings(pipeline, condition, inputs, settings, error, words):
    with pytest.raises(error, match=words) as caught:
        pipeline.generate(condition, inputs, settings)
    assert "\n" not in str(caught.value)


def test_unknown_models_and_devices():
    with pytest.raises(ModelError, match="starter"):
        Pipeline.load("dream")
    with pytest.raises(ModelError, match="unknown device"):
        choose_device("abacus")


def test_a_checkpoint_with_a_missing_key_names_it(tmp_path, monkeypatch, pipeline):
    import dataclasses

    import safetensors.torch

    row = registry.MODELS["starter"]
    state = checkpoint.read_state(row.weights)
    del state["autoencoder.decoder.in_conv.weight"]
    safetensors.torch.save_file(state, tmp_path / "broken.safetensors")
    monkeypatch.setitem(registry.MODELS, "starter", dataclasses.replace(row, weights=tmp_path / "broken.safetensors"))
    with pytest.raises(CheckpointError, match="decoder.in_conv.weight"):
        Pipeline.load("starter", "cpu")


def test_the_weights_are_small_and_half_precision():
    row = registry.MODELS["starter"]
    assert row.weights.stat().st_size <= 32 * 2**20 and (row.weights.parent / "CREDITS.md").exists()
    assert {value.dtype for value in checkpoint.read_state(row.weights).values()} == {torch.float16}
