"""Background removal: the mask of the object in a picture.

The object is what is not transparent, or what differs from a background of one colour, estimated from the picture's
border, without the object's soft shadow.
"""

import numpy as np
import skimage
import torch
import torch.nn.functional as F
from scipy import ndimage

from ..errors import InputError
from .pixels import eight_bits

MIN_SIZE = 16  # smallest side of a picture, in pixels
_WORKING = 512  # pixels: larger pictures are made smaller first
_CUT_OUT = 128  # alpha below which a pixel is background
_CORNERS, _STRAY = 0.9, 0.99  # opaque share of a picture above which only its corners are transparent, or stray pixels
_DIFFERENT = 6.0  # clearly visible CIELAB distance from the background
_SAME = 2.0  # invisible CIELAB distance
_SPECK = 2e-4  # share of the picture: smaller components are dirt
_LEAST = 0.002  # smallest share of the picture that an object covers
_DARKEST = 0.3  # lightness of a shadow's core, as a share of the background's
_SAME_HUE = 4.0  # CIELAB distance in a and b between a shadow and its background, darker
_SOFT = 4.0  # change of lightness a pixel above which there is an edge, not a soft shadow
_FLAT, _DEEP = (
    0.2,
    0.7,
)  # change of lightness a pixel, and share of the background's lightness, below which it is an evenly grey face
_REMAINS = 0.3  # smallest share of an object that remains without its shadow


def check_picture(image: np.ndarray, smallest: int, what: str = "a picture", hint: str = "Use a PNG or JPEG") -> None:
    """Raises InputError unless an array is (H, W), (H, W, 3) or (H, W, 4), of ``smallest`` pixels a side at least."""
    if (
        image.ndim not in (2, 3)
        or min(image.shape[:2]) < smallest
        or (image.ndim == 3 and image.shape[2] not in (3, 4))
    ):
        raise InputError(
            f"expected {what} of at least {smallest} × {smallest} pixels, got an array of shape {image.shape}", hint
        )


def object_in(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Object of an image (H, W[, 3 or 4]), of bits or floats as in eight_bits: its lightness (h, w) 0 … 1, and its mask
    (h, w) bool; no side above _WORKING.

    Raises InputError for arrays that are not images, or without an object.
    """
    pixels = _working_size(eight_bits(image))
    colours = skimage.color.rgb2lab(pixels[..., :3] / 255)
    mask = _stands_out(colours) if pixels.shape[2] == 3 else _opaque_object(colours, pixels[..., 3])
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    mask &= np.append(False, ndimage.sum_labels(mask, parts, np.arange(1, count + 1)) >= _SPECK * mask.size)[parts]
    if mask.mean() < _LEAST:
        raise InputError(
            "the picture shows nothing before its background",
            "Use a picture of one thing, cut out or on a plain background.",
        )
    return colours[..., 0] / 100, mask


def cut_out(image: np.ndarray) -> np.ndarray:
    """An image as in ``object_in`` → (H, W, 4) uint8, transparent outside the object. Raises InputError as
    ``object_in``."""
    image = eight_bits(image)
    _, mask = object_in(image)
    alpha = F.interpolate(
        torch.from_numpy(255 * mask.astype(np.float32))[None, None],
        image.shape[:2],
        mode="bilinear",
        align_corners=False,
    )
    colour = image[..., None].repeat(3, axis=2) if image.ndim == 2 else image[..., :3]
    return np.dstack([colour, alpha[0, 0].round().byte().numpy()])


def _opaque_object(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Opaque pixels, if enough of the picture is transparent to be a background; a few transparent pixels or rounded
    corners are ignored."""
    opaque = alpha >= _CUT_OUT
    if opaque.mean() < _CORNERS or not opaque.any():
        # A shadow catcher writes its shadows as black that is partly transparent: over white, they are grey.
        over_white = np.stack([100 * (1 - alpha / 255), np.zeros_like(alpha), np.zeros_like(alpha)], -1)
        return opaque & ~_soft_shadow(over_white, np.array([100.0, 0, 0]), opaque)
    nearest = ndimage.distance_transform_edt(
        ~ndimage.binary_erosion(opaque, iterations=2), return_distances=False, return_indices=True
    )
    try:
        mask = _stands_out(np.where(opaque[..., None], colours, colours[tuple(nearest)])) & opaque
    except InputError:
        if opaque.mean() > _STRAY:
            raise
        return opaque
    return mask if mask.mean() >= _LEAST or opaque.mean() > _STRAY else opaque


def _stands_out(colours: np.ndarray) -> np.ndarray:
    """Pixels of CIELAB colours (h, w, 3) that differ from the background, (h, w) bool."""
    border = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    ground = np.median(border, axis=0)
    if np.mean(np.linalg.norm(border - ground, axis=1) > 2 * _DIFFERENT) > 0.25:
        raise InputError(
            "the picture's background is not of one colour",
            "Cut the object out (transparent background), or use a plain background.",
        )
    distance = np.linalg.norm(colours - ground, axis=-1)
    regions, count = ndimage.label(distance <= _DIFFERENT)
    outside = np.zeros(count + 1, dtype=bool)
    outside[np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])] = True
    # A pocket is a hole, as in a chair's back, where it has the very colour of the background; else a light spot of the
    # object.
    outside[1:] |= ndimage.median(distance, regions, np.arange(1, count + 1)) < _SAME
    outside[0] = False
    mask = ~outside[regions]
    return mask & ~_soft_shadow(colours, ground, mask)


def _soft_shadow(colours: np.ndarray, ground: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Soft shadow of an object on its background: (h, w) bool from CIELAB colours (h, w, 3) and the background's (3,).

    A shadow is a darker background: CIELAB's a and b shrink with L + 16. It fades into the background, where an object
    has an edge.
    """
    lightness = colours[..., 0]
    steepness = ndimage.gaussian_gradient_magnitude(lightness, 1.0)
    darker = (lightness[..., None] + 16) / (ground[0] + 16)
    same_hue = np.linalg.norm(colours[..., 1:] - ground[1:] * darker, axis=-1) < _SAME_HUE
    like_shadow = mask & same_hue & (steepness < _SOFT) & (lightness > _DARKEST * ground[0]) & (lightness < ground[0])
    flat = (steepness < _FLAT) & (lightness < _DEEP * ground[0])
    rim = mask & ndimage.binary_dilation(~mask, iterations=2)
    # Eroded first: a shadow and a grey side of the object, which touch where no edge is seen between them, are two
    # parts.
    cores, count = ndimage.label(ndimage.binary_erosion(like_shadow, iterations=3, border_value=1))
    if not count:
        return np.zeros_like(mask)
    parts = skimage.segmentation.expand_labels(cores, 4) * like_shadow
    rims = skimage.segmentation.expand_labels(parts, 4) * rim
    fades = _share(steepness < _SOFT, rims, count) > 0.8
    deepens = _share(flat, parts, count) < 0.25
    shadow = np.append(False, fades & deepens)[parts]
    return shadow if (mask & ~shadow).sum() >= _REMAINS * mask.sum() else np.zeros_like(mask)


def _share(mask: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Share of each label's pixels (1 … count) where a mask is true, (count,); 0 for a label without pixels."""
    return (
        np.bincount(labels[mask], minlength=count + 1) / np.maximum(np.bincount(labels.ravel(), minlength=count + 1), 1)
    )[1:]


def _working_size(image: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4) float32, 0 … 255, no side above _WORKING."""
    check_picture(image, MIN_SIZE)
    image = image[..., None].repeat(3, axis=2) if image.ndim == 2 else image
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    factor = _WORKING / max(pixels.shape[-2:])
    if factor < 1:
        size = [max(MIN_SIZE, round(side * factor)) for side in pixels.shape[-2:]]
        pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
    return pixels[0].permute(1, 2, 0).numpy()
