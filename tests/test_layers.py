"""Laws of the shared blocks, and of bfloat16 and channels-last inputs against plain float32."""

import pytest
import torch
from torch import nn

from wala_blender.networks.layers import (
    Attention,
    GridTransformerBlock,
    ResidualBlock,
    TimeEmbedder,
    TokenSummary,
    TransformerBlock,
    convolution,
    grid_to_tokens,
    tokens_to_grid,
)


def seeded(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    a, b = a.detach(), b.detach()
    return float((a.float() - b.float()).abs().max() / b.float().abs().max())


def test_tokens_are_x_major_and_return():
    grid = seeded(2, 3, 4, 4, 4)
    tokens = grid_to_tokens(grid)
    assert torch.equal(tokens[1, 1 * 16 + 2 * 4 + 3], grid[1, :, 1, 2, 3])
    assert torch.equal(tokens_to_grid(tokens, 4), grid)


def test_residual_block_is_the_identity_when_its_last_convolution_is_zero():
    block = ResidualBlock(8, 8, norm_groups=4)
    torch.nn.init.zeros_(block.out_layers[3].weight)
    torch.nn.init.zeros_(block.out_layers[3].bias)
    x = seeded(1, 8, 5, 5, 5)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("grad", [False, True])
def test_residual_block_leaves_its_input_alone(grad):
    block = ResidualBlock(
        8, 16, norm_groups=4, skip_kernel=1, time_width=6, skip=True, learnable_skip=2, context_width=5
    )
    x, skip, time, context = seeded(2, 8, 5, 5, 5), seeded(2, 8, 5, 5, 5, seed=1), seeded(2, 6), seeded(2, 5)
    before = [v.clone() for v in (x, skip, time, context)]
    with torch.set_grad_enabled(grad):
        y = block(x, time, skip, context)
    assert y.shape == (2, 16, 5, 5, 5)
    assert all(torch.equal(a, b) for a, b in zip(before, (x, skip, time, context)))


def test_results_agree_with_and_without_gradients():
    block = ResidualBlock(8, 8, norm_groups=4, time_width=6)
    x, time = seeded(1, 8, 5, 5, 5), seeded(1, 6)
    with torch.no_grad():
        quiet = block(x, time)
    assert relative(quiet, block(x, time).detach()) < 1e-6


def test_zero_gate_silences_the_skip():
    block = ResidualBlock(8, 8, norm_groups=4, skip=True, learnable_skip=2)
    plain = ResidualBlock(8, 8, norm_groups=4)
    plain.load_state_dict(block.state_dict(), strict=False)
    torch.nn.init.zeros_(block.skip_learn_f[2].weight)
    torch.nn.init.constant_(block.skip_learn_f[2].bias, -200.0)
    x = seeded(1, 8, 4, 4, 4)
    assert relative(block(x, skip=seeded(1, 8, 4, 4, 4, seed=3)), plain(x)) < 1e-6


def test_channels_last_and_bfloat16_stay_close_to_float32():
    block = ResidualBlock(16, 16, norm_groups=4).eval()
    # a large mean is what breaks norms whose statistics are kept in bfloat16
    x = seeded(1, 16, 8, 8, 8) + 3
    with torch.no_grad():
        plain = block(x)
        assert relative(block(x.contiguous(memory_format=torch.channels_last_3d)), plain) < 1e-5
        with torch.autocast("cpu", torch.bfloat16):
            assert relative(block(x), plain) < 3e-2


def test_attention_does_not_care_about_the_order_of_the_context():
    attention = Attention(16, 4, cross=True)
    x, context = seeded(1, 5, 16), seeded(1, 7, 16, seed=1)
    assert relative(attention(x, context.flip(1)), attention(x, context)) < 1e-5


def test_transformer_block_gates_close_at_zero_modulation():
    block = TransformerBlock(16, 4)
    torch.nn.init.zeros_(block.adaLN_modulation[1].weight)
    torch.nn.init.zeros_(block.adaLN_modulation[1].bias)
    x = seeded(2, 5, 16)
    assert torch.equal(block(x, seeded(2, 16)), x)


@pytest.mark.parametrize("block", [TransformerBlock(16, 4, modulated=False, bias=False), GridTransformerBlock(16)])
def test_transformer_blocks_commute_with_a_permutation_of_tokens(block):
    x = seeded(2, 6, 16)
    assert relative(block(x.flip(1)).flip(1), block(x)) < 1e-5


def test_token_summary_is_independent_of_order_and_repetition():
    summary = TokenSummary(8, 12, 5)
    tokens = seeded(2, 6, 8)
    assert relative(summary(torch.cat([tokens, tokens.flip(1)], dim=1)), summary(tokens)) < 1e-5


def test_time_embedding_tells_neighbours_apart():
    embedder = TimeEmbedder(8)
    out = embedder(torch.tensor([0.0, 1.0, 999.0]))
    assert (out[0] - out[1]).abs().max() > 1e-3 and (out[0] - out[2]).abs().max() > 1e-3


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("shape", [(1, 8, 12, 12, 12), (2, 8, 12, 12, 12), (1, 8, 3, 4, 5)])
def test_a_convolution_is_torchs_with_the_same_keys_and_gradients(shape, kernel):
    ours, plain = convolution(8, 16, kernel), nn.Conv3d(8, 16, kernel, padding=kernel // 2)
    plain.load_state_dict(ours.state_dict(), strict=True)
    results = []
    for module in (ours, plain):
        x = seeded(*shape).requires_grad_(True)
        made = module(x)
        results.append((made, *torch.autograd.grad(made.square().sum(), (x, module.weight, module.bias))))
    assert all(relative(a, b) < 3e-6 for a, b in zip(*results))


@pytest.mark.parametrize("change", [lambda module: module.to(torch.bfloat16), lambda module: module.to(torch.float64)])
def test_a_convolution_takes_other_precisions_as_torchs_does(change):
    ours, plain = change(convolution(8, 16)), change(nn.Conv3d(8, 16, 3, padding=1))
    plain.load_state_dict(ours.state_dict())
    x = seeded(1, 8, 12, 12, 12).to(ours.weight.dtype)
    assert torch.equal(ours(x), plain(x))


def test_a_convolution_heeds_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        assert convolution(8, 16)(seeded(1, 8, 12, 12, 12)).dtype == torch.bfloat16
