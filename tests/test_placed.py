"""Placed conditions lie where the latent's cells lie: features and points end up in the cell of their own model
coordinates."""

import pytest
import torch

from wala_blender.conditions import grid_features
from wala_blender.networks.autoencoder import Autoencoder, AutoencoderConfig


def cell_of(coordinate: float) -> int:
    return int((grid_features.fine_coordinates() - coordinate).abs().argmin())


def test_a_cell_sees_the_field_where_it_lies():
    """The middle of the latent's grid answers to the middle of the tree's: cell i is centred on tree cell 4·i, that is
    grid point 32·i − 52.5."""
    torch.manual_seed(0)
    encoder = Autoencoder(AutoencoderConfig(widths=(8, 8, 8), norm_groups=8)).encoder
    tree = torch.zeros(1, 64, 46, 46, 46)
    changed = tree.clone()
    changed[:, :, 20, 24, 28] = 5.0
    with torch.no_grad():
        # A first pooling over group norms would spread the change everywhere: look at the convolutions' reach alone.
        difference = (encoder.in_conv(changed) - encoder.in_conv(tree)).abs().sum(1)[0]
    middle = (difference * 1.0 == difference.max()).nonzero()[0].tolist()
    assert middle == pytest.approx([20, 24, 28], abs=1)
    centers = grid_features.fine_coordinates().reshape(12, 2).mean(1)
    for tree_cell in (20, 24, 28):
        assert centers[tree_cell // 4] == pytest.approx(2 * (8 * tree_cell - 52.5) / 256 - 1)


def test_splat_puts_points_into_their_cells():
    points = torch.tensor([[[0.5, -0.25, 0.75]] * 8])
    grid = grid_features.splat(points)[0]
    at = grid[0].nonzero().tolist()
    assert at == [[cell_of(0.5), cell_of(-0.25), cell_of(0.75)]]
    offset = grid[1:, at[0][0], at[0][1], at[0][2]] * 0.125
    back = torch.stack([grid_features.fine_coordinates()[i] for i in at[0]]) + offset
    assert torch.allclose(back, points[0, 0], atol=1e-5)


def test_sampled_volume_follows_the_voxels():
    features = torch.zeros(1, 1, 16, 16, 16)
    features[0, 0, 12, 3, 8] = 1.0
    seen = grid_features.sample_volume(features)[0, 0]
    strongest = (seen == seen.max()).nonzero()[0]
    coordinates = [float(grid_features.fine_coordinates()[i]) for i in strongest]
    wanted = [-1 + (v + 0.5) / 8 for v in (12, 3, 8)]
    assert coordinates == pytest.approx(wanted, abs=0.0626)


@pytest.mark.parametrize("elevation", [0.0, 30.0])
def test_a_pixel_is_seen_along_its_ray(elevation):
    picture = torch.zeros(1, 1, 32, 32)
    picture[0, 0, 7:10, 23:26] = 1.0  # right and up; the samples lie two pixels apart
    seen = grid_features.sample_picture(picture, torch.tensor([elevation]))[0]
    lit = seen[0] > 0.9
    assert lit.sum() > 8
    right, up = 24.5 / 16 - 1, 1 - 8.5 / 16
    assert (seen[1][lit] - right).abs().max() < 0.1 and (seen[2][lit] - up).abs().max() < 0.1
    depths = seen[3][lit]
    assert depths.max() - depths.min() > 1.0  # a line through the volume, not a point


def test_fold_keeps_a_cells_samples_together():
    fine = torch.arange(24.0).reshape(1, 1, 24, 1, 1).expand(1, 1, 24, 24, 24)
    folded = grid_features.fold(fine)
    assert folded.shape == (1, 8, 12, 12, 12)
    assert torch.equal(folded[0, :, 5, 0, 0], torch.tensor([10.0] * 4 + [11.0] * 4))
