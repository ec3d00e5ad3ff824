"""Shapes, keys, neutral start and conditions of the U-ViT on tiny widths (the numbers themselves: test_parity)."""

import dataclasses

import pytest
import torch

from wala_blender.networks.condition import Condition
from wala_blender.networks.denoiser import UViT, UViTConfig, patchify, unpatchify

TINY = UViTConfig(
    width=16,
    blocks=2,
    heads=2,
    channels=8,
    res_blocks=2,
    context_width=6,
    context_to_time=True,
    registers=3,
    res_context=4,
    learnable_skip=2,
    grid_channels=5,
    norm_groups=4,
)


def seeded(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def awake(config: UViTConfig = TINY) -> UViT:
    """A network whose zero-initialised layers say something."""
    torch.manual_seed(2)
    network = UViT(config)
    for parameter in network.parameters():
        if not parameter.detach().any():
            torch.nn.init.normal_(parameter, std=0.3)
    return network


X, T, CONTEXT, GRID = seeded(2, 4, 12, 12, 12), torch.tensor([999.0, 3.0]), seeded(2, 7, 6), seeded(2, 5, 12, 12, 12)


@pytest.mark.parametrize("patch", [1, 2, 3])
def test_patchify_orders_tokens_and_returns(patch):
    grid = seeded(2, 3, 12, 12, 12)
    tokens = patchify(grid, patch)
    side = 12 // patch
    assert tokens.shape == (2, side**3, 3 * patch**3)
    assert torch.equal(tokens[1, side**2 + 2 * side + 3, :3], grid[1, :, patch, 2 * patch, 3 * patch])
    assert torch.equal(unpatchify(tokens, patch, 12), grid)


def test_a_new_network_predicts_zero_and_its_grid_says_nothing_yet():
    network = UViT(TINY)
    assert not network(X, T, CONTEXT, GRID).any()
    torch.nn.init.normal_(network.out[2].weight)
    assert torch.equal(network(X, T, CONTEXT, GRID), network(X, T, CONTEXT, 0 * GRID))


def test_every_input_matters():
    network = awake()
    with torch.no_grad():
        base = network(X, T, CONTEXT, GRID)
        assert base.shape == X.shape
        for changed in (
            (X + 1, T, CONTEXT, GRID),
            (X, T - 3, CONTEXT, GRID),
            (X, T, CONTEXT + 1, GRID),
            (X, T, CONTEXT, GRID + 1),
        ):
            assert (network(*changed) - base).abs().max() > 1e-4


def test_gradients_reach_every_parameter():
    network = awake()
    network(X, T, CONTEXT, GRID).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_rows_of_a_batch_do_not_mix_and_a_single_condition_serves_all():
    network = awake()
    with torch.no_grad():
        both = network(X, T, CONTEXT[:1], GRID[:1])
        second = network.denoise(X[1:], T[1:], Condition(CONTEXT[:1], GRID[:1]))
    assert torch.allclose(both[1:], second, atol=1e-5)


def test_a_condition_projected_once_gives_what_each_step_would_make_of_it():
    """Also two conditions for two samples each, as guidance stacks them; with and without the summaries."""
    for config in (TINY, dataclasses.replace(TINY, res_context=None, context_to_time=False)):
        network = awake(config)
        x, t = torch.cat([X, X.flip(0)]), torch.cat([T, T])
        with torch.no_grad():
            repeated = network(x, t, CONTEXT.repeat_interleave(2, 0), GRID.repeat_interleave(2, 0))
            projected = network.projected(CONTEXT, GRID)
            for step in (t, t - 3):
                assert torch.allclose(network.denoise(x, step, projected), network(x, step, CONTEXT, GRID), atol=1e-6)
            assert torch.allclose(network.denoise(x, t, projected), repeated, atol=1e-5)


def test_published_keys_do_not_change_with_our_extensions_off():
    plain = set(UViT(dataclasses.replace(TINY, grid_channels=0)).state_dict())
    assert set(UViT(TINY).state_dict()) - plain == {"grid_in.weight", "grid_in.bias"}


def test_missing_and_superfluous_conditions_are_refused():
    network = UViT(TINY)
    with pytest.raises(ValueError, match="context is missing"):
        network(X, T, None, GRID)
    with pytest.raises(ValueError, match="grid is missing"):
        network(X, T, CONTEXT)
    with pytest.raises(ValueError, match="context is given"):
        UViT(UViTConfig(width=8, blocks=1, heads=2, channels=4, norm_groups=4))(X, T, CONTEXT)


def test_settings_that_cannot_work_are_refused():
    for change in ({"patch": 5}, {"heads": 3}, {"context_width": None}):
        with pytest.raises(ValueError):
            dataclasses.replace(TINY, **change)


def test_bfloat16_autocast_runs():
    network = awake()
    with torch.no_grad():
        exact = network(X, T, CONTEXT, GRID)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network(X, T, CONTEXT, GRID)
    assert (rounded.float() - exact).abs().max() / exact.abs().max() < 0.1
