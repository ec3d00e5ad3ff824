"""Points of a surface that colours are chosen at, and what of them a picture shows."""

from dataclasses import dataclass
from functools import cached_property

import igl
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..geometry.cameras import looking_at_origin
from ..geometry.distance import frame_of
from ..geometry.metrics import sample_surface
from ..geometry.topology import face_normals

POINTS = 24_576
NEIGHBOURS = 12  # of a point, itself among them
SPECK = 250  # points: a smaller region of one class takes its surroundings'
_NORMAL_LENGTH = 0.04  # of the normals as further coordinates: the two sides of a sheet are not neighbours
_CREASE_POWER, _LEAST_COSINE = 16, 0.02  # neighbours that face apart count the cosine between them to this power
_FACE_DISTANCE = 0.015  # at which a point counts 1/e for a face's middle
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

    def smoothed(self, values: np.ndarray, rounds: int) -> np.ndarray:
        """Values (N, C) diffused along the surface, hardly across creases: ``rounds`` times the mean of a point and its
        neighbours."""
        for _ in range(rounds):
            values = self._weights @ values
        return values

    def without_specks(self, values: np.ndarray) -> np.ndarray:
        """Values (N, C) of classes, of which regions smaller than SPECK points take those of the points around them."""
        labels, graph = values.argmax(axis=1), self._weights.tocoo()
        same = labels[graph.row] == labels[graph.col]
        edges = graph.row[same], graph.col[same]
        _, regions = connected_components(
            sparse.csr_matrix((np.ones(same.sum()), edges), shape=graph.shape), directed=False
        )
        specks = np.bincount(regions)[regions] < SPECK
        if specks.all() or not specks.any():
            return values
        tree = cKDTree(self._places[~specks])
        values = values.copy()
        values[specks] = values[~specks][tree.query(self._places[specks])[1]]
        return values

    def at_faces(self, values: np.ndarray) -> np.ndarray:
        """Weighted means (F, C) of values (N, C) of the points around every face's middle."""
        middles = self.vertices[self.faces].mean(axis=1)
        normals = face_normals(self.vertices, self.faces)[0]
        places = np.concatenate([middles, _NORMAL_LENGTH * normals], axis=1)
        distances, near = self._tree.query(places, NEIGHBOURS)
        weights = np.exp(-((distances / _FACE_DISTANCE) ** 2)) + 1e-9
        return np.einsum("fk,fkc->fc", weights, values[near]) / weights.sum(axis=1, keepdims=True)

    @cached_property
    def _places(self) -> np.ndarray:
        return np.concatenate([self.points, _NORMAL_LENGTH * self.normals], axis=1)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self._places)

    @cached_property
    def _weights(self) -> sparse.csr_matrix:
        """How much every neighbour counts for a point (N, N): each row sums to 1."""
        near = self._tree.query(self._places, NEIGHBOURS)[1]
        cosines = np.einsum("nkc,nc->nk", self.normals[near], self.normals)
        weights = np.clip(cosines, _LEAST_COSINE, 1) ** _CREASE_POWER
        rows = np.repeat(np.arange(len(near)), NEIGHBOURS)
        graph = sparse.csr_matrix((weights.ravel(), (rows, near.ravel())), shape=(len(near), len(near)))
        graph = graph + graph.T
        return sparse.diags(1 / np.asarray(graph.sum(axis=1)).ravel()) @ graph


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
