"""Seats face the front, whatever their author thought; everything else stays as it is."""

import numpy as np
import pytest

from wala_blender.training.data.orientation import to_front

from .shapes import box, joined

CHAIR = joined(
    box((-0.4, -0.9, -0.5), (0.4, -0.1, 0.5)), box((-0.4, -0.1, -0.5), (0.3, 0.9, -0.35))
)  # its back at −Z, and to the left


def turned(vertices: np.ndarray, quarters: int) -> np.ndarray:
    """About +Y: +X goes to −Z."""
    for _ in range(quarters):
        vertices = vertices[:, [2, 1, 0]] * (1, 1, -1)
    return vertices


@pytest.mark.parametrize("quarters", range(4))
def test_a_chair_is_turned_to_the_front_and_not_mirrored(quarters):
    vertices, faces = CHAIR
    assert np.allclose(to_front(turned(vertices, quarters), faces, "chair"), vertices)


@pytest.mark.parametrize(("head", "mesh"), [("table", CHAIR), ("bench", box((-0.9, -0.2, -0.3), (0.9, 0.2, 0.3)))])
def test_what_is_no_seat_or_has_no_back_stays(head, mesh):
    vertices = turned(mesh[0], 1)
    assert to_front(vertices, mesh[1], head) is vertices
