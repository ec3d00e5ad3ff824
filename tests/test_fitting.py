"""The latent's optimiser is Adam."""

import torch

from wala_blender.latent_optimization import ADAM_BETAS, adam_step


def test_its_steps_are_those_of_torchs_adam():
    generator = torch.Generator().manual_seed(0)
    start, curvature = torch.randn(50, generator=generator), torch.rand(50, generator=generator)
    ours, theirs = start.clone(), start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([theirs], betas=ADAM_BETAS)
    momentum, power = torch.zeros(50), torch.zeros(50)
    for count in range(1, 9):
        rate = 0.1 / count
        ours -= adam_step(curvature * ours, momentum, power, count, rate)
        optimizer.param_groups[0]["lr"] = rate
        theirs.grad = (curvature * theirs).detach()
        optimizer.step()
    assert torch.allclose(ours, theirs.detach(), atol=1e-6)
    assert not torch.allclose(ours, start, atol=0.1)
