"""The detail stage: what its features say of known solids, and that it begins by changing nothing."""

import numpy as np
import torch

from wala_blender.conditions.detail_features import CELL, CELLS, detail_features
from wala_blender.conditions.evidence import DepthMap, Evidence
from wala_blender.conditions.sketch import drawing_camera, with_enclosed
from wala_blender.geometry.cameras import PUBLISHED
from wala_blender.geometry.renderer import Camera, sample_field, trace
from wala_blender.networks.configs import DETAIL_CHANNELS, MIDDLE
from wala_blender.networks.detail_unet import DetailConfig, DetailNetwork
from wala_blender.training.data.depth_renders import published_camera
from wala_blender.training.tree_losses import surface_loss
from wala_blender.wavelet import field_to_tree
from wala_blender.wavelet.tree import channel_scales

from .shapes import box_field

SMALL = DetailConfig(widths=(8, 8, 8), norm_groups=4)
POINTS, VOXELS, BLOCKOUT, DEPTHS, SKETCH = (slice(a, b) for a, b in ((5, 19), (19, 24), (24, 32), (32, 41), (41, 44)))


def center(index: int) -> float:
    """Model coordinate of a cell of the middle, counted from 0."""
    return 2 * (8 * (index + MIDDLE.start) - 55.5) / 256 - 1


def sphere_field(radius: float, size: int = 128) -> torch.Tensor:
    axis = torch.arange(size) * (2 / size) - 1
    return torch.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2) - radius


def cell_distances() -> torch.Tensor:
    """Distance of each cell's centre from the origin, (34, 34, 34)."""
    axis = torch.tensor([center(i) for i in range(CELLS)])
    return torch.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)


def test_nothing_known_is_all_zero_and_each_kind_has_its_own_channels():
    assert not detail_features(Evidence()).any()
    features = detail_features(Evidence(voxels=torch.ones(16, 16, 16, dtype=torch.bool)))
    assert features[1].min() == 1 and features.shape == (DETAIL_CHANNELS, CELLS, CELLS, CELLS)
    assert not features[[0, 2, 3, 4]].any() and not features[POINTS].any() and not features[SKETCH].any()


def test_points_are_told_where_they_lie():
    place = torch.tensor([center(10), center(11) + 0.25 * CELL, center(12)])
    features = detail_features(Evidence(points=place[None]))[POINTS]
    count, mean, towards, away = features[0], features[1:4], features[10:13], features[13]
    assert count[10, 11, 12] > 0.99 and count.sum() < 1.01
    assert torch.allclose(mean[:, 10, 11, 12], torch.tensor([0.0, 0.25, 0.0]), atol=1e-4)
    assert torch.allclose(2 * towards[:, 9, 11, 12], torch.tensor([1.0, 0.25, 0.0]), atol=1e-4)
    assert abs(2 * away[10, 11, 12] - 0.25) < 1e-4 and 2 * away[0, 0, 0] == 4.0


def test_moved_points_move_their_features():
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) * 0.5
    before, after = (
        detail_features(Evidence(points=p))[POINTS] for p in (points, points + torch.tensor([CELL, 0.0, 0.0]))
    )
    assert torch.allclose(before[:, 5:-5], after[:, 6:-4], atol=1e-3)


def test_a_blockout_is_its_field_at_eight_places_of_a_cell():
    features = detail_features(Evidence(blockout=sphere_field(0.5), hold=0.7))
    assert torch.all(features[2] == 0.7)
    inside, distance = features[BLOCKOUT], cell_distances()
    assert (inside[:, distance < 0.4] < 0).all() and (inside[:, distance > 0.6] > 0).all()
    # the mean of eight places is the centre's value, where the field is nearly linear
    near = (distance - 0.5).abs() < 0.03
    assert (inside.mean(0)[near] * 0.1 - (distance[near] - 0.5)).abs().max() < 0.01


def test_depth_maps_carve_what_lies_before_the_surface():
    directions = [PUBLISHED.direction(view) for view in PUBLISHED.sets[6]]
    maps = [
        DepthMap(trace(sphere_field(0.5), published_camera(*d), 128)[0].numpy() + PUBLISHED.distance, d)
        for d in directions
    ]
    features = detail_features(Evidence(depths=maps))[DEPTHS]
    distance = cell_distances()
    assert (features[:8, distance < 0.42] < 0).all() and (features[:8, (distance > 0.75)] > 0).all()
    assert (features[8, distance > 0.8] > 0.5).all() and (features[8, distance < 0.3] == 0).all()


def test_a_drawing_is_laid_over_what_was_decoded():
    field = sphere_field(0.5)
    depth, _ = trace(field, drawing_camera(field, 20.0), 128)
    outline = torch.isfinite(depth).float()
    features = detail_features(
        Evidence(sketch=torch.stack([outline * 0, outline]), camera=drawing_camera(field, 20.0))
    )[SKETCH]
    distance = cell_distances()
    assert (features[1, distance < 0.42] > 0.9).all()
    axis = torch.tensor([center(i) for i in range(CELLS)])
    assert (features[1, (axis.abs() > 0.65)] == 0).all()  # beside the ball, seen from in front


def test_an_empty_field_is_drawn_over_the_whole_model_space():
    camera = drawing_camera(torch.ones(32, 32, 32), 0.0)
    assert isinstance(camera, Camera) and camera.half_size > 0.9 and np.allclose(camera.center, 0)
    assert with_enclosed(torch.zeros(1, 1, 128, 128)).shape == (1, 2, 128, 128)


def test_an_untrained_network_changes_nothing_and_a_trained_one_only_the_middle():
    torch.manual_seed(0)
    network, tree = DetailNetwork(SMALL).eval(), torch.randn(1, 64, 46, 46, 46)
    features = detail_features(Evidence())[None]
    with torch.no_grad():
        assert torch.equal(network.refine(tree, features), tree)
        network.out[2].bias.fill_(1.0)
        changed = network.refine(tree, features) - tree
    middle = changed[..., MIDDLE, MIDDLE, MIDDLE]
    assert torch.allclose(middle, channel_scales().expand_as(middle), atol=1e-6)
    middle.zero_()
    assert not changed.any()


def test_the_surface_loss_counts_wrong_normals():
    def loss_of(field: torch.Tensor) -> dict:
        made = field_to_tree(field.clamp(-0.1, 0.1)[None]) / channel_scales()
        return surface_loss(made, tree, 1.0, torch.Generator())[1]

    box = torch.from_numpy(box_field((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3), 256)).float()
    tree = field_to_tree(box.clamp(-0.1, 0.1)[None]) / channel_scales()
    axis = torch.arange(256) * (2 / 256) - 1
    waves = box + 0.01 * torch.sin(25 * axis)[:, None, None]
    same, wavy = loss_of(box), loss_of(waves)
    assert same["normals"] < 1e-3 < 0.01 < wavy["normals"]
    assert wavy["overlap"] > 0.9 * same["overlap"]


def test_features_lie_where_the_tree_has_its_cells():
    """The coarse coefficients follow the field at the cells' centres more closely than a quarter of a cell beside
    them."""
    box = torch.from_numpy(box_field((-0.5, -0.3, -0.4), (0.6, 0.45, 0.3), 256)).float().clamp(-0.1, 0.1)
    coarse = field_to_tree(box[None])[0, 0, MIDDLE, MIDDLE, MIDDLE]
    near = coarse.abs() < 1.5
    axis = torch.tensor([center(i) for i in range(CELLS)])
    at = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)

    def likeness(offset: float) -> float:
        return float(torch.corrcoef(torch.stack([sample_field(box, at + offset * CELL)[near], coarse[near]]))[0, 1])

    assert likeness(0.0) > max(likeness(-0.25), likeness(0.25))
