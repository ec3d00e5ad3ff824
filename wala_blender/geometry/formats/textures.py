"""Textures of mesh files: colours at UV coordinates."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

MAX_PIXELS = 2**26
CLAMP, MIRROR, REPEAT = 33071, 33648, 10497  # glTF's numbers of the ways to go on beyond 0 … 1


def read_texture(source: bytes | Path) -> np.ndarray:
    """sRGB bytes (H, W, 3), row 0 at the top; what is fully transparent has the mean of the rest. Raises OSError,
    ValueError for what is no picture, or too large a one."""
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"a texture of {image.width} × {image.height} pixels is too large")
        pixels = np.asarray(image.convert("RGBA"))
    hidden = pixels[..., 3] == 0
    colours = pixels[..., :3].copy()
    if hidden.any() and not hidden.all():
        colours[hidden] = np.rint(colours[~hidden].mean(axis=0))
    return colours


def texel(texture: np.ndarray, uvs: np.ndarray, wrap: tuple[int, int] = (REPEAT, REPEAT)) -> np.ndarray:
    """The texels (N, 3) at UV coordinates (N, 2), v running down from the picture's top."""
    places = []
    for axis, (way, size) in enumerate(zip(wrap, (texture.shape[1], texture.shape[0]), strict=True)):
        place = np.nan_to_num(uvs[:, axis].astype(np.float64))
        if way == CLAMP:
            place = np.clip(place, 0, 1)
        elif way == MIRROR:
            place = 1 - np.abs(1 - place % 2)
        else:
            place = place % 1.0
        places.append(np.clip((place * size).astype(np.int64), 0, size - 1))
    return texture[places[1], places[0]]


def as_png(texture: np.ndarray) -> bytes:
    """The PNG file of a texture (H, W, 3) uint8."""
    stream = io.BytesIO()
    Image.fromarray(texture).save(stream, "PNG", optimize=True)
    return stream.getvalue()
