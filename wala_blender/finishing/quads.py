"""Quads by Instant Meshes (Jakob et al. 2015), where its package is installed."""

import contextlib
import importlib.util
import os
from collections.abc import Iterator

import numpy as np

from ..errors import InputError
from ..geometry.topology import compact, is_manifold

PACKAGE = "pynanoinstantmeshes"
CREASE_ANGLE = 30.0  # degrees: sharper edges are kept
SUBDIVIDED = 4  # the last step makes a face of four sides four quads
WITHOUT = (
    f"quads need the package {PACKAGE}, which is not installed in this Python; it has no build for Macs with Intel processors nor for Linux on ARM",
    "Choose triangles, and in Blender Object Data > Remesh > Quad; where there is a build: pip install pynanoinstantmeshes.",
)


def check_quads() -> None:
    """Raises InputError where quads can't be made, with what to do."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise InputError(*WITHOUT)


def quad_remesh(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """About ``count`` quads of a closed mesh (V, 3), (F, 3): float64 vertices and int64 faces (Q, 4), closed and
    manifold.

    Raises InputError: the package is missing, or the result isn't manifold.
    """
    check_quads()
    import pynanoinstantmeshes

    for factor in (1.0, 1.3, 0.8):
        with _quiet():
            points, quads = pynanoinstantmeshes.remesh(
                np.ascontiguousarray(vertices, np.float32),
                np.ascontiguousarray(faces, np.uint32),
                max(int(count * factor / SUBDIVIDED), 8),
                creaseAngle=CREASE_ANGLE,
                smooth_iter=2,
                deterministic=True,
            )
        quads = np.asarray(quads).astype(np.int64)
        if quads.ndim == 2 and quads.shape[1] == 4 and len(quads) and is_manifold(quads):
            return compact(np.asarray(points, np.float64), quads)
    raise InputError(
        f"this shape has parts too thin for about {count:,} quads", "Ask for more faces, or for triangles."
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The library prints its steps, and has no switch for that."""
    saved = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nothing)
