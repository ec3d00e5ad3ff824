"""The cameras that Blender renders through are the ones that the library casts its rays from."""

import numpy as np
import pytest

from operators.scene import cameras, frames
from wala_blender.geometry.cameras import PUBLISHED, looking_at_origin
from wala_blender.geometry.distance import frame_of


@pytest.mark.parametrize("view", [3, 10, 49, 50])
def test_both_stand_in_the_same_place_and_look_the_same_way(view):
    box = np.array([[1.0, 2, 3], [5, 4, 6]])
    blender = cameras.read().matrix(view, box)
    frame = frame_of(frames.to_model(box))
    library = looking_at_origin(*PUBLISHED.direction(view), PUBLISHED.distance)
    assert np.allclose(frame.to_model(frames.to_model(blender[:3, 3])), library[:3, 3])
    assert np.allclose(frames.to_model(blender[:3, :3].T), library[:3, :3].T)


def test_lens_and_sets_are_the_same():
    read = cameras.read()
    assert np.degrees(read.field_of_view) == pytest.approx(PUBLISHED.field_of_view) and read.sets == PUBLISHED.sets
