"""Cameras of the published models: direction and matrix of each view index.

The directions are the published ones. Lens and distance are not published; the ones here show every shape whole,
whatever its proportions. Blender renders through the same cameras, read from the same cameras.json.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Cameras:
    """``views``: (azimuth, elevation) in degrees by view index; ``field_of_view`` in degrees; ``distance`` of the eye
    in model units.

    ``sets``: the view indices of the models that take as many pictures.
    """

    views: tuple[tuple[float, float], ...]
    sets: Mapping[int, tuple[int, ...]]
    field_of_view: float
    distance: float

    def direction(self, index: int) -> tuple[float, float]:
        """Azimuth and elevation in degrees of a view index. Raises InputError for one there is not."""
        if not 0 <= index < len(self.views):
            raise InputError(f"there is no view {index}", f"Views are numbered from 0 to {len(self.views) - 1}")
        return self.views[index]

    def nearest(self, azimuth: float, elevation: float) -> int:
        """The view index that looks from nearest to these angles, in degrees."""
        eyes = np.array([towards_eye(*view) for view in self.views])
        return int(np.argmax(eyes @ towards_eye(azimuth, elevation)))


def towards_eye(azimuth: float, elevation: float) -> np.ndarray:
    """Unit vector (3,) in model axes, from the origin. Azimuth 0 is +Z, 90 is +X; elevation is positive from above
    (+Y); degrees."""
    a, e = math.radians(azimuth), math.radians(elevation)
    return np.array([math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)])


def looking_at_origin(azimuth: float, elevation: float, distance: float) -> np.ndarray:
    """Camera-to-world matrix (4, 4) of an upright camera: columns right, up, towards the eye, eye, in model axes.

    Straight from above or below, right is what it is just before.
    """
    a = math.radians(azimuth)
    back, right = towards_eye(azimuth, elevation), np.array([math.cos(a), 0.0, -math.sin(a)])
    matrix = np.eye(4)
    matrix[:3] = np.stack([right, np.cross(back, right), back, back * distance], axis=1)
    return matrix


def _read(path: Path) -> Cameras:
    document = json.loads(path.read_text(encoding="utf-8"))
    sets = {int(count): tuple(views) for count, views in document["sets"].items()}
    return Cameras(tuple(map(tuple, document["views"])), sets, document["field_of_view"], document["distance"])


PUBLISHED = _read(Path(__file__).with_name("cameras.json"))
