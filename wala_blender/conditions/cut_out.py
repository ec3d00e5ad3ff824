"""The thing in a picture, cut out of its background. Knows pixels and colours; not what is done with the thing.

The thing is what is not transparent, or what stands out from a background of one colour that the picture's border shows.
"""

import numpy as np
import skimage
import torch
import torch.nn.functional as F
from scipy import ndimage

from ..errors import InputError
from .pixels import eight_bits

SMALLEST = 16  # pixels of a picture that shows a thing
_WORKING = 512  # pixels: larger pictures are made smaller first
_CUT_OUT = 128  # alpha below which a pixel is none of the thing
_CORNERS, _STRAY = 0.9, 0.99  # opaque share of a picture above which only its corners are transparent, or stray pixels
_DIFFERENT = 6.0  # CIELAB distance from the background that an eye does not overlook
_SAME = 2.0  # … that an eye does not see
_SPECK = 2e-4  # share of the picture: what is smaller is dirt
_LEAST = 0.002  # share of the picture that a thing covers


def check_picture(image: np.ndarray, smallest: int, what: str = "a picture", hint: str = "Use a PNG or JPEG") -> None:
    """Raises InputError unless an array is (H, W), (H, W, 3) or (H, W, 4), of ``smallest`` pixels a side at least."""
    if image.ndim not in (2, 3) or min(image.shape[:2]) < smallest or (image.ndim == 3 and image.shape[2] not in (3, 4)):
        raise InputError(f"expected {what} of at least {smallest} × {smallest} pixels, got an array of shape {image.shape}", hint)


def thing_in(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An image (H, W[, 3 or 4]), of bits or floats as eight_bits takes them → its lightness (h, w) 0 … 1, and where the thing is (h, w) bool; no side above _WORKING.

    Raises InputError for what is no image, or shows no thing.
    """
    pixels = _working_size(eight_bits(image))
    colours = skimage.color.rgb2lab(pixels[..., :3] / 255)
    thing = _stands_out(colours) if pixels.shape[2] == 3 else _opaque_thing(colours, pixels[..., 3] >= _CUT_OUT)
    parts, count = ndimage.label(thing, np.ones((3, 3)))
    thing &= np.append(False, ndimage.sum_labels(thing, parts, np.arange(1, count + 1)) >= _SPECK * thing.size)[parts]
    if thing.mean() < _LEAST:
        raise InputError("the picture shows nothing before its background", "Use a picture of one thing, cut out or on a plain background.")
    return colours[..., 0] / 100, thing


def cut_out(image: np.ndarray) -> np.ndarray:
    """An image as ``thing_in`` takes it → (H, W, 4) uint8, transparent but for the thing. Raises InputError as that does."""
    image = eight_bits(image)
    _, thing = thing_in(image)
    alpha = F.interpolate(torch.from_numpy(255 * thing.astype(np.float32))[None, None], image.shape[:2], mode="bilinear", align_corners=False)
    colour = image[..., None].repeat(3, axis=2) if image.ndim == 2 else image[..., :3]
    return np.dstack([colour, alpha[0, 0].round().byte().numpy()])


def _opaque_thing(colours: np.ndarray, opaque: np.ndarray) -> np.ndarray:
    """What is opaque, where enough is transparent to be a background; a few transparent pixels or rounded corners cut nothing out."""
    if opaque.mean() < _CORNERS or not opaque.any():
        return opaque
    nearest = ndimage.distance_transform_edt(~ndimage.binary_erosion(opaque, iterations=2), return_distances=False, return_indices=True)
    try:
        thing = _stands_out(np.where(opaque[..., None], colours, colours[tuple(nearest)])) & opaque
    except InputError:
        if opaque.mean() > _STRAY:
            raise
        return opaque
    return thing if thing.mean() >= _LEAST or opaque.mean() > _STRAY else opaque


def _stands_out(colours: np.ndarray) -> np.ndarray:
    """Where CIELAB colours (h, w, 3) are not the background, (h, w) bool."""
    border = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    ground = np.median(border, axis=0)
    if np.mean(np.linalg.norm(border - ground, axis=1) > 2 * _DIFFERENT) > 0.25:
        raise InputError("the picture's background is not of one colour", "Cut the thing out (transparent background), or use a plain background.")
    distance = np.linalg.norm(colours - ground, axis=-1)
    regions, count = ndimage.label(distance <= _DIFFERENT)
    outside = np.zeros(count + 1, dtype=bool)
    outside[np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])] = True
    # A pocket is a hole, as in a chair's back, where it has the very colour of the background; else a light spot of the thing.
    outside[1:] |= ndimage.median(distance, regions, np.arange(1, count + 1)) < _SAME
    outside[0] = False
    return ~outside[regions]


def _working_size(image: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4) float32, 0 … 255, no side above _WORKING."""
    check_picture(image, SMALLEST)
    image = image[..., None].repeat(3, axis=2) if image.ndim == 2 else image
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    factor = _WORKING / max(pixels.shape[-2:])
    if factor < 1:
        size = [max(SMALLEST, round(side * factor)) for side in pixels.shape[-2:]]
        pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
    return pixels[0].permute(1, 2, 0).numpy()
