"""Shapes, keys and training behaviour of the autoencoder on tiny widths (the numbers themselves: test_parity)."""

import pytest
import torch

from wala_blender.networks.autoencoder import Autoencoder, AutoencoderConfig

TINY = AutoencoderConfig(widths=(4, 8, 8), norm_groups=4, codebook_size=32, encoder_blocks=1, decoder_blocks=1)


def tree(seed: int = 0) -> torch.Tensor:
    return torch.randn(1, 64, 46, 46, 46, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def tiny() -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(TINY)


def test_shapes_and_the_three_ways_in(tiny):
    with torch.no_grad():
        latent = tiny.encode(tree())
        assert latent.shape == (1, 4, 12, 12, 12)
        whole = tiny(tree())
        assert whole.tree.shape == (1, 64, 46, 46, 46)
        assert torch.allclose(tiny.decode(latent), whole.tree, atol=1e-5)
        assert torch.allclose(tiny.decode_quantized(whole.quantized.latent), whole.tree, atol=1e-5)


def test_widths_change_where_they_should(tiny):
    changing = {name for name, _ in tiny.named_parameters() if "skip_connection.weight" in name}
    assert changing == {"encoder.res_2.skip_connection.weight", "decoder.res_3.skip_connection.weight"}
    assert tiny.encoder.res_2.skip_connection.kernel_size == (1, 1, 1)


def test_published_size():
    with torch.device("meta"):
        assert sum(p.numel() for p in Autoencoder().parameters()) == 12_872_004


def test_gradients_reach_every_parameter_but_the_unused_codebook_rows(tiny):
    out = tiny(tree())
    (out.tree.square().mean() + out.quantized.loss).backward()
    without = [name for name, p in tiny.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    tiny.zero_grad(set_to_none=True)
    assert without == []


def test_bfloat16_autocast_and_channels_last_run_close_to_float32(tiny):
    with torch.no_grad():
        latent = tiny.encode(tree())
        with torch.autocast("cpu", torch.bfloat16):
            rounded = tiny.encode(tree().contiguous(memory_format=torch.channels_last_3d))
            assert tiny.decode(rounded).isfinite().all()
    assert (rounded.float() - latent).abs().max() / latent.abs().max() < 0.05
