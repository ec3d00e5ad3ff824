"""Visible lines of boxes from a camera, with the irregularity of a hand. No Blender.

Picture coordinates: (right, up) divided by depth, (0, 0) in the middle of the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .inputs import CORNERS, Box

SAMPLES = 64  # points an edge
SHORTEST = 5  # samples: shorter visible parts are not drawn
GAP = 1e-4  # Blender units by which boxes are shrunk where they hide lines, so that they don't hide their own
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(CORNERS[a] - CORNERS[b]).sum() == 1]


@dataclass(frozen=True)
class Eye:
    """Upright perspective camera that looks at ``target`` from ``distance``; angles in degrees.

    Azimuth 0 looks from -Y and 90 from +X; a positive elevation looks down.
    """

    azimuth: float
    elevation: float
    distance: float
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def axes(self) -> np.ndarray:
        """(3, 3), rows: right, up and back, the unit vector from the target to the eye."""
        a, e = np.radians([self.azimuth, self.elevation])
        right = np.array([np.cos(a), np.sin(a), 0.0])
        back = np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
        return np.stack([right, np.cross(back, right), back])

    @property
    def position(self) -> np.ndarray:
        """(3,) in the world."""
        return np.asarray(self.target) + self.distance * self.axes[2]

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3) to picture coordinates (N, 2)."""
        local = (np.asarray(points, dtype=float) - self.position) @ self.axes.T
        return local[:, :2] / -local[:, 2:]

    def on_plane(self, picture: np.ndarray) -> np.ndarray:
        """Picture coordinates (N, 2) to world points (N, 3) on the plane through the target that faces the eye."""
        local = np.column_stack([picture, np.full(len(picture), -1.0)]) * self.distance
        return self.position + local @ self.axes


def edges(boxes: Sequence[Box]) -> list[np.ndarray]:
    """All twelve edges of every box, each (SAMPLES, 3)."""
    share = np.linspace(0, 1, SAMPLES)[:, None]
    lines = []
    for low, high in boxes:
        corners = np.asarray(low) + CORNERS * (np.asarray(high) - np.asarray(low))
        lines += [corners[a] + share * (corners[b] - corners[a]) for a, b in _EDGES]
    return lines


def is_hidden(points: np.ndarray, eye: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """(N,) bool: whether a box stands between the point (N, 3) and the eye (3,)."""
    hidden = np.zeros(len(points), dtype=bool)
    ray = eye - points
    with np.errstate(divide="ignore", invalid="ignore"):
        for low, high in boxes:
            near, far = (np.asarray(low) + GAP - points) / ray, (np.asarray(high) - GAP - points) / ray
            enter, leave = np.fmin(near, far).max(axis=1), np.fmax(near, far).min(axis=1)
            hidden |= (enter < leave) & (leave > 0) & (enter < 1)
    return hidden


def visible_lines(boxes: Sequence[Box], eye: Eye) -> list[np.ndarray]:
    """The visible parts of the edges, as polylines (n, 3) in the world."""
    lines = []
    for line in edges(boxes):
        seen = np.flatnonzero(~is_hidden(line, eye.position, boxes))
        runs = np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1)
        lines += [line[run] for run in runs if len(run) >= SHORTEST]
    return lines


def by_hand(
    lines: Sequence[np.ndarray], rng: np.random.Generator, waver: float = 0.006, overshoot: float = 0.012
) -> list[np.ndarray]:
    """Picture lines (n, 2) as a hand draws them: wavering and a little too long. Both amounts are shares of the
    drawing's size; a short line wavers less."""
    points = np.concatenate(lines)
    size = np.ptp(points, axis=0).max()
    drawn = []
    for line in lines:
        along = np.linspace(0, 1, len(line))[:, None]
        length = max(np.linalg.norm(line[-1] - line[0]), 1e-9)
        direction = (line[-1] - line[0]) / length
        extra = rng.uniform(-0.3, 1.0, 2) * overshoot * min(size, 4 * length)
        stretched = line + direction * (along * extra[1] - (1 - along) * extra[0])
        phases, strengths = rng.uniform(0, 2 * np.pi, (2, 3)), rng.normal(0, waver / 3, (2, 3)) * min(size, 3 * length)
        waves = sum(strengths[:, k] * np.sin(np.pi * (k + 1) * along + phases[:, k]) for k in range(3))
        drawn.append(stretched + waves)
    return drawn


def sketch(boxes: Sequence[Box], eye: Eye, seed: int = 0) -> list[np.ndarray]:
    """Strokes (n, 3) in the world, on the plane through the eye's target that faces it, as Grease Pencil lays them
    down."""
    seen = [eye.project(line) for line in visible_lines(boxes, eye)]
    return [eye.on_plane(line) for line in by_hand(seen, np.random.default_rng(seed))]
