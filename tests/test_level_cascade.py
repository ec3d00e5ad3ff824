"""The cascade by law: what is kept stays, what is made is standardised, and depends on the seed and the kept levels."""

import pytest
import torch

from wala_blender.errors import InputError
from wala_blender.level_cascade import STEPS, generate_levels, guided_denoiser, start_step
from wala_blender.networks.configs import LevelDenoiserConfig
from wala_blender.networks.level_denoiser import LevelDenoiser
from wala_blender.networks.set_layers import standardized

COUNTS, CHANNELS = (4, 8, 24), (16, 8, 4)


@pytest.fixture(scope="module")
def denoisers():
    torch.manual_seed(0)
    made = [LevelDenoiser(LevelDenoiserConfig(c, 64, 1, CHANNELS[:i], categories=3)) for i, c in enumerate(CHANNELS)]
    for model in made:
        torch.nn.init.normal_(model.proj_out.weight, std=0.1)
    return [model.eval() for model in made]


@pytest.fixture(scope="module")
def structure():
    return standardized(torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(5)))


def test_kept_levels_stay_and_the_others_are_made_anew(denoisers, structure):
    seen = []
    levels = generate_levels(denoisers, COUNTS, [structure], 7, on_step=lambda *step: seen.append(step))
    assert levels[0] is structure and [level.shape for level in levels] == [(1, 4, 16), (1, 8, 8), (1, 24, 4)]
    assert seen == [(i, 2 * STEPS) for i in range(2 * STEPS)]
    for level in levels[1:]:
        torch.testing.assert_close(level.var(-1, correction=0), torch.ones(level.shape[:2]), atol=1e-3, rtol=0)
    again, other = (generate_levels(denoisers, COUNTS, [structure], seed) for seed in (7, 8))
    assert all(torch.equal(a, b) for a, b in zip(levels, again))
    assert not torch.equal(levels[1], other[1]) and not torch.equal(levels[2], other[2])
    elsewhere = generate_levels(denoisers, COUNTS, [-structure], 7)
    assert not torch.equal(levels[1], elsewhere[1])


def test_a_category_guides_and_nothing_does_not(denoisers, structure):
    x, sigma = torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(1)), torch.tensor([2.0])
    nothing, plain, strong = (
        guided_denoiser(denoisers[1], [structure], category, scale)(x, sigma)
        for category, scale in ((0, 9.0), (1, 1.0), (1, 3.0))
    )
    torch.testing.assert_close(strong, nothing + 3 * (plain - nothing))
    assert (plain - nothing).abs().max() > 1e-4


def test_strength_says_how_far_the_levels_move(denoisers, structure):
    generator = torch.Generator().manual_seed(2)
    own = [standardized(torch.randn(1, count, c, generator=generator)) for count, c in zip(COUNTS[1:], CHANNELS[1:])]
    seen, moved = [], []
    for strength in (0.0, 0.3, 1.0):
        levels = generate_levels(
            denoisers, COUNTS, [structure], 7, originals=own, strength=strength, on_step=lambda *step: seen.append(step)
        )
        moved.append([float((new - old).norm()) for new, old in zip(levels[1:], own)])
        assert seen[-1] == (seen[-1][1] - 1, 2 * (STEPS - start_step(strength)))
    for least, less, most in zip(*moved):
        assert least < 0.1 < less < most
    anew = generate_levels(denoisers, COUNTS, [structure], 7)
    assert all(torch.equal(a, b) for a, b in zip(levels, anew))  # a strength of 1 begins with noise alone
    assert [start_step(s) for s in (0.0, 0.5, 1.0)] == [17, 8, 0]
    with pytest.raises(InputError, match="strength is 1.5"):
        start_step(1.5)


def test_it_can_be_stopped(denoisers, structure):
    def stop(step, steps):
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_levels(denoisers, COUNTS, [structure], 7, on_step=stop)
