"""Laws of sampling and guidance with denoisers whose answer is known."""

import pytest
import torch

from wala_blender.diffusion.guidance import conditioned, guided
from wala_blender.diffusion.samplers import Start, ancestral, antithetic, ddim, generated_noises, noises_of_seeds
from wala_blender.diffusion.schedule import Schedule, ScheduleConfig
from wala_blender.networks.condition import Condition
from wala_blender.networks.layers import repeated_rows

SHAPE = (2, 4, 3, 3, 3)
TARGET = torch.linspace(-2, 2, 216).reshape(SHAPE)


def noises(seed: int):
    return generated_noises(SHAPE, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_denoiser_that_knows_the_answer_gives_it(steps):
    assert torch.allclose(ancestral(lambda x, t: TARGET, Schedule(), steps, noises(0)), TARGET, atol=1e-6)


def test_a_noise_denoiser_that_knows_the_answer_gives_it():
    schedule = Schedule(ScheduleConfig(prediction="epsilon", curve="linear"))

    def denoiser(x, t):
        a = torch.from_numpy(schedule.alpha_bar)[t.long()].float().reshape(-1, 1, 1, 1, 1)
        return (x - a.sqrt() * TARGET) / (1 - a).sqrt()

    assert torch.allclose(ancestral(denoiser, schedule, 10, noises(0)), TARGET, atol=1e-3)


def test_same_seed_same_result_other_seed_another():
    def sample(seed):
        return ancestral(lambda x, t: 0.5 * x, Schedule(), 3, noises(seed))

    assert torch.equal(sample(4), sample(4)) and not torch.allclose(sample(4), sample(5))


def test_gaussian_data_come_out_with_their_own_spread():
    """For x₀ ~ N(0, s²) the best x₀ is known; many ancestral steps must then give samples of standard deviation s."""
    schedule, s = Schedule(), 0.5

    def denoiser(x, t):
        a = torch.from_numpy(schedule.alpha_bar)[t.long()].float().reshape(-1, 1)
        return a.sqrt() * s**2 / (a * s**2 + 1 - a) * x

    x = ancestral(denoiser, schedule, 200, generated_noises((1, 20000), torch.Generator().manual_seed(0)))
    assert float(x.std()) == pytest.approx(s, rel=0.03)


@pytest.mark.parametrize(("strength", "left"), [(0.3, 0.0), (0.5, 0.0), (0.75, 0.5), (1.0, 1.0)])
def test_antithetic_samples_lose_the_shift_that_all_have(strength, left):
    """With a denoiser that shrinks and shifts, samples of opposite noise lie on opposite sides of the start, as far as
    the shift is subtracted."""
    schedule, start = Schedule(), Start(TARGET, strength, unbiased=True)

    def sampled(sampler, sign: float):
        opposite = (sign * noise for noise in noises(0))
        return sampler(lambda x, t: 0.7 * x + 0.2, schedule, 4, opposite, None, start)

    mean = (sampled(antithetic, 1) + sampled(antithetic, -1)) / 2
    shifted = (sampled(ancestral, 1) + sampled(ancestral, -1)) / 2
    assert (shifted - TARGET).abs().mean() > 0.05 and (sampled(antithetic, 1) - mean).abs().mean() > 0.05
    assert torch.allclose(mean - TARGET, left * (shifted - TARGET), atol=1e-4)


def test_on_step_comes_before_every_step_and_can_stop():
    seen, calls = [], []

    def on_step(step, steps):
        seen.append((step, steps))
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ancestral(lambda x, t: calls.append(float(t[0])) or x, Schedule(), 5, noises(0), on_step)
    assert seen == [(0, 5), (1, 5), (2, 5), (3, 5)] and calls == [999.0, 749.0, 500.0]


def linear_denoiser(x, t, condition):
    return x * repeated_rows(condition.tokens, len(x)).mean(dim=(1, 2)).reshape(-1, 1, 1, 1, 1)


@pytest.mark.parametrize(("scale", "expected"), [(0.0, 1.0), (1.0, 3.0), (1.8, 4.6)])
def test_guidance_is_linear_between_empty_and_condition(scale, expected):
    condition, empty = Condition(torch.full((1, 2, 2), 3.0)), Condition(torch.full((1, 2, 2), 1.0))
    out = guided(linear_denoiser, condition.stacked_with(empty), scale)(TARGET, torch.zeros(2))
    assert torch.allclose(out, expected * TARGET, atol=1e-5)


def test_grids_are_guided_like_tokens():
    condition, empty = Condition(None, torch.ones(1, 3, 2, 2, 2)), Condition(None, torch.zeros(1, 3, 2, 2, 2))
    denoiser = guided(
        lambda x, t, both: x * repeated_rows(both.grid, len(x)).mean(dim=(1, 2, 3, 4)).reshape(-1, 1, 1, 1, 1),
        condition.stacked_with(empty),
        2.0,
    )
    out = denoiser(TARGET, torch.zeros(2))
    assert torch.allclose(out, 2 * TARGET, atol=1e-5)


def test_an_unconditional_model_gets_an_empty_condition():
    assert torch.equal(
        conditioned(lambda x, t, c: x if c == Condition() else None, Condition())(TARGET, torch.zeros(2)), TARGET
    )


@pytest.mark.parametrize("steps", [1, 4, 50])
def test_ddim_with_the_true_noise_ends_at_the_first_timestep(steps):
    """Where every answer is the noise that was put in, each x lies on the line between it and the target: also the
    last."""
    schedule = Schedule(ScheduleConfig(curve="scaled linear", prediction="epsilon"))
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    target = TARGET.double()
    start = schedule.add_noise(target, noise, torch.full((2,), 999))
    made = ddim(lambda x, t: noise, schedule, steps, [start])
    assert torch.allclose(made, schedule.add_noise(target, noise, torch.zeros(2)), atol=1e-9)


def test_ddim_draws_nothing_and_tells_its_steps():
    schedule, told, seen = Schedule(ScheduleConfig(curve="scaled linear", prediction="epsilon")), [], []

    def denoiser(x, t):
        seen.append(t.tolist())
        return torch.tanh(x)

    noise = next(iter(noises(0)))
    before = noise.clone()
    first = ddim(denoiser, schedule, 3, [noise], lambda step, count: told.append((step, count)))
    assert torch.equal(first, ddim(denoiser, schedule, 3, [noise])) and torch.equal(noise, before)
    assert told == [(0, 3), (1, 3), (2, 3)] and seen[:3] == [[999.0] * 2, [666.0] * 2, [332.0] * 2]


def test_each_seeds_noise_is_the_same_alone_and_beside_others():
    together, alone = noises_of_seeds([4, 7], (3, 2)), noises_of_seeds([7], (3, 2))
    for _ in range(2):
        rows, row = next(iter(together)), next(iter(alone))
        assert torch.equal(rows[1:], row) and not torch.equal(rows[0], rows[1])
