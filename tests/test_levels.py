"""The networks of levels by law: sets without an order, standardised latents, what a level may see; and how their
points are chosen."""

import itertools

import numpy as np
import pytest
import torch

from wala_blender.errors import InputError
from wala_blender.geometry.point_sets import farthest_points, unit_sphere_frame
from wala_blender.networks.configs import LevelAutoencoderConfig, LevelDenoiserConfig
from wala_blender.networks.level_autoencoder import LevelAutoencoder
from wala_blender.networks.level_denoiser import LevelDenoiser

SMALL = LevelAutoencoderConfig(width=64, points=48, counts=(4, 8, 24), channels=(16, 8, 4), layers=1)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def made(network: torch.nn.Module) -> torch.nn.Module:
    """The network with weights that let every input matter."""
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return network.eval()


@pytest.fixture(scope="module")
def autoencoder():
    return made(LevelAutoencoder(SMALL))


def close(a, b):
    torch.testing.assert_close(a, b, atol=2e-5, rtol=2e-4)


@torch.no_grad()
def test_latents_are_standardised_and_of_the_levels_sizes(autoencoder):
    latents = autoencoder.encode(drawn(2, 48, 3))
    assert [latent.shape for latent in latents] == [(2, 4, 16), (2, 8, 8), (2, 24, 4)]
    for latent in latents:
        close(latent.mean(-1), torch.zeros(latent.shape[:2]))
        close(latent.var(-1, correction=0), torch.ones(latent.shape[:2]))


@torch.no_grad()
def test_the_clouds_order_changes_nothing(autoencoder):
    points, queries = drawn(1, 48, 3), drawn(1, 10, 3, seed=2)
    shuffled = points[:, torch.randperm(48, generator=torch.Generator().manual_seed(3))]
    for own, other in zip(autoencoder.subsample(points), autoencoder.subsample(shuffled)):
        close(own, other)
    logits = [autoencoder.query(queries, autoencoder.decode(autoencoder.encode(cloud))) for cloud in (points, shuffled)]
    close(*logits)
    assert logits[0].std() > 0.01


@torch.no_grad()
def test_every_level_is_read_and_none_depends_on_its_rows_order(autoencoder):
    latents, queries = autoencoder.encode(drawn(1, 48, 3)), drawn(1, 10, 3, seed=2)
    plain = autoencoder.query(queries, autoencoder.decode(latents))
    for i, latent in enumerate(latents):
        close(autoencoder.query(queries, autoencoder.decode([*latents[:i], latent.flip(1), *latents[i + 1 :]])), plain)
        changed = autoencoder.query(
            queries, autoencoder.decode([*latents[:i], drawn(*latent.shape, seed=5), *latents[i + 1 :]])
        )
        assert (changed - plain).abs().max() > 0.01


@torch.no_grad()
def test_a_coarser_set_knows_nothing_of_the_finer_latents(autoencoder):
    latents = autoencoder.encode(drawn(1, 48, 3))
    before, after = autoencoder.decode(latents), autoencoder.decode([*latents[:2], drawn(1, 24, 4, seed=5)])
    close(before[0], after[0])
    close(before[1], after[1])
    assert (before[2] - after[2]).abs().max() > 0.01


def test_published_sizes():
    with torch.device("meta"):
        network = LevelAutoencoder()
    assert sum(parameter.numel() for parameter in network.parameters()) == 499_852_625


@pytest.mark.parametrize("wrong", [{"width": 100}, {"counts": (8, 4, 24)}, {"channels": (8, 4)}, {"points": 10}])
def test_sizes_that_cannot_be_built(wrong):
    with pytest.raises(ValueError, match="levels|multiple"):
        LevelAutoencoderConfig(**{"width": 64, "points": 48, "counts": (4, 8, 24), "channels": (16, 8, 4)} | wrong)


@pytest.fixture(scope="module")
def denoiser():
    return made(LevelDenoiser(LevelDenoiserConfig(4, width=64, blocks=2, coarser=(16, 8), categories=3)))


@torch.no_grad()
def test_a_denoiser_is_equivariant_in_its_rows_and_invariant_in_the_coarser_ones(denoiser):
    x, noise, category = drawn(1, 24, 4), torch.tensor([0.3]), torch.tensor([1])
    coarser = [drawn(1, 4, 16, seed=1), drawn(1, 8, 8, seed=2)]
    plain = denoiser(x, noise, coarser, category)
    close(denoiser(x.flip(1), noise, coarser, category), plain.flip(1))
    close(denoiser(x, noise, [part.flip(1) for part in coarser], category), plain)
    for changed in (
        denoiser(x, noise, [coarser[0], -coarser[1]], category),
        denoiser(x, noise, [-coarser[0], coarser[1]], category),
        denoiser(x, noise, coarser, torch.tensor([2])),
        denoiser(x, noise + 1, coarser, category),
    ):
        assert (changed - plain).abs().max() > 0.01


@torch.no_grad()
def test_an_untrained_denoiser_answers_nothing():
    untrained = LevelDenoiser(LevelDenoiserConfig(4, width=64, blocks=1, coarser=(16,)))
    assert not untrained(drawn(2, 24, 4), torch.zeros(2), [drawn(2, 4, 16)]).any()


def test_a_denoiser_is_given_all_its_levels(denoiser):
    with pytest.raises(ValueError, match="zip"):
        denoiser(drawn(1, 24, 4), torch.zeros(1), [drawn(1, 4, 16)], torch.tensor([0]))


def test_farthest_points_spread_and_begin_farthest_from_the_mean():
    points = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0.9, 0, 0], [-3, 0, 0], [0.1, 0.1, 0]]])
    assert farthest_points(points, 4).tolist() == [[4, 1, 2, 0]]
    assert farthest_points(points, 3, start=0).tolist() == [[0, 4, 1]]
    corners = torch.tensor([[list(corner) for corner in itertools.product((-1.0, 1.0), repeat=3)]])
    assert sorted(farthest_points(corners, 8)[0].tolist()) == list(range(8))
    # the lowest index on ties: from a corner of a square the opposite one, then the first of the other two
    assert farthest_points(corners[:, :4], 4, start=0).tolist() == [[0, 3, 1, 2]]


def test_every_shape_of_a_batch_has_farthest_points_of_its_own():
    points = drawn(3, 50, 3)
    together = farthest_points(points, 10)
    assert together.tolist() == [farthest_points(row[None], 10)[0].tolist() for row in points]
    chosen = points[0][together[0]]
    apart = torch.cdist(chosen, chosen)[~torch.eye(10, dtype=torch.bool)].min()
    left = torch.cdist(points[0], chosen).min(dim=1).values.max()
    assert left <= apart + 1e-6  # nothing is farther from the chosen ones than these are from each other


def test_the_unit_spheres_frame_and_back():
    vertices = np.array([[1.0, 2, 3], [5, 2, 3], [1, 4, 3.5], [3, 3, 3]])
    frame = unit_sphere_frame(vertices)
    inside = frame.to_model(vertices)
    assert np.linalg.norm(inside, axis=1).max() == pytest.approx(1)
    np.testing.assert_allclose(inside.min(axis=0) + inside.max(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(frame.from_model(inside), vertices, atol=1e-12)
    with pytest.raises(InputError, match="one place"):
        unit_sphere_frame(np.ones((4, 3)))
