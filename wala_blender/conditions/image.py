"""A picture of the thing → the lines an artist would draw over it, and its silhouette: what the sketch encoder takes. Knows pixels; no networks.

The thing is what is not transparent, or what stands out from a background of one colour that the picture's border shows.
"""

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from skimage.color import rgb2lab
from skimage.feature import canny
from skimage.transform import resize

from ..errors import InputError
from ..geometry.cameras import PUBLISHED
from .condition import Prepared
from .sketch import DEFAULT_ELEVATION, ELEVATIONS, FILL, PICTURE

SMALLEST = 16  # pixels of a picture that shows a thing
_WORKING = 512  # pixels: larger pictures are made smaller first
_CUT_OUT = 128  # alpha below which a pixel is none of the thing
_DIFFERENT = 12.0  # CIELAB distance from the background that an eye does not overlook
_LEAST = 0.002  # share of the picture that a thing covers
_EDGE = (0.04, 0.10)  # thresholds of the edges' gradient, of the picture's lightness 0 … 1


def prepare(inputs: dict) -> Prepared:
    """{"image" (H, W[, 3 or 4]) uint8, "elevation" in degrees, or "views": [the published camera it is from]} → line picture and silhouette
    (1, 2, PICTURE, PICTURE), elevation (1,). Raises InputError for a picture that shows no thing."""
    elevation = inputs.get("elevation", DEFAULT_ELEVATION)
    if "elevation" not in inputs and "views" in inputs:
        elevation = PUBLISHED.direction(inputs["views"][0])[1]
    lines, solid = lines_and_silhouette(inputs["image"])
    picture = torch.from_numpy(np.stack([lines, np.maximum(lines, solid)]))[None]
    return Prepared((picture, torch.tensor([float(np.clip(elevation, *ELEVATIONS))])))


def lines_and_silhouette(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both (PICTURE, PICTURE) float32, 0 … 1: outline and inner edges, and what lies inside the outline; the thing's bounding box centred, its
    longest side FILL of the picture's. Raises InputError."""
    colours, thing = _cut_out(_working_size(np.asarray(image)))
    rows, columns = np.nonzero(thing.any(axis=1))[0], np.nonzero(thing.any(axis=0))[0]
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    scale = FILL * PICTURE / max(thing[box].shape)
    size = [max(1, round(side * scale)) for side in thing[box].shape]
    small = resize(thing[box].astype(np.float32), size, anti_aliasing=True) > 0.5
    lightness = resize(colours[box][..., 0] / 100, size, anti_aliasing=True)
    # Behind the thing goes on what is at its rim: the rim is a line already.
    nearest = ndimage.distance_transform_edt(~small, return_distances=False, return_indices=True) if small.any() else np.indices(small.shape)
    inner = canny(lightness[tuple(nearest)], sigma=1.0, low_threshold=_EDGE[0], high_threshold=_EDGE[1]) & ndimage.binary_erosion(small, iterations=2)
    outline = small & ~ndimage.binary_erosion(small)
    return _centred(inner | outline), _centred(small)


def _working_size(image: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4) float32, 0 … 255, no side above _WORKING."""
    if image.ndim not in (2, 3) or min(image.shape[:2]) < SMALLEST or (image.ndim == 3 and image.shape[2] not in (3, 4)):
        raise InputError(f"expected a picture of at least {SMALLEST} × {SMALLEST} pixels, got an array of shape {image.shape}", "Use a PNG or JPEG")
    image = image[..., None].repeat(3, axis=2) if image.ndim == 2 else image
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    factor = _WORKING / max(pixels.shape[-2:])
    if factor < 1:
        size = [max(SMALLEST, round(side * factor)) for side in pixels.shape[-2:]]
        pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
    return pixels[0].permute(1, 2, 0).numpy()


def _cut_out(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """CIELAB colours (H, W, 3), and where the thing is (H, W) bool."""
    colours = rgb2lab(pixels[..., :3] / 255)
    if pixels.shape[2] == 4 and (pixels[..., 3] < _CUT_OUT).any():
        thing = pixels[..., 3] >= _CUT_OUT
    else:
        border = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
        ground = np.median(border, axis=0)
        if np.mean(np.linalg.norm(border - ground, axis=1) > _DIFFERENT) > 0.25:
            raise InputError("the picture's background is not of one colour", "Cut the thing out (transparent background), or use a plain background.")
        # Holes stay: a chair is seen through. Specks go.
        thing = np.linalg.norm(colours - ground, axis=-1) > _DIFFERENT
    thing = ndimage.binary_opening(thing) if ndimage.binary_opening(thing).any() else thing
    if thing.mean() < _LEAST:
        raise InputError("the picture shows nothing before its background", "Use a picture of one thing, cut out or on a plain background.")
    return colours, thing


def _centred(small: np.ndarray) -> np.ndarray:
    picture = np.zeros((PICTURE, PICTURE), dtype=np.float32)
    height, width = small.shape
    top, left = (PICTURE - height) // 2, (PICTURE - width) // 2
    picture[top : top + height, left : left + width] = small
    return picture
