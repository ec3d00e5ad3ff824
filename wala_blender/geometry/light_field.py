"""Light field distance of shapes (Chen, Tian, Shen and Ouhyoung 2003, "On visual similarity based 3D model retrieval").

1. The shape is centred on its bounding box and scaled so that all of it is in the unit ball.
2. Ten silhouettes, seen in parallel from the 20 corners of a dodecahedron: opposite corners see the same one, mirrored
   (section 3.1).
3. Ten such light fields, the dodecahedron turned differently for each (section 3.1: ten sets of cameras a model).
4. Of each silhouette 45 numbers, none of which a turn or mirroring of the picture changes: the magnitudes of 35 Zernike
   moments (orders up to 10 without the 0th; Khotanzad and Hong 1990), and of the first 10 Fourier coefficients of the
   contour's distance from its centroid (Zhang and Lu 2002), divided by the 0th (section 3.2).
5. The distance is the sum of absolute differences over a light field's ten silhouettes, the least over the 60 rotations
   of the dodecahedron and over all pairs of the two shapes' light fields (section 3.1, equation 1).

Moments and coefficients count in 255ths, as in the authors' 8 bits, but without their rounding; pictures are 80 pixels
wide, theirs 256. Numbers are to be compared with each other, not with those that other programs give.
"""

from functools import lru_cache

import numpy as np
from scipy.ndimage import binary_fill_holes
from scipy.spatial.transform import Rotation
from skimage.measure import find_contours

LIGHT_FIELDS, PICTURES = 10, 10
_IMAGE_SIZE = 80  # pixels of a picture over [-1, 1]
_GAPLESS = 120  # grid points along a solid's longest side that leave no gaps in a picture
_POINTS = 60_000  # of the shell, at most: more than pixels enough
_ORDER, _FOURIER, _CONTOUR = 10, 10, 128


def descriptor(solid: np.ndarray) -> np.ndarray:
    """Features (10, 10, 45) float32, of ten light fields' ten silhouettes, of a solid (R, R, R) bool that is not
    empty."""
    points = _shell(solid)
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    points = (points - center) / (np.linalg.norm(points - center, axis=1).max() + 1e-9)
    pictures = np.stack([_silhouette(points, axes) for axes in _cameras()])
    moments = np.abs(pictures.reshape(len(pictures), -1).astype(np.float32) @ _zernike())
    features = np.concatenate([moments, np.stack([_contour(picture) for picture in pictures])], 1)
    return (255 * features).reshape(LIGHT_FIELDS, PICTURES, -1).astype(np.float32)


def light_field_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of two descriptors: 0 for the same one, symmetric."""
    apart = np.abs(a[:, None, :, None] - b[None, :, None, :]).sum(
        axis=-1
    )  # light fields of a, of b, silhouettes of a, of b
    return float(apart[:, :, np.arange(PICTURES), _pairings()].sum(axis=-1).min())


def _shell(solid: np.ndarray) -> np.ndarray:
    """Coordinates (n, 3) of those grid points of a solid that have one outside beside them; of a small solid's points
    several each, so that no picture has gaps."""
    solid = solid[tuple(slice(a.min(), a.max() + 1) for a in np.nonzero(solid))]
    times = -(-_GAPLESS // max(solid.shape))
    solid = solid.repeat(times, 0).repeat(times, 1).repeat(times, 2)
    padded = np.pad(solid, 1)
    inner = solid.copy()
    for axis in range(3):
        for step in (-1, 1):
            inner &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
    points = np.argwhere(solid & ~inner).astype(np.float32)
    return points[np.random.default_rng(0).permutation(len(points))[:_POINTS]]


def _silhouette(points: np.ndarray, axes: np.ndarray) -> np.ndarray:
    at = np.clip(((points @ axes.T + 1) * (_IMAGE_SIZE / 2)).astype(int), 0, _IMAGE_SIZE - 1)
    picture = np.zeros((_IMAGE_SIZE, _IMAGE_SIZE), dtype=bool)
    picture[at[:, 0], at[:, 1]] = True
    return picture


def _corners() -> np.ndarray:
    """Unit vectors (20, 3) to a dodecahedron's corners, the second ten opposite the first."""
    golden = (1 + 5**0.5) / 2
    half = [(1, y, z) for y in (-1, 1) for z in (-1, 1)]
    for shift in range(3):
        half += [tuple(np.roll((0, 1 / golden, sign * golden), shift)) for sign in (-1, 1)]
    half = np.array(half) / 3**0.5
    return np.concatenate([half, -half])


@lru_cache(maxsize=1)
def _cameras() -> np.ndarray:
    """Right and up axes (100, 2, 3) of all light fields' cameras."""
    turns = [Rotation.identity(), *Rotation.random(LIGHT_FIELDS - 1, random_state=0)]
    axes = []
    for turn in turns:
        for direction in turn.apply(_corners()[:PICTURES]):
            right = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
            right /= np.linalg.norm(right)
            axes.append((right, np.cross(direction, right)))
    return np.array(axes)


@lru_cache(maxsize=1)
def _pairings() -> np.ndarray:
    """For each of the dodecahedron's 60 rotations, which of the ten pairs of corners each pair comes to lie on: (60,
    10)."""
    corners = _corners()
    beside = np.sort(corners @ corners.T, axis=1)[0, -2]  # cosine of an edge's angle
    first, second = corners[0], corners[np.flatnonzero(np.isclose(corners @ corners[0], beside))[0]]
    basis = np.stack([first, second, np.cross(first, second)], 1)
    pairings = []
    for target in corners:
        for neighbour in corners[np.isclose(corners @ target, beside)]:
            rotation = np.stack([target, neighbour, np.cross(target, neighbour)], 1) @ np.linalg.inv(basis)
            pairings.append(np.abs((corners[:PICTURES] @ rotation.T) @ corners[:PICTURES].T).argmax(axis=1))
    return np.array(pairings)


@lru_cache(maxsize=1)
def _zernike() -> np.ndarray:
    """Conjugate Zernike polynomials (pixels, 35) complex64, times (n + 1) / π and a pixel's area."""
    axis = (np.arange(_IMAGE_SIZE) + 0.5) * (2 / _IMAGE_SIZE) - 1
    y, x = np.meshgrid(axis, axis, indexing="ij")
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    factorial = np.cumprod([1, *range(1, _ORDER + 1)]).astype(float)
    columns = []
    for n in range(1, _ORDER + 1):
        for m in range(n % 2, n + 1, 2):
            radial = sum(
                (-1) ** s
                * factorial[n - s]
                / (factorial[s] * factorial[(n + m) // 2 - s] * factorial[(n - m) // 2 - s])
                * radius ** (n - 2 * s)
                for s in range((n - m) // 2 + 1)
            )
            columns.append(
                (radius <= 1) * radial * np.exp(-1j * m * angle) * ((n + 1) / np.pi * (2 / _IMAGE_SIZE) ** 2)
            )
    return np.stack([column.ravel() for column in columns], 1).astype(np.complex64)


def _contour(picture: np.ndarray) -> np.ndarray:
    """Magnitudes (10,) of the Fourier coefficients 1 … 10 of the longest outer contour's distances from its centroid,
    over that of the 0th."""
    line = max(find_contours(np.pad(binary_fill_holes(picture), 1).astype(float), 0.5), key=len)
    along = np.concatenate([[0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
    places = np.arange(_CONTOUR) * (along[-1] / _CONTOUR)
    even = np.stack([np.interp(places, along, line[:, axis]) for axis in (0, 1)], 1)
    spectrum = np.abs(np.fft.rfft(np.linalg.norm(even - even.mean(axis=0), axis=1)))
    return spectrum[1 : _FOURIER + 1] / max(spectrum[0], 1e-9)
