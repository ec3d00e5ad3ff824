"""Inside and outside by points of the surface: regions of a distance field whose sign contradicts the points around
them, such as a filled tube."""

import numpy as np
from scipy.ndimage import distance_transform_edt, label

from .reconstruction import local_planes

_NEIGHBOURS = 10  # of a point, for its normal
_FLAT = 0.5  # of the plane through them: above it a point has no vote
_WIDEST_GAP = 1.3  # between points, half its width, as a multiple of the distance to the sixth neighbour
_RADII = (1.5, 1.0, 0.7, 0.5)  # of the widest gap, in the order tried: wider ones keep more regions apart
_THINNEST = 1.8  # cells: nearer to the points no cell belongs to a region
_BEHIND = 1.5  # cells behind a point, where its other side is read
_FEWEST_VOTES, _SHARE = 8, 0.7
_FARTHEST = 0.1  # of a corrected distance, model units: that of the fields that the networks know


def corrected_signs(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The field (n, n, n), positive outside, over [-1, 1]³, with the sign that points (N, 3) of the surface give to its
    regions.

    A region is connected, of one sign, and farther from every point than the points' gaps are wide. The surface passes
    through a point, so that both its sides cannot have the same sign: a region where most points at its border do is
    turned over, up to these points. Values there are distances to the nearest point, up to _FARTHEST.
    """
    n = len(field)
    if len(points) <= _NEIGHBOURS:
        return field
    cloud = _Cloud(points, n)
    field = field.copy()
    for radius in dict.fromkeys(max(share * cloud.gap, _THINNEST) for share in _RADII):
        for solid in (True, False):
            turned = _contradicted(field, cloud, radius, solid)
            field[turned] = np.minimum(cloud.distance[turned] * (2 / n), _FARTHEST) * (1 if solid else -1)
    return field


class _Cloud:
    """Points on a grid of n³ cells, in units of cells: ``at`` (N, 3), their ``normals`` (N, 3), ``has_vote`` (N,), the
    ``distance`` (n, n, n) of the cells to the nearest point, and ``gap``, half the width of the widest between points.
    """

    def __init__(self, points: np.ndarray, n: int):
        self.at = (np.asarray(points, dtype=np.float64) + 1) * (n / 2)
        self.normals, flatness, near = local_planes(self.at, _NEIGHBOURS)
        self.has_vote = flatness < _FLAT
        self.gap = _WIDEST_GAP * np.sqrt(((self.at[near[:, 6]] - self.at) ** 2).sum(1).mean())
        there = np.full((n, n, n), -1)
        there[_cells(self.at, n)] = np.arange(len(points))
        self.distance, self._occupied = distance_transform_edt(there < 0, return_indices=True)
        self._there = there

    def nearest(self, cells: tuple[np.ndarray, ...]) -> np.ndarray:
        """Index (M,) of the point that is nearest to each of M cells, to a cell."""
        return self._there[tuple(axis[cells] for axis in self._occupied)]


def _cells(at: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """Index of the cells of n³ at positions (N, 3)."""
    return tuple(np.round(at).astype(int).clip(0, n - 1).T)


def _contradicted(field: np.ndarray, cloud: _Cloud, radius: float, solid: bool) -> np.ndarray:
    """Cells (n, n, n) bool of the inside (``solid``) or the outside that belong to the other."""
    n = len(field)
    of_sign = (field < 0) == solid
    regions, count = label(of_sign & (cloud.distance > radius))
    votes, against, sides = np.zeros(count + 1), np.zeros(count + 1), []
    for side in (1, -1):
        towards = side * cloud.normals
        beside = regions[_cells(cloud.at + towards * (radius + 1), n)] * cloud.has_vote
        behind = of_sign[_cells(cloud.at - towards * _BEHIND, n)]
        votes += np.bincount(beside, minlength=count + 1)
        against += np.bincount(beside, behind, minlength=count + 1)
        sides.append((side, beside))
    wrong = (votes >= _FEWEST_VOTES) & (against > _SHARE * votes)
    wrong[[0, regions[0, 0, 0]]] = False  # cells near points, and those at the border of the grid
    turned = wrong[regions]
    if turned.any():
        facing = sum(side * wrong[beside] for side, beside in sides)
        # Up to the points: cells on the region's side of the nearest one.
        cells = np.nonzero(of_sign & (cloud.distance <= radius))
        nearest = cloud.nearest(cells)
        ahead = ((np.stack(cells, 1) - cloud.at[nearest]) * cloud.normals[nearest]).sum(1) * facing[nearest] > 0
        turned[tuple(axis[ahead] for axis in cells)] = True
    return turned
