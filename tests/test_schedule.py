"""Laws of the noise schedule (the numbers themselves: test_parity)."""

import numpy as np
import pytest
import torch

from wala_blender.diffusion.schedule import Schedule, ScheduleConfig, scaled_linear_betas, spaced_steps, trailing_steps


@pytest.mark.parametrize("curve", ["cosine", "linear"])
def test_signal_fades_from_all_to_almost_none(curve):
    alpha_bar = Schedule(ScheduleConfig(curve=curve)).alpha_bar
    assert alpha_bar[0] > 0.999 and alpha_bar[-1] < 1e-4 and (np.diff(alpha_bar) < 0).all()


def test_noised_latents_return_from_the_true_noise():
    schedule = Schedule(ScheduleConfig(prediction="epsilon"))
    generator = torch.Generator().manual_seed(0)
    x0 = torch.randn(3, 4, 2, 2, 2, generator=generator, dtype=torch.float64)
    noise = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    t = torch.tensor([0, 400, 900])
    assert torch.allclose(schedule.to_x0(schedule.add_noise(x0, noise, t), t, noise), x0, atol=1e-9)
    assert schedule.target(x0, noise) is noise


@pytest.mark.parametrize("steps", [1, 5, 1000])
@pytest.mark.parametrize("variance", ["small", "large"])
def test_a_step_carries_the_forward_process_back(steps, variance):
    """With the true x₀ known, the mean after a step is the signal at the next one: √ᾱ_before·x₀ for x = √ᾱ·x₀."""
    schedule = Schedule(ScheduleConfig(variance=variance))
    made = schedule.respaced(steps)
    assert made[-1].noise == 0 and all(step.noise > 0 for step in made[:-1])
    before = [schedule.alpha_bar[step.timestep] for step in made[1:]] + [1.0]
    for step, expected in zip(made, before):
        mean = step.from_x0 + step.from_x * np.sqrt(schedule.alpha_bar[step.timestep])
        assert mean == pytest.approx(np.sqrt(expected), rel=1e-9)
        if variance == "small" and step.noise:
            kept = step.from_x**2 * (1 - schedule.alpha_bar[step.timestep]) + step.noise**2
            assert kept == pytest.approx(1 - expected, rel=1e-9)


def test_unknown_words_and_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="curve"):
        ScheduleConfig(curve="cubic")
    for steps in (0, 1001):
        with pytest.raises(ValueError, match="expected 1"):
            spaced_steps(1000, steps)


def test_trailing_steps_start_at_the_noisiest_and_stop_before_the_first():
    assert trailing_steps(1000, 50).tolist() == list(range(999, 0, -20))
    assert trailing_steps(1000, 3).tolist() == [999, 666, 332] and trailing_steps(1000, 1).tolist() == [999]
    assert trailing_steps(1000, 1000).tolist() == list(range(999, -1, -1))
    for steps in (0, 1001):
        with pytest.raises(ValueError, match="expected 1 … 1000"):
            trailing_steps(1000, steps)


def test_scaled_linear_betas_are_evenly_spaced_in_their_roots():
    betas = scaled_linear_betas(1000)
    assert betas[[0, -1]] == pytest.approx([0.00085, 0.02]) and np.diff(np.sqrt(betas)).std() < 1e-12
