"""EDM: preconditioning, noise levels, loss and the Heun sampler, by law. The published vectors are in test_parity.py's
folder."""

import numpy as np
import pytest
import torch

from wala_blender.diffusion import edm

SPREAD = 0.5


def gaussian(x, sigma):
    """The perfect denoiser of normal data with mean 0 and deviation SPREAD."""
    return x * (SPREAD**2 / (SPREAD**2 + sigma.reshape(-1, *[1] * (x.ndim - 1)) ** 2))


def test_noise_levels_run_from_high_to_low_and_end_at_zero():
    levels = edm.noise_levels(18)
    assert levels.dtype == torch.float64 and len(levels) == 19
    assert levels[0] == pytest.approx(80) and levels[-2] == pytest.approx(0.002) and levels[-1] == 0
    assert (levels.diff() < 0).all()


@pytest.mark.parametrize("data", [1.0, SPREAD])
def test_preconditioning_keeps_inputs_and_targets_at_unit_variance(data):
    generator = torch.Generator().manual_seed(0)
    clean, noise = data * torch.randn(4, 100_000, generator=generator), torch.randn(4, 100_000, generator=generator)
    sigma = torch.tensor([0.01, 0.3, 2.0, 50.0])
    x = clean + sigma[:, None] * noise
    factors = edm.Preconditioning.of(sigma, 2, data)
    target = (clean - factors.skip * x) / factors.out
    for values in (factors.input * x, target):
        torch.testing.assert_close(values.var(dim=1), torch.ones(4), atol=0.02, rtol=0)


def test_a_network_of_zeros_gives_back_what_skips_it_and_noise_is_its_logarithm():
    seen = []
    denoise = edm.preconditioned(lambda x, noise: seen.append(noise) or torch.zeros_like(x))
    x, sigma = torch.ones(2, 3, 4), torch.tensor([1.0, 3.0])
    torch.testing.assert_close(denoise(x, sigma), torch.tensor([0.5, 0.1])[:, None, None].expand(2, 3, 4))
    torch.testing.assert_close(seen[0], sigma.log() / 4)


def test_the_loss_of_the_networks_own_scale():
    """A network that answers nothing has, at any noise level, the loss 1: the mean square of its target."""
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(3, 200_000, generator=generator), torch.randn(3, 200_000, generator=generator)
    denoise = edm.preconditioned(lambda x, noise: torch.zeros_like(x))
    for sigma in (0.02, 1.0, 30.0):
        assert edm.loss(denoise, clean, noise, torch.full((3,), sigma)).item() == pytest.approx(1, abs=0.02)


def test_heun_follows_the_exact_flow_of_normal_data():
    start = 80 * torch.randn(2, 500, generator=torch.Generator().manual_seed(0))
    exact = start * SPREAD / np.sqrt(SPREAD**2 + 80**2)
    errors = []
    for steps in (9, 18, 36):
        steps_seen, calls = [], []

        def counted(x, sigma):
            calls.append(sigma)
            return gaussian(x, sigma)

        made = edm.heun(counted, edm.noise_levels(steps), start, lambda step, count: steps_seen.append((step, count)))
        assert (
            made.dtype == start.dtype
            and len(calls) == 2 * steps - 1
            and steps_seen == [(i, steps) for i in range(steps)]
        )
        errors.append(float((made - exact).abs().max() / exact.abs().max()))
    assert errors[1] < errors[0] / 3 and errors[2] < errors[1] / 3 and errors[2] < 0.02  # second order


def test_heun_from_some_step_on_and_stopped():
    start = torch.ones(1, 5)
    levels = edm.noise_levels(18)[12:]
    made = edm.heun(gaussian, levels, start)
    torch.testing.assert_close(made, start * float(SPREAD / (SPREAD**2 + levels[0] ** 2).sqrt()), rtol=2e-2, atol=0)

    def stop(step, steps):
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        edm.heun(gaussian, levels, start, stop)


def test_a_network_that_predicts_the_clean_sample():
    """The perfect one gives the perfect denoiser, without a loss where there is nothing but the mean to know."""

    def network(x, noise):
        sigma = (4 * noise).exp()
        return gaussian(x * (sigma**2 + SPREAD**2).sqrt()[:, None], sigma) / SPREAD

    denoise = edm.clean_preconditioned(network, SPREAD)
    x, sigma = torch.randn(3, 500, generator=torch.Generator().manual_seed(0)), torch.tensor([0.1, 1.0, 30.0])
    torch.testing.assert_close(denoise(x, sigma), gaussian(x, sigma))
    clean = SPREAD * torch.randn(3, 100_000, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(3, 100_000, generator=torch.Generator().manual_seed(2))
    for level in (0.1, 1.0, 30.0):
        found = edm.clean_loss(denoise, clean, noise, torch.full((3,), level), SPREAD)
        assert float(found) == pytest.approx(level**2 / (level**2 + SPREAD**2), rel=0.02)
