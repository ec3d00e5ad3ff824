"""Laws of the vector quantiser and of its codebook averages."""

import pytest
import torch

from wala_blender.networks.quantizer import CodebookAverage, VectorQuantizer


def latents(batch: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, 4, 3, 3, 3, generator=torch.Generator().manual_seed(seed))


def quantizer(l2_norm: bool = False) -> VectorQuantizer:
    made = VectorQuantizer(16, 4, l2_norm=l2_norm)
    made.embedding.weight.data = torch.randn(16, 4, generator=torch.Generator().manual_seed(5))
    return made


@pytest.mark.parametrize("l2_norm", [False, True])
def test_codebook_rows_quantise_to_themselves(l2_norm):
    q = quantizer(l2_norm)
    rows = q.codebook().detach()[:8].T.reshape(1, 4, 2, 2, 2)
    out = q(rows)
    assert out.indices.tolist() == list(range(8))
    assert torch.allclose(out.latent, rows, atol=1e-6)
    assert float(out.loss) < 1e-10


def test_indices_are_the_nearest_rows_in_x_major_order():
    q, z = quantizer(), latents()
    out = q(z)
    distances = (q.rows(z)[:, None] - q.codebook()[None]).square().sum(-1)
    assert torch.equal(out.indices, distances.argmin(1))
    assert torch.equal(out.latent[1, :, 1, 2, 0], q.codebook()[out.indices[27 + 9 + 6]])
    assert torch.allclose(q.rows(out.latent), q.codebook()[out.indices])


def test_l2_norm_gives_unit_rows_whatever_the_length():
    q, z = quantizer(l2_norm=True), latents()
    assert torch.allclose(q(z).latent.norm(dim=1), torch.ones(2, 3, 3, 3), atol=1e-6)
    assert torch.equal(q(z).indices, q(7 * z).indices)


def test_gradients_pass_straight_through_and_the_loss_reaches_both_sides():
    q, z = quantizer(), latents().requires_grad_()
    out = q(z)
    weights = latents(seed=9)
    (out.latent * weights).sum().backward(retain_graph=True)
    assert torch.allclose(z.grad, weights) and q.embedding.weight.grad is None
    out.loss.backward()
    assert q.embedding.weight.grad.abs().max() > 0


def test_averages_move_the_codebook_towards_the_latents_and_keep_the_published_keys():
    q, z = quantizer(), latents(batch=8)
    average = CodebookAverage(q, decay=0.5)
    before = float(q(z).loss)
    average.start(z, torch.Generator().manual_seed(1), iterations=5)
    started = float(q(z).loss)
    for _ in range(10):
        average.update(z)
    assert float(q(z).loss) <= started < before
    assert list(q.state_dict()) == ["embedding.weight"]
    assert set(average.state_dict()) == {"counts", "sums"}


def test_dead_rows_come_back_as_latents():
    q, z = quantizer(), latents(batch=8)
    average = CodebookAverage(q, decay=0.0)
    q.embedding.weight.data[3] = 1000.0
    average.update(z)
    assert average.restart(z, torch.Generator().manual_seed(2)) >= 1
    assert (q.rows(z) - q.embedding.weight[3]).abs().sum(1).min() == 0
