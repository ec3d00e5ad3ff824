"""Cutting the thing out of a picture: backgrounds, holes, dirt; and that published image models get it on black."""

import numpy as np
import pytest

from wala_blender.conditions.background import cut_out, object_in
from wala_blender.conditions.image_preprocessing import prepare_image
from wala_blender.errors import InputError


def picture(ground: int = 240, hole: int = 240) -> np.ndarray:
    """A dark frame (100, 120, 3) uint8 with a hole of some grey in it, and a speck of dirt in a corner."""
    image = np.full((100, 120, 3), ground, np.uint8)
    image[20:80, 30:90] = 60
    image[40:60, 50:70] = hole
    image[3, 3] = 0
    return image


def test_a_hole_is_seen_through_and_a_light_spot_is_not():
    _, frame = object_in(picture(hole=240))
    assert not frame[50, 60] and frame[30, 40] and not frame[3, 3]
    assert frame.sum() == 60 * 60 - 20 * 20
    _, spotted = object_in(picture(hole=230))
    assert spotted.sum() == 60 * 60, "a shade that is near the background's, but not the same"


def test_the_background_becomes_transparent():
    made = cut_out(picture())
    assert made.shape == (100, 120, 4)
    assert made[50, 35, 3] == 255 and made[5, 110, 3] == 0
    np.testing.assert_array_equal(made[..., :3], picture())


def test_a_large_picture_keeps_its_size():
    made = cut_out(picture().repeat(12, axis=0).repeat(12, axis=1))
    assert made.shape == (1200, 1440, 4) and made[600, 420, 3] == 255 and made[600, 100, 3] == 0


def test_a_published_image_model_sees_the_thing_on_black_when_asked():
    kept = prepare_image({"image": picture()}).tensors[0][0, 0]
    removed = prepare_image({"image": picture(), "background": "remove"}).tensors[0][0, 0]
    assert kept[:, 0, 0].min() > 0.8 and removed[:, 0, 0].max() == -1
    assert kept[0, 112, 60] == pytest.approx(removed[0, 112, 60])


def test_a_busy_background_is_said():
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="not of one colour"):
        prepare_image({"image": noise, "background": "remove"})
