"""Line drawing and silhouette of a picture: the input of the sketch encoder."""

import numpy as np
import skimage
import torch
from scipy import ndimage

from ..geometry.cameras import PUBLISHED
from .background import object_in
from .sketch import DEFAULT_ELEVATION, ELEVATIONS, FILL, PICTURE, centred, prepared_drawing
from .types import Prepared

_EDGE = (0.04, 0.10)  # thresholds of the edges' gradient, of the picture's lightness 0 … 1


def prepare(inputs: dict) -> Prepared:
    """{"image" (H, W[, 3 or 4]) uint8, "elevation" in degrees, or "views": [the published camera it is from]} → line
    picture and silhouette (1, 2, PICTURE, PICTURE), elevation (1,). Raises InputError for a picture that shows no
    object."""
    lines, solid = lines_and_silhouette(inputs["image"])
    picture = torch.from_numpy(np.stack([lines, np.maximum(lines, solid)]))[None]
    return prepared_drawing(picture, elevation_of(inputs))


def elevation_of(inputs: dict) -> float:
    """From where a picture was taken, in degrees: said, or that of its published camera, or the usual one."""
    elevation = inputs.get("elevation", DEFAULT_ELEVATION)
    if "elevation" not in inputs and "views" in inputs:
        elevation = PUBLISHED.direction(inputs["views"][0])[1]
    return float(np.clip(elevation, *ELEVATIONS))


def lines_and_silhouette(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both (PICTURE, PICTURE) float32, 0 … 1: outline and inner edges, and what lies inside the outline; the object's
    bounding box centred, its longest side FILL of the picture's. Raises InputError."""
    lightness, mask = object_in(image)
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    scale = FILL * PICTURE / max(mask[box].shape)
    size = [max(1, round(side * scale)) for side in mask[box].shape]
    covered = skimage.transform.resize(mask[box].astype(np.float32), size, anti_aliasing=True)
    small = covered > covered.max() / 2
    light = skimage.transform.resize(lightness[box], size, anti_aliasing=True)
    # The background continues the object's rim colours: the rim is a line already.
    nearest = ndimage.distance_transform_edt(~small, return_distances=False, return_indices=True)
    edges = skimage.feature.canny(light[tuple(nearest)], sigma=1.0, low_threshold=_EDGE[0], high_threshold=_EDGE[1])
    inner = edges & ndimage.binary_erosion(small, iterations=2)
    outline = small & ~ndimage.binary_erosion(small)
    return centred(inner | outline), centred(small)
