"""The image encoder: its published keys and shapes at full size, strict loading, and the position table."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from wala_blender.errors import CheckpointError
from wala_blender.evaluation.reference_weights import reference_checkpoint
from wala_blender.models.checkpoint import load_components, save_components
from wala_blender.networks.dinov2 import IMAGE_ENCODERS, LAYOUT, DinoV2, DinoV2Config, resized_positions
from wala_blender.networks.key_mapping import Rename, renamed

TINY = DinoV2Config(width=32, depth=1, heads=2)


def published_keys(config: DinoV2Config) -> dict[str, list[int]]:
    """Keys and shapes of DINOv2's own code, below ``clip_model.dinov2.``."""
    w = config.width
    hidden = (4 * w * 2 // 3 + 7) // 8 * 8
    gated = {
        "mlp.w12.weight": [2 * hidden, w],
        "mlp.w12.bias": [2 * hidden],
        "mlp.w3.weight": [w, hidden],
        "mlp.w3.bias": [w],
    }
    plain = {"mlp.fc1.weight": [4 * w, w], "mlp.fc1.bias": [4 * w], "mlp.fc2.weight": [w, 4 * w], "mlp.fc2.bias": [w]}
    block = {
        "attn.qkv.weight": [3 * w, w],
        "attn.qkv.bias": [3 * w],
        "attn.proj.weight": [w, w],
        "attn.proj.bias": [w],
        **{key: [w] for key in ("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "ls1.gamma", "ls2.gamma")},
        **(gated if config.swiglu else plain),
    }
    return {
        "cls_token": [1, 1, w],
        "pos_embed": [1, 1370, w],
        "register_tokens": [1, 4, w],
        "mask_token": [1, w],
        "patch_embed.proj.weight": [w, 3, 14, 14],
        "patch_embed.proj.bias": [w],
        "norm.weight": [w],
        "norm.bias": [w],
        **{f"blocks.{i}.{key}": shape for i in range(config.depth) for key, shape in block.items()},
    }


def entry(config: DinoV2Config) -> dict:
    return {"keys": {f"clip_model.dinov2.{key}": shape for key, shape in published_keys(config).items()}}


@pytest.mark.parametrize("name", IMAGE_ENCODERS)
def test_full_size_keys_and_shapes_fit(name):
    config = DinoV2Config.named(name)
    with torch.device("meta"):
        model = DinoV2(config)
        table = torch.empty(1, 1370, config.width)
        state = {
            f"dinov2.{key}": table if key == "pos_embed" else torch.empty(shape)
            for key, shape in published_keys(config).items()
        }
    ours = {key: value.shape for key, value in model.state_dict().items()}
    assert {key: value.shape for key, value in renamed(state, LAYOUT).items()} == ours


def test_a_model_on_the_meta_device_is_filled_and_saves_under_its_own_names(tmp_path):
    with torch.device("meta"):
        model, again = DinoV2(TINY), DinoV2(TINY)
    with reference_checkpoint(entry(TINY)) as folder:
        load_components(folder / "checkpoint.ckpt", {"image_encoder": model})
    assert not any(value.is_meta for value in (*model.parameters(), *model.buffers()))
    save_components(tmp_path / "model.safetensors", {"image_encoder": model})
    load_components(tmp_path / "model.safetensors", {"image_encoder": again})
    images = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        tokens = model.eval()(images)
        assert tokens.shape == (2, 256, 32) and torch.equal(tokens, again.eval()(images))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"clip_model.dinov2.norm.bias": None}, r"missing: image_encoder.dinov2.layernorm.bias"),
        ({"clip_model.dinov2.blocks.0.attn.qkv.bias": None}, "attention.q_proj.bias, .*k_proj.bias, .*v_proj.bias"),
        (
            {"clip_model.dinov2.blocks.1.norm1.bias": [32]},
            r"unexpected: image_encoder.dinov2.encoder.layer.1.norm1.bias",
        ),
        ({"clip_model.dinov2.head.weight": [32, 32]}, "unexpected: image_encoder.dinov2.head.weight"),
        (
            {"clip_model.dinov2.pos_embed": [1, 1360, 32]},
            r"position_embeddings \(1, 1360, 32\) instead of \(1, 257, 32\)",
        ),
    ],
)
def test_keys_that_do_not_fit_are_named(change, words):
    keys = {key: shape for key, shape in (entry(TINY)["keys"] | change).items() if shape is not None}
    with reference_checkpoint({"keys": keys}) as folder, pytest.raises(CheckpointError, match=words):
        load_components(folder / "checkpoint.ckpt", {"image_encoder": DinoV2(TINY)})


def test_renames_split_drop_and_leave():
    table = (Rename(r"(\w+)\.qkv", (r"\1.q", r"\1.k", r"\1.v")), Rename(r"unused\..*"), Rename("a", ("b",)))
    made = renamed(
        {"x.qkv": torch.arange(6), "unused.z": torch.ones(2), "a": torch.zeros(1), "aa": torch.ones(1)}, table
    )
    assert list(made) == ["x.q", "x.k", "x.v", "b", "aa"] and made["x.k"].tolist() == [2, 3]


def test_positions_keep_their_place_and_the_class_token():
    """A ramp stays about one away from the edges, with steps of 37/16.1 and not of 37/16."""
    ramp = np.repeat(np.arange(37.0), 37)  # grows downwards, row-major
    table = torch.from_numpy(np.concatenate([[-5.0], ramp])).float()[None, :, None]
    (made,) = resized_positions(table)
    assert made.shape == (1, 257, 1) and made[0, 0, 0] == -5
    grid = made[0, 1:, 0].reshape(16, 16)
    assert (grid - grid[:, :1]).abs().max() < 1e-4
    expected = (torch.arange(16) + 0.5) * 37 / 16.1 - 0.5
    assert (grid[2:-2, 0] - expected[2:-2]).abs().max() < 0.1


def test_other_sizes_of_images_are_refused():
    with torch.device("meta"):
        model = DinoV2(TINY)
    with pytest.raises(ValueError, match="expected"):
        model(torch.zeros(1, 3, 256, 256))


def test_the_library_behind_it_is_imported_only_when_needed():
    code = "import sys, wala_blender.pipeline, wala_blender.models.published_config, wala_blender.networks.dinov2; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
