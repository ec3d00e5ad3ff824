"""Pictures of captured inputs as the library makes them, in numpy alone: line pictures, depth maps, cells, points.

The library's own are made in the worker, from the same arrays; tests compare both.
"""

import math

import numpy as np

PICTURE = 128  # pixels of a side
FILL = 0.9  # of a line picture's side: the drawing's longest
LINE_WIDTH = 1.6  # pixels
CELLS = 16  # along an axis; they fill [-1, 1]³
MODEL_SIZE = 1.8  # longest side of a shape in model space
POINTS = 2048  # of a cloud that are shown
_GRID = 256  # places along an axis that decide on a cell
_STEP, _FIRST = (
    4,
    1.52,
)  # of them, between the columns that are looked at, and the first: none lies on an edge of a cube
_MOST_PAIRS = 1_000_000  # of a triangle and a pixel that are looked at together
_FAST_PAIRS = 300_000  # of a depth map, above which it is half as large


def line_picture(points: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Line picture (PICTURE, PICTURE) float32, lines 1 on 0, of polylines: points (N, 2), x right and y up; offsets
    (L + 1,), where each begins."""
    low, high = points.min(axis=0), points.max(axis=0)
    scale = FILL * PICTURE / max(float((high - low).max()), 1e-12)
    return drawn_lines((points - (low + high) / 2) * (scale, -scale) + PICTURE / 2, offsets)


def drawn_lines(at: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Picture (PICTURE, PICTURE) float32, lines 1 on 0, of polylines whose points (N, 2) are pixels, y down."""
    firsts = np.delete(np.arange(len(at) - 1), offsets[1:-1] - 1) if len(at) > 1 else np.zeros(0, int)
    steps = np.maximum(np.ceil(np.abs(at[firsts + 1] - at[firsts]).max(axis=1) * 2), 1).astype(int)
    numbers = np.repeat(np.arange(len(firsts)), steps)
    share = (np.arange(len(numbers)) - np.repeat(np.cumsum(steps) - steps, steps)) / steps[numbers]
    start, end = at[firsts[numbers]], at[firsts[numbers] + 1]
    samples = np.concatenate([start + (end - start) * share[:, None], at[offsets[1:] - 1]])
    picture = np.zeros((PICTURE, PICTURE), np.float32)
    pixel = np.floor(samples).astype(int)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            place = pixel + (right, down)
            inside = ((place >= 0) & (place < PICTURE)).all(axis=1)
            away = np.linalg.norm(place + 0.5 - samples, axis=1)
            ink = np.clip(LINE_WIDTH / 2 + 0.5 - away, 0, 1).astype(np.float32)
            np.maximum.at(picture, (place[inside, 1], place[inside, 0]), ink[inside])
    return picture


def depth_picture(
    vertices: np.ndarray, faces: np.ndarray, azimuth: float, elevation: float, field_of_view: float, distance: float
) -> np.ndarray:
    """Depth map (PICTURE, PICTURE) float32, the nearest 1 and nothing 0, of a mesh in the model's axes, as a camera
    sees it that looks at its middle. azimuth, elevation in degrees; field_of_view in radians; distance in the unit of
    model space."""
    right, up, back = _axes(azimuth, elevation)
    local = _to_model_space(vertices) @ np.stack([right, up, back], axis=1)
    depth = distance - local[:, 2]
    plane = (local[:, :2] / depth[:, None] * (1, -1) / math.tan(field_of_view / 2) + 1) / 2
    is_large = _boxes(plane[faces] * PICTURE - 0.5, PICTURE)[1].prod(axis=1).sum() > _FAST_PAIRS
    side = PICTURE // 2 if is_large else PICTURE
    at = plane * side - 0.5
    nearest = np.zeros(side * side)  # of 1 / depth, which is linear in the picture
    for chosen in _chunks(at[faces], side):
        numbers, columns, rows, weights = _covered(at[faces[chosen]], side)
        inverse = (weights / depth[faces[chosen]][numbers]).sum(axis=1)
        np.maximum.at(nearest, rows * side + columns, inverse)
    seen = nearest > 0
    picture = np.zeros(len(nearest), np.float32)
    if seen.any():
        depths = 1 / nearest[seen]
        near, far = depths.min(), depths.max()
        picture[seen] = (far - depths) / (far - near) if far > near else 1.0
    return picture.reshape(side, side).repeat(PICTURE // side, axis=0).repeat(PICTURE // side, axis=1)


def cells_of(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Solid cells (CELLS,)*3 bool of a closed mesh in the model's axes, fitted into model space: those with a sample
    inside. Inside are places that faces wind around, or that lie behind an odd number of faces."""
    at = (_to_model_space(vertices) + 1) * (_GRID / 2)  # samples at whole numbers, as the library's distance field
    at[:, :2] = (at[:, :2] - _FIRST) / _STEP
    columns = _GRID // _STEP
    owners, heights, signs = [], [], []
    for chosen in _chunks(at[faces][..., :2], columns):
        corners = at[faces[chosen]]
        numbers, x, y, weights = _covered(corners[..., :2], columns)
        edges = corners[:, 1:, :2] - corners[:, :1, :2]
        sign = np.sign(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
        owners.append(x * columns + y)
        heights.append((weights * corners[numbers, :, 2]).sum(axis=1))
        signs.append(sign[numbers].astype(int))
    owner, height, sign = (np.concatenate(parts) for parts in (owners, heights, signs))
    order = np.lexsort((height, owner))
    owner, height, sign = owner[order], height[order], sign[order]
    # After each crossing of a column: how often faces wind around, and how many are behind.
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    number = np.arange(len(owner)) - np.repeat(begins, np.diff(np.append(begins, len(owner))))
    total = np.cumsum(sign)
    winding = total - np.repeat((total - sign)[begins], np.diff(np.append(begins, len(owner))))
    goes_on = np.append(owner[1:] == owner[:-1], False)[: len(owner)]
    inside = np.flatnonzero(goes_on & ((winding != 0) | (number % 2 == 0)))
    first = np.floor(height[inside]).astype(int) + 1
    last = np.ceil(height[inside + 1]).astype(int) - 1
    kept = last >= first
    side = _GRID // CELLS
    filled = np.zeros((columns * columns, CELLS + 1), np.int32)
    np.add.at(filled, (owner[inside[kept]], np.clip(first[kept] // side, 0, CELLS)), 1)
    np.add.at(filled, (owner[inside[kept]], np.clip(last[kept] // side + 1, 0, CELLS)), -1)
    block = columns // CELLS
    solid = (filled.cumsum(axis=1)[:, :-1] > 0).reshape(CELLS, block, CELLS, block, CELLS)
    return solid.any(axis=(1, 3))


def cell_lines(cells: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Edges (E, 2, 3) of the outer faces of cells, in the coordinates of the vertices (V, 3) whose mesh they fill."""
    padded = np.pad(cells, 1)
    found = []
    for axis in range(3):
        for side in (0, 1):
            outer = cells & ~np.roll(padded, 1 - 2 * side, axis)[1:-1, 1:-1, 1:-1]
            place = np.argwhere(outer)
            place[:, axis] += side
            one, other = (np.eye(3, dtype=int)[(axis + turn) % 3] for turn in (1, 2))
            square = [place, place + one, place + one + other, place + other]
            found += [np.stack(pair, axis=1) for pair in zip(square, square[1:] + square[:1])]
    lines = np.sort(np.concatenate(found) @ [CELLS**4, CELLS**2, 1], axis=1)  # one number a corner
    lines = np.unique(lines, axis=0)
    corners = np.stack([lines // CELLS**4, lines // CELLS**2 % CELLS**2, lines % CELLS**2], axis=-1)
    center, scale = _frame(vertices)
    return (corners * (2 / CELLS) - 1) / scale + center


def point_lines(points: np.ndarray) -> np.ndarray:
    """Small crosses (E, 2, 3) on the points (N, 3) that the model reads of a cloud first."""
    chosen = points[np.random.default_rng(0).permutation(len(points))[:POINTS]]
    arm = np.eye(3) * float(np.ptp(points, axis=0).max()) * 0.004
    return (chosen[:, None, None] + np.stack([-arm, arm], axis=1)[None]).reshape(-1, 2, 3)


def _frame(vertices: np.ndarray) -> tuple[np.ndarray, float]:
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return (low + high) / 2, MODEL_SIZE / max(float((high - low).max()), 1e-12)


def _to_model_space(vertices: np.ndarray) -> np.ndarray:
    center, scale = _frame(vertices)
    return (vertices - center) * scale


def _axes(azimuth: float, elevation: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, up and back of an upright camera in the model's axes; azimuth 0 looks from +Z, 90 from +X."""
    a, e = math.radians(azimuth), math.radians(elevation)
    right = np.array([math.cos(a), 0.0, -math.sin(a)])
    back = np.array([math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)])
    return right, np.cross(back, right), back


def _boxes(corners: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """First pixel and number of pixels (F, 2) of the boxes of triangles (F, 3, 2), within a picture."""
    low = np.clip(np.ceil(corners.min(axis=1)), 0, size).astype(int)
    high = np.clip(np.floor(corners.max(axis=1)), -1, size - 1).astype(int)
    return low, np.maximum(high - low + 1, 0)


def _chunks(corners: np.ndarray, size: int) -> list[np.ndarray]:
    """Numbers of triangles, in parts whose boxes are not too many pixels together."""
    total = np.cumsum(_boxes(corners, size)[1].prod(axis=1))
    return np.split(np.arange(len(corners)), np.flatnonzero(np.diff(total // _MOST_PAIRS)) + 1)


def _covered(corners: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels whose middles, at whole numbers, lie in triangles (F, 3, 2): the triangles' numbers, columns, rows, and
    the corners' weights (K, 3)."""
    low, extent = _boxes(corners, size)
    count = extent.prod(axis=1)
    numbers = np.repeat(np.arange(len(corners)), count)
    within = np.arange(len(numbers)) - np.repeat(np.cumsum(count) - count, count)
    columns = low[numbers, 0] + within % np.maximum(extent[numbers, 0], 1)
    rows = low[numbers, 1] + within // np.maximum(extent[numbers, 0], 1)
    first, second, third = (corners[numbers, corner] for corner in range(3))
    to_second, to_third = second - first, third - first
    area = to_second[:, 0] * to_third[:, 1] - to_second[:, 1] * to_third[:, 0]
    across, down = columns - first[:, 0], rows - first[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        second_weight = (across * to_third[:, 1] - down * to_third[:, 0]) / area
        third_weight = (to_second[:, 0] * down - to_second[:, 1] * across) / area
    weights = np.stack([1 - second_weight - third_weight, second_weight, third_weight], axis=1)
    kept = (weights >= 0).all(axis=1)  # never where the area is 0
    return numbers[kept], columns[kept], rows[kept], weights[kept]
