"""Networks that take turns: what is lent comes back as it was, and what runs out of memory is tried once more that
way."""

import numpy as np
import pytest
import torch
from torch import nn

from wala_blender import offload
from wala_blender.errors import MemoryShortageError, ModelError
from wala_blender.pipeline import Pipeline, Settings

CUDA, CPU = torch.device("cuda"), torch.device("cpu")  # as names: nothing here needs one


def test_what_is_lent_comes_back_itself():
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    before = {key: value.data_ptr() for key, value in module.state_dict().items()}
    with pytest.raises(KeyError), offload.on_device(torch.device("meta"), module):
        assert all(value.is_meta for value in module.state_dict().values())
        raise KeyError
    assert {key: value.data_ptr() for key, value in module.state_dict().items()} == before


@pytest.mark.parametrize(
    ("mode", "device", "tried"),
    [
        ("auto", CUDA, [False, True]),
        ("on", CUDA, [True]),
        ("off", CUDA, [False]),
        ("auto", CPU, [False]),
        ("on", CPU, [False]),
    ],
)
def test_the_ways_that_are_tried(mode, device, tried):
    seen = []

    def attempt(sequential_offload):
        seen.append(sequential_offload)
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nand more")

    with pytest.raises(MemoryShortageError, match="needs 9 GB") as caught:
        offload.run_with_offload_fallback(attempt, mode, device, "it needs 9 GB")
    assert seen == tried and "\n" not in str(caught.value)
    assert ("switch the low-memory mode on" in caught.value.hint) == (tried == [False] and device == CUDA)


def test_other_errors_are_not_tried_again():
    seen = []

    def attempt(sequential_offload):
        seen.append(sequential_offload)
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        offload.run_with_offload_fallback(attempt, "auto", CUDA, "")
    assert seen == [False]
    with pytest.raises(ModelError, match="low-memory mode 'sometimes'"):
        offload.offload_modes("sometimes", CUDA)


@pytest.fixture
def turns_everywhere(monkeypatch):
    """Taking turns on the CPU as well."""
    monkeypatch.setattr(offload, "offload_modes", lambda mode, device: offload.MODES[mode])


def test_in_turns_the_same_latent_is_made(turns_everywhere):
    inputs = {"occupancy": np.ones((16, 16, 16), bool)}
    (plain, _), (offloaded, _) = (
        Pipeline.load("starter", "cpu", low_memory=mode).generate_latent("voxels", inputs, Settings(steps=2))
        for mode in ("off", "on")
    )
    assert torch.equal(plain, offloaded)


def test_a_generation_that_runs_out_of_memory_is_repeated_in_turns(turns_everywhere, monkeypatch):
    pipeline = Pipeline.load("starter", "cpu")
    seen = []

    def generate(self, *given):
        seen.append(self.sequential_offload)
        if not self.sequential_offload:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return ["made"]

    monkeypatch.setattr(Pipeline, "_generate", generate)
    assert (
        pipeline.generate("voxels", {}, Settings()) == "made" and pipeline.generate("voxels", {}, Settings()) == "made"
    )
    assert seen == [False, True, True]  # it stays that way
