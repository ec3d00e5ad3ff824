"""The starter's pictures and depth maps: what is cut out, where a map's pixels lie in model space, how many maps it
takes."""

import math

import numpy as np
import pytest
import torch

from wala_blender.conditions.depth import DEFAULT_VIEWS, DEPTH_MAP_SIZE, PlacedDepths, prepare, prepare_one
from wala_blender.conditions.grid_features import fine_points, sample_perspectives
from wala_blender.conditions.image import lines_and_silhouette
from wala_blender.conditions.image import prepare as prepare_image
from wala_blender.errors import InputError
from wala_blender.geometry.cameras import PUBLISHED, looking_at_origin
from wala_blender.models.starter_model import Starter
from wala_blender.training.data.depth_renders import depth_views
from wala_blender.wavelet import field_to_tree, tree_to_field, tree_to_half_field

from .shapes import box, box_field


def disc(background: int, thing: int, side: int = 200) -> np.ndarray:
    """A grey disc (side, side, 3) uint8, its upper half lighter, that fills half of the picture."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    picture = np.full((side, side, 3), background, np.uint8)
    inside = x**2 + y**2 < (side / 4) ** 2
    picture[inside] = thing
    picture[inside & (y < 0)] = thing // 2
    return picture


def test_a_thing_on_a_plain_background_and_one_cut_out_are_the_same():
    plain = disc(255, 90)
    cut_out = np.dstack([disc(90, 90), np.where(plain[..., 0] == 255, 0, 255).astype(np.uint8)])
    cut_out[..., :3][plain != 255] = plain[plain != 255]
    (lines, solid), (lines_2, solid_2) = lines_and_silhouette(plain), lines_and_silhouette(cut_out)
    assert np.abs(solid - solid_2).mean() < 0.01 and np.abs(lines - lines_2).mean() < 0.02
    assert solid.mean() == pytest.approx(math.pi / 4 * 0.9**2, abs=0.02)
    middle = lines[60:68, 40:88]
    assert middle.max() == 1, "the edge between the halves is a line"
    assert lines[:5].max() == 0, "nothing is drawn outside"


def test_a_picture_that_shows_nothing_is_refused():
    with pytest.raises(InputError, match="nothing before its background"):
        prepare_image({"image": np.full((64, 64, 3), 200, np.uint8)})
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="not of one colour"):
        prepare_image({"image": noise})
    with pytest.raises(InputError, match="16 × 16"):
        prepare_image({"image": noise[:8]})


def test_a_published_camera_tells_the_elevation():
    _, elevation = prepare_image({"image": disc(0, 200), "views": [3]}).tensors
    assert float(elevation) == pytest.approx(PUBLISHED.direction(3)[1])


@pytest.mark.parametrize("direction", [(30.0, 20.0), (200.0, -15.0), (0.0, 60.0)])
def test_samples_of_a_picture_lie_where_the_camera_sees_them(direction):
    """A picture of its own columns and rows: every sample must read the pixel its point projects to."""
    side = 256
    steps = ((torch.arange(side) + 0.5) / side * 2 - 1).expand(side, side)
    picture = torch.stack([steps, -steps.T])[None]
    got = sample_perspectives(picture, torch.tensor([direction]), PUBLISHED.distance, PUBLISHED.field_of_view)[0]
    camera = looking_at_origin(*direction, PUBLISHED.distance)
    points = fine_points().reshape(-1, 3).numpy()
    local = (points - camera[:3, 3]) @ camera[:3, :3]
    wanted = local[:, :2] / -local[:, 2:] / math.tan(math.radians(PUBLISHED.field_of_view) / 2)
    near = np.abs(wanted).max(axis=1) < 0.98
    assert near.sum() > 1000
    np.testing.assert_allclose(got[:2].reshape(2, -1).numpy().T[near], wanted[near], atol=1e-4)
    np.testing.assert_allclose(got[2:].reshape(3, -1).numpy().T, points @ camera[:3, :3], atol=1e-5)


@pytest.fixture(scope="module")
def box_tree() -> torch.Tensor:
    """Of a box of half sides 0.9, 0.5, 0.3, (1, 64, 46, 46, 46)."""
    field = torch.from_numpy(box_field((-0.9, -0.5, -0.3), (0.9, 0.5, 0.3), 256)).float()
    return field_to_tree(field.clamp(-0.1, 0.1)[None])


def test_half_a_field_is_every_second_point(box_tree):
    tree = box_tree
    half = tree_to_half_field(tree)[0]
    assert half.shape == (136,) * 3
    whole = tree_to_field(tree)[0]
    assert (half[4:132, 4:132, 4:132] - whole[::2, ::2, ::2]).abs().mean() < 1e-3
    part = tree_to_half_field(tree[..., 6:40, 6:40, 6:40])[0]
    torch.testing.assert_close(part, half[24:112, 24:112, 24:112], atol=1e-5, rtol=0)


def test_training_sees_what_a_mesh_gives(box_tree):
    """The depth maps of a tree are those that the same solid's mesh gives: the look is the published one, from the same
    cameras."""
    maps, directions = depth_views(box_tree[0], np.random.default_rng(0))
    vertices, faces = box((-0.9, -0.5, -0.3), (0.9, 0.5, 0.3))
    given, at = prepare({"vertices": vertices, "faces": faces}).tensors
    assert given.shape == (1, len(DEFAULT_VIEWS), DEPTH_MAP_SIZE, DEPTH_MAP_SIZE)
    count = len(DEFAULT_VIEWS)
    torch.testing.assert_close(directions[:count], at[0])
    difference = (maps[:count].float() / 255 - given[0]).abs()
    assert ((maps[:count] > 0) != (given[0] > 0)).float().mean() < 0.01
    assert difference.mean() < 0.02 and given.max() > 0.98


def test_one_map_and_several_go_through_the_same_encoder():
    torch.manual_seed(0)
    encoder = PlacedDepths()
    vertices, faces = box((-0.9, -0.5, -0.3), (0.9, 0.5, 0.3))
    one = prepare_one({"vertices": vertices, "faces": faces, "azimuth": 30.0, "elevation": 10.0}).tensors
    several = prepare({"vertices": vertices, "faces": faces, "views": [3, 6, 10, 26]}).tensors
    for tensors in (one, several):
        tokens, grid = encoder(*tensors)
        assert tokens.shape == (1, 64, 192) and grid.shape == (1, 64, 12, 12, 12)
    turned = [tensor[:, [2, 0, 3, 1]] for tensor in several]
    torch.testing.assert_close(encoder(*turned)[1], encoder(*several)[1], atol=1e-5, rtol=1e-4)


def test_without_a_condition_there_is_the_empty_one():
    model = Starter()
    condition = model.encode("none")
    assert torch.equal(condition.tokens, model.null_token) and not condition.grid.any()
