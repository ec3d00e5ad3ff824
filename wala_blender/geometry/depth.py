"""Depth maps of a mesh in the published convention, by ray casting on the CPU."""

from collections.abc import Sequence

import igl
import numpy as np

from .distance import check_faces

SIZE = 256  # pixels of a rendered map's side


def depth_maps(
    vertices: np.ndarray, faces: np.ndarray, cameras: Sequence[np.ndarray], field_of_view: float, size: int = SIZE
) -> np.ndarray:
    """Depth (V, size, size) float64 of a triangle mesh as V perspective cameras see it: along the viewing direction
    from the eye, inf where nothing is; row 0 is the top.

    cameras: camera-to-world matrices (4, 4), columns right, up, towards the eye, eye, in the mesh's own coordinates;
    field_of_view in degrees across the picture. Raises InputError for a mesh without triangles or with coordinates that
    are not finite.
    """
    vertices, faces = check_faces(vertices, faces)
    tree = igl.AABB()
    tree.init(vertices, faces)
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * np.tan(np.radians(field_of_view) / 2)
    # One unit along the viewing direction: how far along a ray then is the depth.
    rays = np.stack(
        [
            np.broadcast_to(steps, (size, size)),
            np.broadcast_to(-steps[:, None], (size, size)),
            np.full((size, size), -1.0),
        ],
        -1,
    )
    maps = []
    for camera in cameras:
        directions = rays.reshape(-1, 3) @ camera[:3, :3].T
        eyes = np.broadcast_to(camera[:3, 3], directions.shape).copy()
        face, depth, _ = tree.intersect_ray_first(vertices, faces, eyes, directions)
        maps.append(np.where(face >= 0, depth, np.inf).reshape(size, size))
    return np.stack(maps)


def depth_picture(depth: np.ndarray) -> np.ndarray:
    """A depth map (H, W), inf where nothing is, as (H, W) uint8: the nearest white, the farthest and what is behind
    black.

    All of one depth is white; a map of nothing is black.
    """
    seen = np.isfinite(depth)
    if not seen.any():
        return np.zeros(depth.shape, np.uint8)
    near, far = depth[seen].min(), depth[seen].max()
    share = (far - np.where(seen, depth, far)) / (far - near) if far > near else seen.astype(np.float64)
    return np.round(255 * share).astype(np.uint8)
