"""bfloat16 where a device is faster with it: who gets it, and that the shape stays the same."""

import numpy as np
import pytest
import torch

from wala_blender.conditions.shape_constraints import of_voxels
from wala_blender.errors import ModelError
from wala_blender.geometry.metrics import iou
from wala_blender.latent_optimization import half_field
from wala_blender.models import precision
from wala_blender.networks.layers import ResidualBlock, set_branch_precision
from wala_blender.pipeline import Pipeline, Settings
from wala_blender.training.runs import load_stage_one


@pytest.mark.parametrize("has", [False, True])
def test_auto_is_bfloat16_where_the_device_multiplies_in_it(monkeypatch, has):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has, "amx_bf16": False}, raising=False)
    found = precision.choose_precision("auto", torch.device("cpu"))
    assert found == (torch.bfloat16 if has and torch.backends.mkldnn.is_available() else torch.float32)
    assert precision.choose_precision("auto", torch.device("cuda")) == torch.bfloat16
    assert precision.choose_precision("auto", torch.device("mps")) == torch.float32
    assert precision.choose_precision("float32", torch.device("cuda")) == torch.float32


def test_an_unknown_precision_is_named():
    with pytest.raises(ModelError, match="float7"):
        Pipeline.load("starter", "cpu", precision="float7")


@torch.no_grad()
def test_a_residual_branch_of_bfloat16_takes_and_gives_float32():
    block, x = ResidualBlock(8, 4, 4), torch.randn(1, 8, 6, 6, 6, generator=torch.Generator().manual_seed(0))
    exact = block(x)
    set_branch_precision(torch.nn.Sequential(block), torch.bfloat16)
    rounded = block(x)
    dtypes = [layer.weight.dtype for layer in (block.in_conv, block.out_layers[3], block.skip_connection)]
    assert dtypes == [torch.bfloat16, torch.bfloat16, torch.float32]
    assert rounded.dtype == torch.float32 and 0 < float((rounded - exact).abs().max()) < 0.05


def test_the_decoder_in_bfloat16_gives_the_same_shape_and_the_record_says_it():
    """A house, and a sword, which is mostly surface."""
    exact, half = (Pipeline.load("starter", "cpu", precision=name) for name in precision.PRECISIONS)
    overlaps = []
    for prompt in ("a house", "a sword"):
        made = half.generate("text", {"prompt": prompt}, Settings(steps=3))
        fields = [pipeline.latent_to_field(made.latent) for pipeline in (exact, half)]
        overlaps.append(iou(*(field < 0 for field in fields)))
        near = fields[0].abs() < 2 / 256
        assert float((fields[0] - fields[1])[near].abs().mean()) < 0.01 * 2 / 256  # a hundredth of a cell
    assert min(overlaps) >= 0.998 and np.mean(overlaps) >= 0.999 and max(overlaps) < 1
    assert (half.precision, exact.precision, made.record["precision"]) == ("bfloat16", "float32", "bfloat16")


def test_training_begins_with_weights_of_full_precision():
    assert {parameter.dtype for parameter in load_stage_one("starter").parameters()} == {torch.float32}


@pytest.mark.parametrize("name", precision.PRECISIONS)
def test_a_shape_is_fitted_in_either_precision(name):
    """From the mean latent, which is far off."""
    occupancy = np.zeros((16, 16, 16), bool)
    occupancy[4:12, 4:12, 4:12] = True
    observation, pipeline = of_voxels(torch.from_numpy(occupancy)), Pipeline.load("starter", "cpu", precision=name)
    latent = torch.zeros(4, 12, 12, 12)
    fitted = pipeline.fit_latent(latent, observation, 3)
    before, after = (float(observation(half_field(pipeline.decode(one)))) for one in (latent, fitted))
    assert after < 0.9 * before
