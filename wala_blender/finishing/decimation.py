"""Decimation by quadric edge collapse (Garland and Heckbert 1997)."""

import fast_simplification
import igl
import numpy as np

from ..geometry.topology import compact, is_manifold

AGGRESSIVENESS = 3  # fast-simplification's own 7 tears thin parts
FAST_UNTIL = 20_000  # below, the fast method stops short of its target or errs more than libigl's


def decimate(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """At most about ``count`` triangles of a mesh (V, 3), (F, 3): float64 vertices and int64 faces.

    A closed manifold mesh stays one: where the fast method leaves bad edges, the slower one starts again from the whole
    mesh.
    """
    if len(faces) <= count:
        return np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    fast = _fast(vertices, faces, max(count, FAST_UNTIL))
    if not is_manifold(fast[1]):
        fast = vertices, faces
    return fast if len(fast[1]) <= count else _exact(*fast, count)


def _fast(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    if len(faces) <= count:
        return np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    points, triangles = fast_simplification.simplify(
        np.asarray(vertices, np.float64), np.ascontiguousarray(faces, np.int32), target_count=count, agg=AGGRESSIVENESS
    )
    return compact(np.asarray(points, np.float64), triangles.astype(np.int64))


def _exact(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    points, triangles, *_ = igl.qslim(
        np.asfortranarray(vertices, np.float64), np.asfortranarray(faces, np.int32), int(count)
    )
    return compact(np.asarray(points), np.asarray(triangles, np.int64))
