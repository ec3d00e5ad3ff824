"""Thumbnail of a mesh: a small shaded picture on a transparent background, rendered on the CPU by casting rays."""

import io

import igl
import numpy as np
import torch
from PIL import Image

from .cameras import looking_at_origin
from .distance import check_faces, has_area
from .renderer import shaded

SIZE = 128  # pixels of a side
AZIMUTH, ELEVATION = 30.0, 20.0  # degrees: from the front right and above
SAMPLES = 2  # rays a pixel and axis
MARGIN = 1.06  # of the picture around the shape


def thumbnail(
    vertices: np.ndarray, faces: np.ndarray, size: int = SIZE, colours: np.ndarray | None = None
) -> np.ndarray:
    """A mesh (V, 3) and (F, 3), +Y up, as an orthographic camera at AZIMUTH and ELEVATION sees it, filling the picture:
    (size, size, 4) uint8, sRGB and alpha; row 0 is the top. colours (F, 3) uint8, sRGB; None: grey. Raises InputError
    for a mesh without triangles."""
    all_faces = faces
    vertices, faces = check_faces(vertices, faces)
    if colours is not None:
        colours = colours[has_area(vertices[all_faces])]
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
    face = face.reshape(side, side)
    tint = np.ones((side, side, 3)) if colours is None else colours[face.clip(0)] / 255
    return _shaded_picture(vertices, faces, camera, face, tint, size)


def _shaded_picture(
    vertices: np.ndarray, faces: np.ndarray, camera: np.ndarray, face: np.ndarray, tint: np.ndarray, size: int
) -> np.ndarray:
    """The picture of the faces (side, side) that were hit, −1 where none was, averaged over the samples; tint (side,
    side, 3): their colours, 0 … 1."""
    corners = vertices[faces[face.clip(0)]]
    normal = np.cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    grey = shaded(torch.from_numpy(np.moveaxis(normal @ camera, -1, 0))).numpy()
    alpha = (face >= 0).astype(np.float32)
    layers = np.concatenate([tint * (grey * alpha)[..., None], alpha[..., None]], axis=2)
    blocks = layers.reshape(size, SAMPLES, size, SAMPLES, 4).mean((1, 3))
    blocks[..., :3] /= np.maximum(blocks[..., 3:], 1e-6)
    return np.round(255 * blocks.clip(0, 1)).astype(np.uint8)


def thumbnail_png(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray | None = None) -> bytes:
    """The same as the bytes of a PNG."""
    data = io.BytesIO()
    Image.fromarray(thumbnail(vertices, faces, colours=colours), "RGBA").save(data, "PNG")
    return data.getvalue()
