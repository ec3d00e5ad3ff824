"""Pictures made ready for the published image encoders: depth maps of known solids, and what happens to pixels on the
way."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import box, joined, sphere

from wala_blender.conditions.image_preprocessing import (
    mesh_pictures,
    prepare_depth,
    prepare_depths,
    prepare_image,
    prepare_sketch,
    prepare_views,
)
from wala_blender.errors import InputError
from wala_blender.geometry.cameras import PUBLISHED, looking_at_origin, towards_eye
from wala_blender.geometry.depth import depth_maps, depth_picture

CAMERAS = Path(__file__).parent / "data" / "published_cameras.csv"
# A slab with a post on its +X side and a ball on its +Z side: no two directions show the same.
LOPSIDED = joined(
    box((-0.9, -0.9, -0.9), (0.9, -0.6, 0.9)),
    box((0.6, -0.6, -0.2), (0.9, 0.9, 0.2)),
    sphere(0.25, (0, -0.3, 0.6), rings=16),
)


def pictures(prepared) -> np.ndarray:
    """(V, 224, 224) of 0 … 255, all three channels the same."""
    images = prepared.tensors[0][0]
    assert (
        images.dtype == torch.float32 and images.shape[1:] == (3, 224, 224) and images.min() >= -1 and images.max() <= 1
    )
    assert torch.equal(images[:, 0], images[:, 1]) and torch.equal(images[:, 0], images[:, 2])
    return ((images[:, 0] + 1) * 127.5).numpy()


def noise(*shape) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_the_cameras_are_the_published_ones():
    with CAMERAS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 55
    assert [(float(row["azimuth_degrees"]), float(row["elevation_degrees"])) for row in rows] == list(PUBLISHED.views)


def test_azimuth_turns_from_the_front_to_the_right_and_elevation_rises():
    assert np.allclose(
        [towards_eye(0, 0), towards_eye(90, 0), towards_eye(0, 90)], [(0, 0, 1), (1, 0, 0), (0, 1, 0)], atol=1e-12
    )
    camera = looking_at_origin(90, 30, 2.0)
    right, up, back, eye = camera[:3].T
    assert np.allclose(right, (0, 0, -1), atol=1e-12) and up[1] > 0.8 and np.allclose(eye, 2 * back)
    assert np.linalg.det(camera[:3, :3]) == pytest.approx(1)
    assert [PUBLISHED.nearest(*PUBLISHED.direction(view)) for view in (3, 26, 50)] == [3, 26, 50]


def test_the_depth_of_a_ball_is_exact():
    depth = depth_maps(*sphere(0.9, rings=96), [looking_at_origin(40, -20, 4.0)], 30.0, 65)[0]
    assert depth[32, 32] == pytest.approx(4 - 0.9, abs=1e-3)
    # The outline of a ball is where rays touch it: sin(angle) = radius / distance.
    radius = np.isfinite(depth[32]).sum() / 65 * np.tan(np.radians(15))
    assert radius == pytest.approx(np.tan(np.arcsin(0.9 / 4)), abs=0.01)
    steps = ((np.arange(65) + 0.5) / 65 * 2 - 1) * np.tan(np.radians(15))
    direction = np.array([steps[40], -steps[20], -1])  # the ray of row 20, column 40
    a, b, c = direction @ direction, -4 * direction[2], 16 - 0.81
    assert depth[20, 40] == pytest.approx((b - np.sqrt(b * b - a * c)) / a, abs=1e-3)


def test_every_view_shows_all_of_the_largest_shape():
    cameras = [looking_at_origin(*view, PUBLISHED.distance) for view in PUBLISHED.views]
    seen = np.isfinite(depth_maps(*box((-0.9,) * 3, (0.9,) * 3), cameras, PUBLISHED.field_of_view, 64))
    assert not (seen[:, 0] | seen[:, -1] | seen[:, :, 0] | seen[:, :, -1]).any()


def test_near_is_white_and_far_and_nothing_are_black():
    assert depth_picture(np.array([[2.0, 3.0], [4.0, np.inf]])).tolist() == [[255, 128], [0, 0]]
    assert (
        depth_picture(np.array([[2.0, np.inf]])).tolist() == [[255, 0]]
        and not depth_picture(np.full((2, 2), np.inf)).any()
    )


def test_each_view_sees_the_lopsided_shape_from_its_side():
    front, right, back, left = mesh_pictures(*LOPSIDED, [(0, 20), (90, 20), (180, 20), (270, 20)])[0]

    def post(picture):  # where the shape's upper part is, left … right, and how light
        rows, columns = np.nonzero(picture[:118])
        return columns.mean() / 256, picture[rows, columns].mean()

    assert post(front)[0] > 0.6 and post(back)[0] < 0.4
    assert post(right)[0] == pytest.approx(0.5, abs=0.03) and post(left)[0] == pytest.approx(0.5, abs=0.03)
    assert post(right)[1] > post(left)[1] + 80  # on the near side; on the far one


def test_maps_of_a_mesh_come_with_their_views_and_its_frame():
    vertices, faces = LOPSIDED
    prepared = prepare_depths({"vertices": vertices * 3 + (10, 0, 0), "faces": faces, "views": list(PUBLISHED.sets[6])})
    again = prepare_depths({"vertices": vertices, "faces": faces, "views": PUBLISHED.sets[6]})
    assert prepared.tensors[1].tolist() == [[3, 6, 10, 26, 49, 50]] and prepared.tensors[1].dtype == torch.int64
    assert np.allclose(pictures(prepared), pictures(again), atol=2) and len(pictures(again)) == 6
    assert np.allclose(prepared.frame.center, (10, 0, 0)) and prepared.frame.scale == pytest.approx(1 / 3)


def test_one_map_of_a_mesh_has_the_nearest_cameras_index():
    vertices, faces = LOPSIDED
    prepared = prepare_depth({"vertices": vertices, "faces": faces, "azimuth": 231.0, "elevation": 13.0})
    assert prepared.tensors[1].tolist() == [[10]]
    given = prepare_depth({"image": mesh_pictures(vertices, faces, [(231.0, 13.0)])[0][0]})
    assert np.array_equal(pictures(given), pictures(prepared)) and given.frame is None


def test_maps_of_files_are_stretched_and_pictures_are_not():
    dim = (noise(300, 300) // 4 + 20).astype(np.uint8)
    assert pictures(prepare_depths({"images": [dim] * 4})).max() > 200
    prepared = prepare_views({"images": [dim] * 4})
    assert pictures(prepared).max() < 90 and prepared.tensors[1].tolist() == [[3, 6, 10, 26]]
    assert prepare_views({"images": [dim] * 4, "views": [0, 6, 10, 26]}).tensors[1].tolist() == [[0, 6, 10, 26]]


def test_a_picture_is_scaled_and_its_middle_cut_out():
    image = np.zeros((448, 896, 3), np.uint8)
    image[:, 224:672, 0], image[:, :224, 1], image[:, 672:, 1] = 200, 255, 255
    images = prepare_image({"image": image}).tensors[0][0, 0]
    # The two green quarters at the sides fall away.
    assert torch.allclose(images[0, :, 3:-3], torch.tensor(200 / 127.5 - 1)) and (images[1, :, 3:-3] == -1).all()


def test_a_large_picture_is_averaged_and_a_small_one_is_smooth():
    fine = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (448, 448))
    assert np.ptp(pictures(prepare_image({"image": fine}))[0, 4:-4, 4:-4]) < 1
    small = np.zeros((8, 8), np.uint8)
    small[4:] = 255
    assert len(np.unique(pictures(prepare_image({"image": small}))[0, :, 100])) > 10


def test_transparent_is_black_for_a_picture_and_white_for_a_drawing():
    image = np.zeros((224, 224, 4), np.uint8)
    image[100:110] = (30, 30, 30, 255)
    assert pictures(prepare_image({"image": image}))[0][[10, 105], 50] == pytest.approx([0, 30])
    assert pictures(prepare_sketch({"image": image}))[0][[10, 105], 50] == pytest.approx(
        [255, 0]
    )  # ink at its full contrast


def test_drawings_are_dark_on_white_whatever_they_come_as():
    lines = [np.array([(0, 0), (2, 0), (2, 1.0)]), np.array([(0, 0), (0, 1.0)])]
    drawn = pictures(prepare_sketch({"polylines": lines}))[0]
    assert drawn.min() < 20 and np.median(drawn) == 255 and drawn[0].min() == 255
    paper = np.full((120, 240), 255, np.uint8)
    paper[60:63, 2:238] = 0
    for image in (paper, 255 - paper):  # chalk on slate is turned round
        made = pictures(prepare_sketch({"image": image}))[0]
        assert (
            np.median(made) == pytest.approx(255)
            and made[111:114].min() < 60
            and made[:105].min() == pytest.approx(255)
        )
        assert (made[112] < 200).sum() > 215  # nothing of the long line is cut off


@pytest.mark.parametrize(
    ("prepare", "inputs", "words"),
    [
        (prepare_image, {"image": noise(3, 3)}, "at least 8"),
        (prepare_image, {"image": noise(20, 20, 2)}, "at least 8"),
        (prepare_image, {"image": noise(20, 20), "views": [55]}, "no view 55"),
        (prepare_image, {"image": noise(20, 20), "views": [1, 2]}, "1 pictures and 2"),
        (prepare_sketch, {"image": np.full((20, 20), 255, np.uint8)}, "shows no lines"),
        (prepare_sketch, {"polylines": []}, "empty"),
        (prepare_depth, {"image": np.full((20, 20), 9, np.uint8)}, "is 9 everywhere"),
        (prepare_depth, {"image": noise(20, 20), "azimuth": 3.0}, "azimuth goes with"),
        (prepare_depths, {"images": [noise(20, 20)] * 5}, "there are 5 pictures, expected 4 or 6"),
        (prepare_depths, {"images": [noise(20, 20)] * 4, "views": [3, 6]}, "4 pictures and 2"),
        (prepare_views, {"images": [noise(20, 20)] * 4, "views": [3, 6, 10, -1]}, "no view -1"),
    ],
)
def test_unusable_pictures(prepare, inputs, words):
    with pytest.raises(InputError, match=words):
        prepare(inputs)
