"""Networks of colour volumes: the doubling convolution, the latents' scale, the denoiser and what prompts tell it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from wala_blender.colour.volume_prompts import prompt_inputs
from wala_blender.colour.words import unknown_words
from wala_blender.conditions.word_vectors import WordVectors
from wala_blender.geometry.colour_spaces import NAMES
from wala_blender.models.volume_model import VolumeModel
from wala_blender.networks.autodecoder import Autodecoder, DoublingConvolution
from wala_blender.networks.configs import AutodecoderConfig, GridUNetConfig, VolumeModelConfig
from wala_blender.networks.grid_unet import GridUNet, PromptInputs
from wala_blender.networks.latent_scale import DATA, LatentScale

VECTORS = WordVectors(["mushroom", "tall", "dots", "car"], np.eye(4, 6))
CONFIG = GridUNetConfig(8, 4, (32, 32), words=3, word_size=6, colours=len(NAMES))


def unfinished(network: torch.nn.Module) -> torch.nn.Module:
    """With some numbers in place of the zeros that it starts with."""
    torch.manual_seed(5)
    torch.nn.init.normal_(network.head[2].weight, std=0.1)
    return network.eval()


def test_doubling_is_nearest_then_a_convolution():
    torch.manual_seed(0)
    layer, x = DoublingConvolution(3, 5), torch.randn(2, 3, 4, 4, 4)
    plain = F.conv3d(F.interpolate(x, scale_factor=2, mode="nearest"), layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(x), plain, atol=1e-5, rtol=1e-5)


def test_an_object_s_volume_does_not_depend_on_those_beside_it():
    torch.manual_seed(0)
    model = Autodecoder(AutodecoderConfig(3, 8, 2, (16, 8, 8))).eval()
    alone, together = model(torch.tensor([1])), model(torch.tensor([0, 1, 2]))
    assert alone.shape == (1, 4, 8, 8, 8) and model.config.volume_size == 8
    torch.testing.assert_close(alone[0], together[1], atol=1e-5, rtol=1e-5)


def test_the_robust_scale_forgets_outliers():
    latents = (
        torch.randn(50, 2, 6, 6, 6, generator=torch.Generator().manual_seed(0))
        * torch.tensor([3.0, 0.2]).view(2, 1, 1, 1)
        + 7
    )
    wild = latents.clone()
    wild[0, :, 0] = 1e4
    scale, plain = LatentScale.of(wild), LatentScale.of(wild, robust=False)
    torch.testing.assert_close(scale(latents).std(dim=(0, 2, 3, 4)), torch.full((2,), DATA), atol=0.02, rtol=0)
    assert plain(latents).std() < 0.2 * DATA
    torch.testing.assert_close(scale.inverse(scale(latents)), latents, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(
    ("prompt", "colour", "words"),
    [
        ("a tall red mushroom", "red", [0, 1]),
        ("Crimson mushroom with dots", "red", [0, 2]),
        ("car", None, [3]),
        ("something blue", "blue", []),
    ],
)
def test_a_prompt_is_its_colour_and_its_words_the_noun_first(prompt, colour, words):
    asked = prompt_inputs([prompt], VECTORS, CONFIG)
    assert int(asked.colour) == (NAMES.index(colour) + 1 if colour else 0)
    rows = asked.words[0]
    assert [int(row.argmax()) for row in rows[: len(words)]] == words and not rows[len(words) :].any()


def test_words_without_a_vector_are_told():
    assert unknown_words("a red frobnicator with dots", VECTORS) == ["frobnicator"]


def test_the_denoiser_starts_at_zero_and_then_reads_words_and_colours():
    torch.manual_seed(0)
    x, noise = torch.randn(2, 8, 4, 4, 4), torch.zeros(2)
    asked = prompt_inputs(["red car", "mushroom"], VECTORS, CONFIG)
    model = GridUNet(CONFIG)
    assert not model(x, noise, asked).any()
    model = unfinished(model)
    nothing, some = model(x, noise, asked.nothing()), model(x, noise, asked)
    assert (some - nothing).abs().max() > 1e-3
    torch.testing.assert_close(model(x, noise, asked.without(*torch.ones(2, 2, dtype=torch.bool))), nothing)
    only_colour = PromptInputs(torch.zeros_like(asked.words), asked.colour)
    assert (model(x, noise, only_colour)[0] - nothing[0]).abs().max() > 1e-3


def test_sampling_is_the_seed_s_and_guidance_of_one_none():
    model = VolumeModel(VolumeModelConfig(CONFIG, (8, 8))).eval()
    unfinished(model.denoiser)
    asked = prompt_inputs(["red car"], VECTORS, CONFIG)
    noise = model.noise_of_seed(3)
    assert torch.equal(noise, model.noise_of_seed(3)) and not torch.equal(noise, model.noise_of_seed(4))
    steps = []
    plain = model.sample(noise, asked, 4, None, lambda step, count: steps.append((step, count)))
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4)] and plain.shape == noise.shape
    torch.testing.assert_close(model.sample(noise, asked, 4, 1.0), plain, atol=1e-3, rtol=1e-3)
    unconditional = model.sample(noise, None, 4)
    torch.testing.assert_close(model.sample(noise, asked, 4, 0.0), unconditional, atol=1e-3, rtol=1e-3)
