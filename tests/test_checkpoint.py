"""Strict loading: every way a file can be wrong is one CheckpointError that names it."""

import pickle

import pytest
import safetensors.torch
import torch
from torch import nn

from wala_blender.errors import CheckpointError, OutputError
from wala_blender.models.checkpoint import load_components, read_state, rename, save_components


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))


def published(module: nn.Module, prefix: str = "network.unet.") -> dict[str, torch.Tensor]:
    return {prefix + key: value.clone() for key, value in module.state_dict().items()}


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("network.unet.pos_emb", "denoiser.pos_emb"),
        ("network.cond_pos_emb", "processing.cond_pos_emb"),
        ("autoencoder._orig_mod.encoder.in_conv.bias", "autoencoder.encoder.in_conv.bias"),
        ("encoder.linear1.weight", "condition_encoder.linear1.weight"),
        ("_orig_mod.network.unet._orig_mod.out.0.bias", "denoiser.out.0.bias"),
        ("denoiser.out.0.bias", "denoiser.out.0.bias"),
    ],
)
def test_renames(key, expected):
    assert rename(key) == expected


def test_published_pickle_loads_with_compiled_names(tmp_path):
    state = {key.replace("unet.", "unet._orig_mod."): value for key, value in published(network(1)).items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "checkpoint.ckpt")
    target = network(0)
    load_components(tmp_path / "checkpoint.ckpt", {"denoiser": target})
    assert same(target, network(1))


def test_moving_averages_win_where_they_exist(tmp_path):
    average = published(network(2))
    del average["network.unet.1.bias"]
    torch.save({"state_dict": published(network(1)), "ema_state_dict": average}, tmp_path / "checkpoint.ckpt")
    target = network(0)
    load_components(tmp_path / "checkpoint.ckpt", {"denoiser": target})
    assert torch.equal(target[0].weight, network(2)[0].weight) and torch.equal(target[1].bias, network(1)[1].bias)


def test_safetensors_round_trip_in_half_precision_and_on_meta(tmp_path):
    path = tmp_path / "model.safetensors"
    save_components(path, {"denoiser": network(1), "autoencoder": network(2)}, {"licence": "ours"}, torch.float16)
    with torch.device("meta"):
        empty = network()
    target = network(0)
    load_components(path, {"denoiser": empty, "autoencoder": target})
    assert torch.equal(empty[0].weight, network(1)[0].weight.half().float()) and empty[0].weight.dtype == torch.float32
    assert torch.equal(target[1].bias, network(2)[1].bias.half().float())
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata() == {"licence": "ours"}


def test_precision_is_chosen_by_component_and_what_keeps_it_is_not_copied(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save_components(path, {"denoiser": network(1).bfloat16(), "autoencoder": network(2)}, dtype=None)
    state = read_state(path)
    monkeypatch.setattr("wala_blender.models.checkpoint.read_state", lambda path: dict(state))
    with torch.device("meta"):
        large, small = network(), network()
    load_components(path, {"denoiser": large, "autoencoder": small}, {"denoiser": torch.bfloat16})
    assert large[0].weight.dtype == torch.bfloat16 and small[0].weight.dtype == torch.float32
    assert large[0].weight.data_ptr() == state["denoiser.0.weight"].data_ptr()
    assert small[0].weight.data_ptr() == state["autoencoder.0.weight"].data_ptr()


def changed(change: str) -> dict[str, torch.Tensor]:
    state = published(network(1))
    if change == "missing":
        del state["network.unet.1.bias"]
    elif change == "unexpected":
        state["network.unet.2.bias"] = torch.zeros(1)
    elif change == "stranger":
        state["discriminator.bias"] = torch.zeros(1)
    else:
        state["network.unet.0.weight"] = torch.zeros(3, 3)
    return state


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("missing", "missing: denoiser.1.bias"),
        ("unexpected", "unexpected: denoiser.2.bias"),
        ("stranger", "unexpected: discriminator.bias"),
        ("shape", r"wrong shape: denoiser.0.weight \(3, 3\) instead of \(2, 3\)"),
    ],
)
@pytest.mark.parametrize("suffix", ["ckpt", "safetensors"])
def test_keys_that_do_not_fit_are_named_and_nothing_is_changed(tmp_path, change, words, suffix):
    path = tmp_path / f"checkpoint.{suffix}"
    safetensors.torch.save_file(changed(change), path) if suffix == "safetensors" else torch.save(
        {"state_dict": changed(change)}, path
    )
    target = network(0)
    with pytest.raises(CheckpointError, match=words):
        load_components(path, {"denoiser": target})
    assert same(target, network(0))


@pytest.mark.parametrize("suffix", ["ckpt", "safetensors"])
@pytest.mark.parametrize("kept", [0, 7, 100, 0.5, 0.98])
def test_empty_and_truncated_files(tmp_path, suffix, kept):
    path = tmp_path / f"checkpoint.{suffix}"
    state = published(network(1))
    safetensors.torch.save_file(state, path) if suffix == "safetensors" else torch.save({"state_dict": state}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if kept >= 7 or kept == 0 else int(kept * len(whole))])
    with pytest.raises(CheckpointError) as caught:
        read_state(path)
    assert path.name in caught.value.message and "\n" not in caught.value.message and "again" in caught.value.hint


@pytest.mark.parametrize("content", [b"not a checkpoint at all, but long" * 20, pickle.dumps({"state_dict": {"a": 1}})])
def test_other_files_are_refused(tmp_path, content):
    for name in ("checkpoint.ckpt", "checkpoint.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError):
            read_state(tmp_path / name)


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_cannot_run_code(tmp_path):
    torch.save({"state_dict": {"network.unet.0.weight": Harmful(tmp_path / "harmed")}}, tmp_path / "checkpoint.ckpt")
    with pytest.raises(CheckpointError, match="refused: it holds more than tensors, and could run a program"):
        read_state(tmp_path / "checkpoint.ckpt")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {"network.unet.0.weight": 5}}, {"state_dict": 5}])
def test_pickles_of_something_else(tmp_path, content):
    torch.save(content, tmp_path / "checkpoint.ckpt")
    with pytest.raises(CheckpointError, match="expected"):
        read_state(tmp_path / "checkpoint.ckpt")


def test_a_missing_file_and_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be opened"):
        read_state(tmp_path / "nothing.safetensors")
    with pytest.raises(OutputError):
        save_components(tmp_path / "nowhere" / "model.safetensors", {"denoiser": network()})
