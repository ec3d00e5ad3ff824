"""Points of a surface that colours are chosen at, and what of them a picture shows."""

from dataclasses import dataclass

import igl
import numpy as np
from scipy.spatial import cKDTree

from ..geometry.cameras import looking_at_origin
from ..geometry.distance import frame_of
from ..geometry.metrics import sample_surface
from ..geometry.topology import face_normals

POINTS = 24_576
NEIGHBOURS = 8  # that a point's choice is averaged with
_NORMAL_LENGTH = 0.04  # of the normals as further coordinates: the two sides of a sheet are not neighbours
_FACE_NEIGHBOURS = 3
_LIFT = 2e-3  # from the surface, of a ray towards the eye


@dataclass(frozen=True)
class ColourPoints:
    """``points`` (N, 3) float32 of a shape with longest side 1 around 0, on faces ``owners`` (N,), unit ``normals`` (N,
    3)."""

    vertices: np.ndarray
    faces: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    owners: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, faces: np.ndarray, seed: int = 0) -> "ColourPoints":
        """Points of a mesh (V, 3), (F, 3), +Y up. Raises InputError as frame_of."""
        frame = frame_of(vertices)
        own = np.asarray(vertices, np.float64) - frame.center
        own = own / max(float(np.ptp(own, axis=0).max()), 1e-12)
        points, owners = sample_surface(own, faces, POINTS, np.random.default_rng(seed), with_faces=True)
        normals = face_normals(own, faces)[0][owners]
        return cls(own, faces, points.astype(np.float32), normals.astype(np.float32), owners)

    def smoothed(self, values: np.ndarray) -> np.ndarray:
        """Values (N, C) averaged over the nearest points that face alike."""
        return values[self._tree.query(self._places, NEIGHBOURS)[1]].mean(axis=1)

    def at_faces(self, values: np.ndarray) -> np.ndarray:
        """Means (F, C) of values (N, C) of the points nearest to every face's middle."""
        middles = self.vertices[self.faces].mean(axis=1)
        normals = face_normals(self.vertices, self.faces)[0]
        places = np.concatenate([middles, _NORMAL_LENGTH * normals], axis=1)
        return values[self._tree.query(places, _FACE_NEIGHBOURS)[1]].mean(axis=1)

    @property
    def _places(self) -> np.ndarray:
        return np.concatenate([self.points, _NORMAL_LENGTH * self.normals], axis=1)

    @property
    def _tree(self) -> cKDTree:
        if "tree" not in self.__dict__:
            self.__dict__["tree"] = cKDTree(self._places)
        return self.__dict__["tree"]


def seen_in_picture(surface: ColourPoints, elevation: float) -> tuple[np.ndarray, np.ndarray]:
    """Which points (N,) an eye in front (+Z) at an elevation in degrees sees, and where in the shape's bounding
    rectangle: (N, 2), 0 … 1 from the left and from the top."""
    camera = looking_at_origin(0.0, elevation, 1.0)[:3, :3]
    places, outline = surface.points @ camera, surface.vertices @ camera
    low, high = outline.min(axis=0), outline.max(axis=0)
    across = (places[:, :2] - low[:2]) / np.maximum(high[:2] - low[:2], 1e-9)
    towards = camera[:, 2]
    facing = surface.normals @ towards > 0.05
    tree = igl.AABB()
    tree.init(np.asfortranarray(surface.vertices), np.asfortranarray(surface.faces.astype(np.int64)))
    starts = (surface.points + _LIFT * surface.normals + _LIFT * towards).astype(np.float64)
    hit, _, _ = tree.intersect_ray_first(
        np.asfortranarray(surface.vertices),
        np.asfortranarray(surface.faces.astype(np.int64)),
        np.asfortranarray(starts),
        np.asfortranarray(np.broadcast_to(towards, starts.shape)),
    )
    return facing & (np.asarray(hit).ravel() < 0), np.stack([across[:, 0], 1 - across[:, 1]], axis=1)
