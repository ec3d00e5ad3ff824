"""Camera pose and projection as plain arrays, without bpy.

Image-plane coordinates need no lens: from a perspective eye they are (right, up) divided by depth, from an orthographic
one (right, up) in world units. A crop, a shift or another focal length would only scale and move the whole picture.
"""

from dataclasses import dataclass
from math import atan2, degrees, hypot

import numpy as np

NEAREST_DEPTH = 1e-4


@dataclass(frozen=True)
class View:
    """Camera pose in Blender's world.

    Attributes: ``perspective``; ``eye`` (3,), for an orthographic view any point of the image plane; ``axes`` (3, 3),
    the rows are the unit vectors right, up and back (back points from what is seen towards the eye).
    """

    perspective: bool
    eye: np.ndarray
    axes: np.ndarray

    @classmethod
    def from_matrix(cls, world: np.ndarray, perspective: bool) -> "View":
        """A camera's (4, 4) world matrix, which looks along its own -Z; a scale in it is dropped, the directions
        stay."""
        world = np.asarray(world, dtype=np.float64)
        axes = world[:3, :3].T
        return cls(perspective, world[:3, 3].copy(), axes / np.linalg.norm(axes, axis=1, keepdims=True))

    @classmethod
    def from_plain(cls, plain: dict) -> "View":
        """The inverse of :meth:`to_plain`."""
        return cls(bool(plain["perspective"]), np.asarray(plain["eye"], float), np.asarray(plain["axes"], float))

    def to_plain(self) -> dict:
        """As JSON can hold it."""
        return {"perspective": self.perspective, "eye": self.eye.tolist(), "axes": self.axes.tolist()}

    def camera_space(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3) to (right, up, depth), depth growing away from the eye."""
        local = (np.asarray(points, dtype=np.float64) - self.eye) @ self.axes.T
        local[:, 2] *= -1.0
        return local

    def world_space(self, point: np.ndarray) -> np.ndarray:
        """One (right, up, depth) to a world point (3,)."""
        right, up, depth = point
        return self.eye + np.array([right, up, -depth]) @ self.axes

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3) to image-plane coordinates (N, 2), x right and y up."""
        return self.flatten(self.camera_space(points))

    def flatten(self, local: np.ndarray) -> np.ndarray:
        """(N, 3) of :meth:`camera_space` to image-plane coordinates (N, 2)."""
        if not self.perspective:
            return local[:, :2]
        return local[:, :2] / np.maximum(local[:, 2:], NEAREST_DEPTH)

    def towards_eye(self, point: np.ndarray) -> np.ndarray:
        """The unit vector (3,) from a world point to the eye."""
        if not self.perspective:
            return self.axes[2]
        direction = self.eye - point
        return direction / np.linalg.norm(direction)

    def aimed_at(self, point: np.ndarray) -> "View":
        """The same eye, turned upright and aimed at a world point.

        A drawing at the edge of a wide picture, or from a tilted camera, becomes an upright, centred picture as in the
        models' training data. Looking straight up or down, where upright is undefined, this view's own right axis is
        kept.
        """
        back = self.towards_eye(np.asarray(point, dtype=np.float64))
        right = np.array([-back[1], back[0], 0.0])
        if np.linalg.norm(right) < 1e-3:
            right = self.axes[0] - (self.axes[0] @ back) * back
        right = right / np.linalg.norm(right)
        return View(self.perspective, self.eye, np.stack([right, np.cross(back, right), back]))

    def angles(self) -> tuple[float, float]:
        """(azimuth, elevation) in degrees of an upright view. Azimuth 0 looks from -Y, 90 from +X; elevation is
        positive from above."""
        right, back = self.axes[0], self.axes[2]
        return degrees(atan2(right[1], right[0])), degrees(atan2(back[2], hypot(back[0], back[1])))


def orthographic(azimuth: float, elevation: float = 0.0) -> View:
    """The orthographic view of the origin from these angles, in degrees: (0, 0) is Blender's front view, (90, 0) the
    right one."""
    a, e = np.radians([azimuth, elevation])
    right = np.array([np.cos(a), np.sin(a), 0.0])
    back = np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
    return View(False, np.zeros(3), np.stack([right, np.cross(back, right), back]))


def bounds(points: np.ndarray) -> np.ndarray:
    """(N, D) to (2, D): the lowest and the highest corner of the box round the points."""
    return np.stack([points.min(axis=0), points.max(axis=0)])
