"""Inputs of the demo: a chair to draw, a blockout of a few boxes, prompts, seeds. No Blender.

Boxes are (low, high) corners in Blender's axes (+Z up, the front towards -Y), in Blender units, standing on z = 0.
"""

import numpy as np

Box = tuple[tuple[float, float, float], tuple[float, float, float]]

PROMPT = "a mushroom"
SUBJECT = "a chair"  # the words beside the drawing
PROMPTS = ("a mug", "a chair", "a bench", "a tree", "a stool", "a car", "a sofa", "a boat", "a bottle", "a lamp")
SEEDS = {"sketch": 2, "voxels": 0, "text": 0}
CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])  # of a unit box
QUADS = np.array(
    ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
)  # of its corners, outward
AZIMUTH, ELEVATION = 30.0, 20.0  # degrees, of the eye that the chair is drawn from


def chair(
    width: float = 1.0, depth: float = 1.0, height: float = 2.0, seat: float = 0.95, thickness: float = 0.14
) -> list[Box]:
    """Four legs, a seat and a back. width, depth, height: of the whole; seat: the height of its upper side; thickness:
    of seat and legs."""
    x, y, t = width / 2, depth / 2, thickness
    legs = [((a, b, 0.0), (a + t, b + t, seat - t)) for a in (-x, x - t) for b in (-y, y - t)]
    return [*legs, ((-x, -y, seat - t), (x, y, seat)), ((-x, y - t, seat), (x, y, height))]


def blockout() -> list[Box]:
    """A sofa: a base, a back and two arms."""
    return [
        ((-1.0, -0.45, 0.0), (1.0, 0.45, 0.45)),
        ((-1.0, 0.2, 0.45), (1.0, 0.45, 1.05)),
        ((-1.0, -0.45, 0.45), (-0.75, 0.2, 0.7)),
        ((0.75, -0.45, 0.45), (1.0, 0.2, 0.7)),
    ]


def solid(boxes: list[Box]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (8 n, 3) and outward quads (6 n, 4) of n boxes."""
    low, high = (np.array(corners)[:, None] for corners in zip(*boxes))
    vertices = low + CORNERS * (high - low)
    return vertices.reshape(-1, 3), np.concatenate([QUADS + 8 * number for number in range(len(boxes))])
