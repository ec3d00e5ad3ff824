"""Several inputs at once: weights between nothing and an input, which of them says where the shape lies, refusals."""

import dataclasses

import numpy as np
import pytest
import torch

from wala_blender import NoInput, PointInput, Settings, SeveralInputs, TextInput, VoxelInput
from wala_blender.errors import InputError
from wala_blender.finishing.settings import AS_EXTRACTED
from wala_blender.inputs import combined, raw_inputs
from wala_blender.pipeline import Pipeline

BLOCK = np.zeros((16, 16, 16), bool)
BLOCK[4:12, 4:12, 4:12] = True
POINTS = np.random.default_rng(0).normal(size=(200, 3))
DRAFT = Settings(quality="draft", finish=AS_EXTRACTED, fit=0)


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline.load("starter", "cpu")


@pytest.fixture(scope="module")
def prepared(pipeline):
    return pipeline.denoiser.prepare(
        *raw_inputs(SeveralInputs(VoxelInput(BLOCK), TextInput("a box"), PointInput(POINTS)), None)
    )


@torch.no_grad()
def encoded(pipeline, prepared, **weights):
    return pipeline.denoiser.encode("voxels", *prepared.tensors, beside=prepared.beside, weights=weights)


def test_the_weight_0_leaves_an_input_out(pipeline, prepared):
    alone = pipeline.denoiser.prepare("voxels", {"occupancy": BLOCK})
    condition, without = encoded(pipeline, alone), encoded(pipeline, prepared, text=0, points=0)
    assert torch.equal(condition.tokens, without.tokens) and torch.equal(condition.grid, without.grid)


def test_weights_lie_between_nothing_and_the_input(pipeline, prepared):
    full, half = encoded(pipeline, prepared), encoded(pipeline, prepared, voxels=0.5, text=0.5, points=0.5)
    null = pipeline.denoiser.null_token.expand_as(full.tokens)
    assert torch.allclose(half.tokens, (full.tokens + null) / 2, atol=1e-5)
    assert torch.allclose(half.grid[:, :-4], full.grid[:, :-4] / 2, atol=1e-5)
    # The drafts are averaged, not weakened.
    assert torch.allclose(half.grid[:, -4:], full.grid[:, -4:], atol=1e-5)


def test_the_draft_follows_the_weights(pipeline, prepared):
    with torch.no_grad():
        own = pipeline.denoiser.encode("voxels", *prepared.tensors).grid[:, -4:]
    near, far = (encoded(pipeline, prepared, text=w, points=w).grid[:, -4:] for w in (0.1, 1.0))
    assert float((near - own).abs().mean()) < float((far - own).abs().mean())


def test_the_shape_lies_where_the_first_input_with_a_place_is(pipeline):
    prepared = pipeline.denoiser.prepare(*raw_inputs(SeveralInputs(TextInput("a box"), PointInput(POINTS * 9)), None))
    alone = pipeline.denoiser.prepare("points", {"points": POINTS * 9})
    assert prepared.frame.scale == alone.frame.scale and prepared.observation is not None
    assert torch.equal(prepared.tensors[0], pipeline.denoiser.prepare("text", {"prompt": "a box"}).tensors[0])


def test_a_shape_of_two_inputs(pipeline):
    both = SeveralInputs(VoxelInput(BLOCK), TextInput("a car"), weights=[1.0, 0.5])
    made, alone = (pipeline.generate(one, settings=DRAFT) for one in (both, VoxelInput(BLOCK)))
    assert made.record["beside"] == {"voxels": 1.0, "text": 0.5} and made.record["condition"] == "voxels"
    assert np.abs(made.latent - alone.latent).mean() > 0.01
    again = pipeline.generate("voxels", both.raw(), DRAFT)
    assert np.array_equal(made.latent, again.latent)


def test_a_model_of_one_input_refuses(pipeline, monkeypatch):
    published = dataclasses.replace(pipeline.row, conditions={"voxels": pipeline.row.conditions["voxels"]})
    monkeypatch.setattr(pipeline, "row", published)
    with pytest.raises(InputError, match="reads no points beside voxels"):
        pipeline.generate(SeveralInputs(VoxelInput(BLOCK), PointInput(POINTS)), settings=DRAFT)


@pytest.mark.parametrize(
    "several",
    [
        SeveralInputs(TextInput("a"), TextInput("b")),
        SeveralInputs(VoxelInput(BLOCK, prompt="a box"), TextInput("b")),
        SeveralInputs(TextInput("a"), NoInput()),
        SeveralInputs(TextInput("a"), PointInput(POINTS), weights=[1.0]),
        SeveralInputs(TextInput("a"), PointInput(POINTS), weights=[1.0, 1.5]),
    ],
)
def test_what_cannot_be_combined_is_refused(several):
    with pytest.raises(InputError):
        several.raw()


def test_a_weight_of_no_input_is_refused():
    with pytest.raises(InputError, match="weight of points"):
        combined("text", {"prompt": "a"}, [], {"points": 0.5})
