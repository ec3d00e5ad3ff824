"""Thumbnail of a mesh: a small shaded picture on a transparent background, rendered on the CPU by casting rays."""

import io

import igl
import numpy as np
import torch
from PIL import Image

from .cameras import looking_at_origin
from .distance import check_faces
from .renderer import shaded

SIZE = 128  # pixels of a side
AZIMUTH, ELEVATION = 30.0, 20.0  # degrees: from the front right and above
SAMPLES = 2  # rays a pixel and axis
MARGIN = 1.06  # of the picture around the shape


def thumbnail(vertices: np.ndarray, faces: np.ndarray, size: int = SIZE) -> np.ndarray:
    """A mesh (V, 3) and (F, 3), +Y up, as an orthographic camera at AZIMUTH and ELEVATION sees it, filling the picture:
    (size, size, 4) uint8, grey and alpha; row 0 is the top. Raises InputError for a mesh without triangles."""
    vertices, faces = check_faces(vertices, faces)
    camera = looking_at_origin(AZIMUTH, ELEVATION, 1.0)[:3, :3]
    seen = vertices @ camera
    low, high = seen.min(axis=0), seen.max(axis=0)
    side = size * SAMPLES
    steps = ((np.arange(side) + 0.5) / side - 0.5) * float((high - low)[:2].max()) * MARGIN
    middle = (low + high) / 2
    eyes = np.empty((side, side, 3))
    eyes[..., 0], eyes[..., 1], eyes[..., 2] = middle[0] + steps, middle[1] - steps[:, None], high[2] + 1.0
    tree = igl.AABB()
    tree.init(vertices, faces)
    directions = np.broadcast_to(-camera[:, 2], (side * side, 3)).copy()
    face, _, _ = tree.intersect_ray_first(vertices, faces, eyes.reshape(-1, 3) @ camera.T, directions)
    return _shaded_picture(vertices, faces, camera, face.reshape(side, side), size)


def _shaded_picture(
    vertices: np.ndarray, faces: np.ndarray, camera: np.ndarray, face: np.ndarray, size: int
) -> np.ndarray:
    """The picture of the faces (side, side) that were hit, −1 where none was, averaged over the samples."""
    corners = vertices[faces[face.clip(0)]]
    normal = np.cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    grey = shaded(torch.from_numpy(np.moveaxis(normal @ camera, -1, 0))).numpy()
    alpha = (face >= 0).astype(np.float32)
    blocks = np.stack([grey * alpha, alpha]).reshape(2, size, SAMPLES, size, SAMPLES).mean((2, 4))
    level = blocks[0] / np.maximum(blocks[1], 1e-6)
    return np.round(255 * np.stack([level, level, level, blocks[1]], -1).clip(0, 1)).astype(np.uint8)


def thumbnail_png(vertices: np.ndarray, faces: np.ndarray) -> bytes:
    """The same as the bytes of a PNG."""
    data = io.BytesIO()
    Image.fromarray(thumbnail(vertices, faces), "RGBA").save(data, "PNG")
    return data.getvalue()
