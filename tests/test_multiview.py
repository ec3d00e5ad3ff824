"""Words to views: published keys at full size, the text encoder against its definition, cameras, and the whole way with
a tiny checkpoint."""

import json
import logging
import socket
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from wala_blender.errors import CheckpointError, InputError, ModelError
from wala_blender.evaluation.reference_weights import drawn_weight, reference_checkpoint
from wala_blender.models.checkpoint import load_components
from wala_blender.networks.clip_text_encoder import TextEncoder, TextEncoderConfig, Tokeniser
from wala_blender.networks.image_decoder import ImageDecoder, ImageDecoderConfig
from wala_blender.networks.key_mapping import renamed
from wala_blender.networks.multiview_unet import MultiViewUNet, MultiViewUNetConfig
from wala_blender.text_to_views import TextToViews, TextToViewsConfig, asset_prompt, camera_matrices, unet_config

PARITY = Path(__file__).parent / "parity"
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789,."
TINY = TextToViewsConfig(
    size=16,
    views=(3, 6, 49),
    text=TextEncoderConfig(width=32, depth=3, heads=2, vocabulary=2 * len(CHARACTERS) + 4),
    decoder=ImageDecoderConfig(channels=32, multipliers=(1, 2), res_blocks=1),
)
TINY_ARGS = {
    "model_channels": 32,
    "channel_mult": [1, 2],
    "num_res_blocks": 1,
    "attention_resolutions": [2, 1],
    "num_head_channels": 16,
    "context_dim": 32,
    "use_checkpoint": False,
}
TINY_UNET = MultiViewUNetConfig(
    channels=32, multipliers=(1, 2), res_blocks=1, attention=(2, 1), head_width=16, context_width=32
)


def shapes(module: torch.nn.Module) -> dict[str, list[int]]:
    return {key: list(value.shape) for key, value in module.state_dict().items()}


def published_text_keys(config: TextEncoderConfig) -> dict[str, list[int]]:
    """OpenCLIP's keys and shapes."""
    w = config.width
    block = {
        "attn.in_proj_weight": [3 * w, w],
        "attn.in_proj_bias": [3 * w],
        "attn.out_proj.weight": [w, w],
        "attn.out_proj.bias": [w],
        "mlp.c_fc.weight": [4 * w, w],
        "mlp.c_fc.bias": [4 * w],
        "mlp.c_proj.weight": [w, 4 * w],
        "mlp.c_proj.bias": [w],
        **{f"ln_{i}.{end}": [w] for i in (1, 2) for end in ("weight", "bias")},
    }
    return {
        "model.token_embedding.weight": [config.vocabulary, w],
        "model.positional_embedding": [77, w],
        "model.ln_final.weight": [w],
        "model.ln_final.bias": [w],
        "model.text_projection": [w, w],
        "model.logit_scale": [],
        **{
            f"model.transformer.resblocks.{i}.{key}": shape for i in range(config.depth) for key, shape in block.items()
        },
    }


def published_keys() -> dict[str, list[int]]:
    """All keys and shapes of a tiny checkpoint, with some of those that are not read."""
    with torch.device("meta"):
        unet, decoder = shapes(MultiViewUNet(TINY_UNET)), shapes(ImageDecoder(TINY.decoder))
    unread = {"encoder.conv_in.weight": [32, 3, 3, 3], "quant_conv.bias": [8]}
    parts = (
        ("model.model.diffusion_model.", unet),
        ("model.first_stage_model.", decoder | unread),
        ("model.cond_stage_model.", published_text_keys(TINY.text)),
    )
    return {prefix + key: shape for prefix, keys in parts for key, shape in keys.items()} | {
        "model.sqrt_alphas_cumprod": [1000]
    }


def write_model(folder: Path, keys: Mapping[str, list[int]] | None = None, **settings) -> Path:
    torch.save(
        {
            "state_dict": {
                key: torch.from_numpy(np.asarray(drawn_weight(key, shape)))
                for key, shape in (keys or published_keys()).items()
            }
        },
        folder / "checkpoint.ckpt",
    )
    (folder / "args.json").write_text(json.dumps(TINY_ARGS | settings))
    return folder


def write_vocabulary(folder: Path) -> Path:
    tokens = [
        *CHARACTERS,
        *(character + "</w>" for character in CHARACTERS),
        "ch",
        "chair</w>",
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\nc h\n")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> TextToViews:
    folder = write_vocabulary(write_model(tmp_path_factory.mktemp("words to views")))
    return TextToViews.load(folder, TINY)


def test_the_published_unet_has_our_full_size_keys_and_shapes():
    published = json.loads((PARITY / "multiview_unet.json").read_text())["published"]
    assert unet_config(published["config"], TINY_UNET) == MultiViewUNetConfig()
    with torch.device("meta"):
        ours = shapes(MultiViewUNet(MultiViewUNetConfig()))
    assert {f"model.model.diffusion_model.{key}": shape for key, shape in ours.items()} == published["keys"]


def test_the_other_networks_are_of_the_size_of_the_published_ones():
    with torch.device("meta"):
        text, decoder = TextEncoder(TextEncoderConfig()), ImageDecoder(ImageDecoderConfig())
    # 24 blocks less the last one; Stable Diffusion's 83,653,863 less the encoder's 34,163,664
    assert sum(p.numel() for p in text.parameters()) == 340_387_840
    assert sum(p.numel() for p in decoder.parameters()) == 49_490_199
    state = {key: torch.empty(shape, device="meta") for key, shape in published_text_keys(TextEncoderConfig()).items()}
    assert shapes(text) == {key: list(value.shape) for key, value in renamed(state, text.published_layout).items()}


def test_cameras_are_those_of_the_reference():
    with np.load(PARITY / "multiview_unet.npz") as file:
        assert np.abs(camera_matrices((3, 6, 10, 26, 49, 50)).numpy() - file["camera"]).max() < 1e-6
    with pytest.raises(InputError, match="no view 55"):
        camera_matrices((3, 55))


def test_views_see_one_another_and_objects_do_not():
    with torch.device("meta"):
        unet = MultiViewUNet(TINY_UNET)
    entry = {"keys": {f"model.model.diffusion_model.{key}": shape for key, shape in shapes(unet).items()}}
    with reference_checkpoint(entry) as folder:
        load_components(folder / "checkpoint.ckpt", {"multiview_unet": unet})
    generator = torch.Generator().manual_seed(0)
    x, context, t = (
        torch.randn(4, 4, 8, 8, generator=generator),
        torch.randn(1, 5, 32, generator=generator).expand(4, -1, -1),
        torch.full((4,), 7),
    )
    changed = x.clone()
    changed[1] += 1
    with torch.no_grad():
        before, after = (unet(images, t, context, camera_matrices((3, 6))) for images in (x, changed))
    moved = (before - after).abs().amax(dim=(1, 2, 3))
    assert moved[0] > 1e-4 and moved[2:].max() < 1e-6
    with pytest.raises(ValueError, match="multiple of 3"):
        unet(x, t, context, camera_matrices((3, 6, 49)))


def defined_text_encoder(
    state: Mapping[str, torch.Tensor], numbers: torch.Tensor, config: TextEncoderConfig
) -> torch.Tensor:
    """The penultimate tokens of OpenCLIP's text encoder, straight from its weights."""
    w = config.width

    def norm(x, name):
        return F.layer_norm(x, (w,), state[f"model.{name}.weight"], state[f"model.{name}.bias"])

    x = state["model.token_embedding.weight"][numbers] + state["model.positional_embedding"]
    mask = torch.full((77, 77), float("-inf")).triu(1)
    for i in range(config.depth - 1):
        block = {key.removeprefix(f"model.transformer.resblocks.{i}."): value for key, value in state.items()}
        h = norm(x, f"transformer.resblocks.{i}.ln_1").transpose(0, 1)
        h, _ = F.multi_head_attention_forward(
            h,
            h,
            h,
            w,
            config.heads,
            block["attn.in_proj_weight"],
            block["attn.in_proj_bias"],
            None,
            None,
            False,
            0.0,
            block["attn.out_proj.weight"],
            block["attn.out_proj.bias"],
            training=False,
            attn_mask=mask,
        )
        x = x + h.transpose(0, 1)
        h = F.gelu(
            F.linear(norm(x, f"transformer.resblocks.{i}.ln_2"), block["mlp.c_fc.weight"], block["mlp.c_fc.bias"])
        )
        x = x + F.linear(h, block["mlp.c_proj.weight"], block["mlp.c_proj.bias"])
    return norm(x, "ln_final")


def test_the_text_encoder_is_openclips(model):
    prefix = "model.cond_stage_model."
    state = {
        key: torch.from_numpy(np.asarray(drawn_weight(prefix + key, shape)))
        for key, shape in published_text_keys(TINY.text).items()
    }
    numbers = torch.cat([model.tokeniser("a chair, 3d asset"), model.tokeniser("")])
    expected = defined_text_encoder(state, numbers, TINY.text)
    condition, empty = model.encode("a chair, 3d asset")
    assert (torch.cat([condition.tokens, empty.tokens]) - expected).abs().max() < 1e-5 * expected.abs().max()


def test_token_numbers(tmp_path):
    tokeniser = Tokeniser(write_vocabulary(tmp_path))
    vocabulary = json.loads((tmp_path / "vocab.json").read_text())
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    assert tokeniser("").tolist() == [[start, end] + [0] * 75]
    word = [vocabulary[token] for token in ("ch", "a", "i", "r</w>")]
    assert tokeniser("  A   CHAIR").tolist() == [[start, vocabulary["a</w>"], *word, end] + [0] * 70]
    long = tokeniser("a " * 200)
    assert long.shape == (1, 77) and long[0, -1] == end and long[0, 75] == vocabulary["a</w>"]


def test_either_form_of_the_vocabulary_will_do_and_nothing_is_looked_up(tmp_path, monkeypatch):
    from transformers import CLIPTokenizer

    looked_up = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: looked_up.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **options: looked_up.append(address) or [])
    (tmp_path / "one").mkdir()
    two = Tokeniser(write_vocabulary(tmp_path))
    CLIPTokenizer.from_pretrained(str(tmp_path)).save_pretrained(str(tmp_path / "one"))
    for path in (tmp_path / "one").iterdir():
        if path.name != "tokenizer.json":
            path.unlink()
    one = Tokeniser(tmp_path / "one")
    assert one("a chair, 2 chairs").tolist() == two("a chair, 2 chairs").tolist() and looked_up == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "holds no vocabulary"),
        ({"vocab.json": "{}"}, "holds no vocabulary"),
        ({"tokenizer.json": "{"}, "cannot be read"),
        ({"vocab.json": "{", "merges.txt": ""}, "cannot be read"),
    ],
)
def test_a_vocabulary_that_is_missing_or_damaged(tmp_path, files, words):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(ModelError, match=words):
        Tokeniser(tmp_path)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (" a chair ", "a chair, 3d asset"),
        ("a 3D chair", "a 3D chair"),
        ("a 3-d chair", "a 3-d chair"),
        ("r2d3d2", "r2d3d2, 3d asset"),
    ],
)
def test_the_prompt_says_3d(prompt, expected):
    assert asset_prompt(prompt) == expected


def test_words_become_views(model):
    steps = []
    made = model.views("a chair", seed=3, steps=4, on_step=lambda step, count: steps.append((step, count)))
    assert made.indices == (3, 6, 49) and made.images.shape == (3, 16, 16, 3) and made.images.dtype == np.uint8
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert made.images.std() > 1 and not np.array_equal(made.images[0], made.images[1])
    assert np.array_equal(made.images, model.views("a chair, 3d asset", seed=3, steps=4).images)
    for prompt, seed, scale in (("a chair", 4, 10), ("a lamp", 3, 10), ("a chair", 3, 2)):
        assert not np.array_equal(made.images, model.views(prompt, seed, 4, scale).images)


def test_half_precision_and_taking_turns(model, tmp_path):
    write_vocabulary(write_model(tmp_path))
    half = TextToViews.load(tmp_path, TINY, precision=torch.bfloat16, sequential_offload=True)
    assert (
        {p.dtype for p in half.unet.parameters()}
        == {p.dtype for p in half.text_encoder.parameters()}
        == {torch.bfloat16}
    )
    assert {p.dtype for p in half.decoder.parameters()} == {torch.float32}
    condition, empty = model.encode("a chair")
    latents = model.sample(condition, empty, 0, 2, 2.0)
    rough = half.sample(*half.encode("a chair"), 0, 2, 2.0)
    assert rough.dtype == torch.float32 and 0 < (rough - latents).std() < 0.1 * latents.std()


def test_stopping_between_steps(model):
    class Stop(Exception):
        pass

    def stop(step, count):
        if step == 2:
            raise Stop

    with pytest.raises(Stop):
        model.views("a chair", steps=4, on_step=stop)


@pytest.mark.parametrize(
    ("prompt", "settings", "words"),
    [
        ("  ", {}, "prompt is empty"),
        ("a", {"steps": 0}, "number of steps is 0"),
        ("a", {"seed": -1}, "seed"),
        ("a", {"scale": float("nan")}, "guidance scale is nan"),
    ],
)
def test_unusable_inputs(model, prompt, settings, words):
    with pytest.raises(InputError, match=words):
        model.views(prompt, **settings)


def test_settings_are_honoured_or_named(tmp_path, caplog):
    write_vocabulary(write_model(tmp_path, training_views=[0, 6], new_trick=1))
    with caplog.at_level(logging.WARNING):
        made = TextToViews.load(tmp_path, TINY)
    assert made.config.views == (0, 6) and made.config.unet == TINY_UNET
    assert caplog.messages == ["args.json has settings not known here: new_trick"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"camera_dim": 12}, "camera_dim is 12, expected 16"),
        ({"channel_mult": 4}, "multipliers is 4"),
        ({"num_head_channels": 24}, "not a multiple of 32 and of the head width 24"),
        ({"model_channels": 64}, "wrong shape: multiview_unet.time_embed.0.weight"),
        ({"training_views": [99]}, "from 0 to 54"),
        ({"training_views": 3}, "training_views is 3"),
    ],
)
def test_settings_that_do_not_fit(tmp_path, settings, words):
    write_vocabulary(write_model(tmp_path, **settings))
    with pytest.raises(CheckpointError, match=words):
        TextToViews.load(tmp_path, TINY)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model.first_stage_model.post_quant_conv.bias": None}, "missing: image_decoder.post_quant_conv.bias"),
        ({"model.cond_stage_model.model.ln_final.bias": None}, "missing: text_encoder.clip.final_layer_norm.bias"),
        ({"model.control.weight": [2]}, "unexpected: model.control.weight"),
    ],
)
def test_keys_that_do_not_fit_are_named(tmp_path, change, words):
    write_vocabulary(
        write_model(tmp_path, {key: shape for key, shape in (published_keys() | change).items() if shape is not None})
    )
    with pytest.raises(CheckpointError, match=words):
        TextToViews.load(tmp_path, TINY)


def test_a_vocabulary_of_another_model(tmp_path):
    write_vocabulary(write_model(tmp_path))
    smaller = TextToViewsConfig(TINY.views, TINY.size, text=TextEncoderConfig(32, 3, 2, 20), decoder=TINY.decoder)
    keys = published_keys() | {"model.cond_stage_model.model.token_embedding.weight": [20, 32]}
    write_model(tmp_path, keys)
    with pytest.raises(ModelError, match="more than the 20 tokens"):
        TextToViews.load(tmp_path, smaller).views("a chair", steps=1)
