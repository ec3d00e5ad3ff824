"""Cameras of the published models, from the library's cameras.json, in Blender's axes. No bpy."""

import json
from dataclasses import dataclass
from math import radians
from pathlib import Path

import numpy as np

from .camera_pose import orthographic

FILE = Path(__file__).resolve().parents[2] / "wala_blender" / "geometry" / "cameras.json"
FILLED = 0.9  # half of a shape's longest side, in the unit of the cameras' distance


@dataclass(frozen=True)
class Cameras:
    """``views``: (azimuth, elevation) in degrees by view index; ``field_of_view`` in radians; ``distance`` of the eye
    in model units.

    ``sets``: the view indices of the models that take as many pictures.
    """

    views: tuple[tuple[float, float], ...]
    sets: dict[int, tuple[int, ...]]
    field_of_view: float
    distance: float

    def matrix(self, index: int, box: np.ndarray) -> np.ndarray:
        """The world matrix (4, 4) of the camera of a view index, as it looks at what is in the box (2, 3)."""
        axes = orthographic(*self.views[index]).axes
        matrix = np.eye(4)
        matrix[:3, :3] = axes.T
        matrix[:3, 3] = box.mean(axis=0) + axes[2] * self.reach(box)
        return matrix

    def reach(self, box: np.ndarray) -> float:
        """How far from the middle of the box the eye is, in the world's units."""
        return self.distance * float(np.max(box[1] - box[0])) / 2 / FILLED


def read() -> Cameras:
    """The cameras of the file."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    sets = {int(count): tuple(views) for count, views in document["sets"].items()}
    return Cameras(tuple(map(tuple, document["views"])), sets, radians(document["field_of_view"]), document["distance"])
