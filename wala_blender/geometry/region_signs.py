"""Inside and outside by points of the surface: regions of a distance field whose sign contradicts the points around
them, such as a filled tube."""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import distance_transform_edt, label

from .reconstruction import local_planes

_NEIGHBOURS = 10  # of a point, for its normal
_FLAT = 0.5  # of the plane through them: above it a point has no vote
_WIDEST_GAP = 1.3  # between points, half its width, as a multiple of the distance to the sixth neighbour
_RADII = (1.0, 1.25, 1.5, 0.7, 0.5)  # of the widest gap, in the order tried: wider ones keep more regions apart
_THINNEST = 1.8  # cells: nearer to the points no cell belongs to a region
_BEHIND = 1.5  # cells behind a point, where its other side is read
_FEWEST_VOTES, _SHARE = 8, 0.7
_GAIN = 0.5  # points, as a share of the votes, that a correction must bring between inside and outside
_FARTHEST = 0.1  # of a corrected distance, model units: that of the fields that the networks know


def corrected_signs(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The field (n, n, n), positive outside, over [-1, 1]³, with the sign that points (N, 3) of the surface give to its
    regions.

    A region is connected, of one sign, and farther from every point than the points' gaps are wide. The surface passes
    through a point, so that both its sides cannot have the same sign: a region where most points at its border do is
    turned over, up to these points, if that brings most of them between inside and outside. Values there are distances
    to the nearest point, up to _FARTHEST.
    """
    n = len(field)
    if len(points) <= _NEIGHBOURS:
        return field
    cloud = _Cloud(points, n)
    agreeing = cloud.agreeing(field)
    for radius in dict.fromkeys(max(share * cloud.gap, _THINNEST) for share in _RADII):
        for solid in (True, False):
            values = np.minimum(cloud.distance * (2 / n), _FARTHEST).astype(field.dtype) * (1 if solid else -1)
            for turned, votes in _contradicted(field, cloud, radius, solid):
                corrected = np.where(turned, values, field)
                if (agreeing_then := cloud.agreeing(corrected)) > agreeing + _GAIN * votes:
                    field, agreeing = corrected, agreeing_then
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

    def sides(self, step: float) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """Index of the cells that lie ``step`` cells before and behind each point."""
        n = len(self.distance)
        return _cells(self.at + step * self.normals, n), _cells(self.at - step * self.normals, n)

    def agreeing(self, field: np.ndarray) -> int:
        """Number of points, of those with a vote, at whose sides the field has different signs."""
        before, behind = (field[cells] < 0 for cells in self.sides(_BEHIND))
        return int(((before != behind) & self.has_vote).sum())

    def nearest(self, cells: tuple[np.ndarray, ...]) -> np.ndarray:
        """Index (M,) of the point that is nearest to each of M cells, to a cell."""
        return self._there[tuple(axis[cells] for axis in self._occupied)]


def _cells(at: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """Index of the cells of n³ at positions (N, 3)."""
    return tuple(np.round(at).astype(int).clip(0, n - 1).T)


def _contradicted(field: np.ndarray, cloud: _Cloud, radius: float, solid: bool) -> Iterator[tuple[np.ndarray, int]]:
    """Regions (n, n, n) bool of the inside (``solid``) or the outside that seem to belong to the other, each with the
    number of votes on it."""
    of_sign = (field < 0) == solid
    regions, count = label(of_sign & (cloud.distance > radius))
    beside = [regions[cells] * cloud.has_vote for cells in cloud.sides(radius + 1)]
    behind = [of_sign[cells] for cells in reversed(cloud.sides(_BEHIND))]
    votes, against = np.zeros(count + 1), np.zeros(count + 1)
    for region, same in zip(beside, behind, strict=True):
        votes += np.bincount(region, minlength=count + 1)
        against += np.bincount(region, same, minlength=count + 1)
    wrong = (votes >= _FEWEST_VOTES) & (against > _SHARE * votes)
    wrong[[0, regions[0, 0, 0]]] = False  # cells near points, and those at the border of the grid
    if wrong.any():
        between = np.nonzero(of_sign & (cloud.distance <= radius))
        nearest = cloud.nearest(between)
        height = ((np.stack(between, 1) - cloud.at[nearest]) * cloud.normals[nearest]).sum(1)
    for number in np.flatnonzero(wrong):
        turned = regions == number
        # Up to the points: cells on the region's side of the nearest one.
        facing = (beside[0] == number).astype(int) - (beside[1] == number)
        ahead = height * facing[nearest] > 0
        turned[tuple(axis[ahead] for axis in between)] = True
        yield turned, int(votes[number])
