"""Ink extraction: the lines of a drawing on any paper, grey, coloured, unevenly lit or photographed; dark on light or
light on dark.

The paper is estimated locally. Ink is what is darker, or lighter, than the paper by the drawing's own contrast. Specks,
marks near the border, frames and the surroundings of a photographed page are left out and reported.
"""

from dataclasses import dataclass

import numpy as np
import skimage
import torch
import torch.nn.functional as F
from scipy import ndimage

from ..errors import InputError
from .background import check_picture
from .marks import without_marks
from .pixels import eight_bits

MIN_SIZE = 8  # pixels of an image that may be a sketch
_WORKING = 640  # pixels: larger images are reduced first
_STROKE = 0.1  # of the picture's side: a wider stroke is seen by what surrounds it alone
_FAINTEST = 0.03  # contrast of a line that is seen on perfect paper
_NOISE = 4.5  # standard deviations above which a pixel is not the paper's noise
_NO_LINES = InputError("the sketch image shows no lines", "Use lines that stand out from their background.")


@dataclass(frozen=True)
class Drawing:
    """``ink`` (h, w) float32, 0 … 1, no side above _WORKING; ``left_out``: words for what was in the image and is not
    in it, "" for nothing."""

    ink: np.ndarray
    left_out: str = ""


def drawing_in(image: np.ndarray) -> Drawing:
    """The drawing in an image (H, W[, 3 or 4]) of bits or floats as eight_bits takes them; transparent is paper.

    Raises InputError for what is no image, or shows no lines.
    """
    check_picture(np.asarray(image), MIN_SIZE, "an image", "Use a PNG or JPEG of the sketch.")
    grey, one_sign = _along_contrast(_opaque(_working_size(eight_bits(image))))
    grey, page = _page_alone(grey)
    contrast, noise = _contrast(grey, one_sign)
    contrast[~page] = 0
    found = contrast > max(_FAINTEST, _NOISE * noise)
    if not found.any():
        raise _NO_LINES
    found &= contrast > 0.2 * np.quantile(contrast[found], 0.9)
    kept, words = without_marks(found, contrast)
    if not kept.any():
        raise _NO_LINES
    # Pixels of lines, with their soft edges.
    near = ndimage.binary_dilation(kept, iterations=2) & ~(found & ~kept)
    level = max(np.quantile(contrast[kept], 0.85), _FAINTEST)
    ink = np.where(near, (contrast / level).clip(0, 1), 0).astype(np.float32)
    words = ["what is round the page"] * (not page.all()) + words
    return Drawing(ink, f"Left out of the sketch: {', '.join(words)}" if words else "")


def _working_size(image: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4) float32, 0 … 1, no side above _WORKING."""
    image = image[..., None].repeat(3, axis=2) if image.ndim == 2 else image
    pixels = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
    factor = _WORKING / max(pixels.shape[-2:])
    if factor < 1:
        size = [max(MIN_SIZE, round(side * factor)) for side in pixels.shape[-2:]]
        pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
    return pixels[0].permute(1, 2, 0).numpy()


def _opaque(pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3): what is transparent is paper, of the colour of what is opaque where that is most of the picture, else
    black or white."""
    if pixels.shape[2] == 3:
        return pixels
    colour, alpha = pixels[..., :3], pixels[..., 3:]
    solid = alpha[..., 0] > 0.5
    if not solid.any():
        raise _NO_LINES
    if solid.mean() > 0.7:
        paper = np.median(colour[solid], axis=0)
    else:
        paper = np.full(3, 0.0 if colour[solid].mean() > 0.5 else 1.0, np.float32)
    return colour * alpha + paper * (1 - alpha)


def _along_contrast(colours: np.ndarray) -> tuple[np.ndarray, bool]:
    """Colours (h, w, 3) → (h, w) 0 … 1 along the direction in which lines differ from paper most; and whether it is one
    of lightness, so that light multiplies it."""
    detail = (
        colours - ndimage.uniform_filter(colours, (max(3, len(colours) // 8), max(3, colours.shape[1] // 8), 0))
    ).reshape(-1, 3)
    detail = detail * np.linalg.norm(detail, axis=1, keepdims=True)  # the strongest count most
    _, axes = np.linalg.eigh((detail.T @ detail).astype(np.float64))
    axis = axes[:, -1] * np.sign(axes[:, -1].sum() or 1)
    lightness = axis.min() > -0.1 * axis.max()
    grey = colours @ (axis / np.abs(axis).sum()).astype(np.float32)
    low = 0.0 if lightness else float(grey.min())
    high = float(grey.max())
    return (grey - low) / (high - low or 1), lightness


def _page_alone(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A photographed page on something darker: the picture with the page's tones where the page is not, and the page
    (h, w) bool; all of the picture where it shows none."""
    whole = np.ones(grey.shape, dtype=bool)
    coarse = ndimage.median_filter(ndimage.zoom(grey, 96 / max(grey.shape), order=1, grid_mode=True, mode="nearest"), 5)
    if not np.ptp(coarse) > 0.2:
        return grey, whole
    light = coarse > skimage.filters.threshold_otsu(coarse)
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    parts, count = ndimage.label(light)
    if not count or border.mean() > 0.35:
        return grey, whole
    page = ndimage.binary_fill_holes(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]))
    if page.mean() < 0.3 or not _is_rectangle(page) or not _ends_sharply(page, coarse):
        return grey, whole
    page = (
        ndimage.zoom(
            ndimage.binary_erosion(page, iterations=2).astype(np.float32),
            np.array(grey.shape) / page.shape,
            order=1,
            grid_mode=True,
            mode="nearest",
        )
        > 0.5
    )
    nearest = ndimage.distance_transform_edt(~page, return_distances=False, return_indices=True)
    return grey[tuple(nearest)], page


def _is_rectangle(area: np.ndarray) -> bool:
    """Whether an area (h, w) bool is about a rectangle, turned or not, or one in perspective."""
    (region,) = skimage.measure.regionprops(area.astype(np.uint8))
    sides = 0.75 * region.axis_major_length * region.axis_minor_length  # a rectangle's axes are 2 / √3 of its sides
    return region.area > 0.9 * sides > 0 and region.solidity > 0.93


def _ends_sharply(area: np.ndarray, grey: np.ndarray) -> bool:
    """Whether most of the difference between an area and its surroundings is at its outline."""
    inner = area & ~ndimage.binary_erosion(area, iterations=4, border_value=1)
    outer = ~area & ndimage.binary_dilation(area, iterations=4)
    return bool(outer.any()) and np.median(grey[inner]) - np.median(grey[outer]) > 0.6 * (
        np.median(grey[area]) - np.median(grey[~area])
    )


def _contrast(grey: np.ndarray, one_sign: bool) -> tuple[np.ndarray, float]:
    """How much (h, w) differs from its paper towards ink, 0 … 1 or more, and the paper's noise, standard deviation of
    the same."""
    noise = 1.6 * float(np.median(np.abs(grey - ndimage.uniform_filter(grey, 3))))
    smooth = ndimage.gaussian_filter(grey, 0.8) if noise > 0.004 else grey
    dark = _is_ink_dark(smooth)
    smooth = smooth if dark else 1 - smooth
    paper = _paper(smooth)
    contrast = paper - smooth
    # The paper was estimated at the lightest of its noise.
    contrast = (contrast - min(float(np.median(contrast)), 3 * noise)).clip(0)
    if one_sign:
        light = (paper if dark else 1 - paper) + (0.02 if dark else 0.1)
        noise, contrast = noise / float(np.median(light)), contrast / light
    return contrast.astype(np.float32), noise


def _is_ink_dark(grey: np.ndarray) -> bool:
    """Whether what differs from its surroundings is darker than they are."""
    small = ndimage.zoom(grey, min(1.0, 128 / max(grey.shape)), order=1, grid_mode=True, mode="nearest")
    difference = small - ndimage.median_filter(small, max(5, 2 * (max(small.shape) // 8) + 1), mode="nearest")
    return float((difference * np.abs(difference)).sum()) <= 0


def _paper(grey: np.ndarray) -> np.ndarray:
    """The paper under dark ink: what is darker than all round it is filled, as strokes are that are thin, and areas
    that the border is not in."""
    reach = max(1, min(round(_STROKE * max(grey.shape) / 2), min(grey.shape) // 4))
    closed = ndimage.grey_closing(grey, [2 * reach + 1] * 2, mode="nearest")
    # At the border, light that falls off there would be filled like a stroke: it goes on as it does within.
    onwards = np.pad(closed[reach:-reach, reach:-reach], reach, mode="reflect", reflect_type="odd")
    closed = np.minimum(closed, np.maximum(onwards, grey))
    deeper = _filled(grey) - closed
    areas, count = ndimage.label(deeper > 0.03)
    rim = (areas > 0) & ~ndimage.binary_erosion(areas > 0, iterations=3, border_value=1)
    inked = np.zeros(count + 1, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(areas), 1):
        within, at_rim = deeper[box][areas[box] == number], deeper[box][(areas[box] == number) & rim[box]]
        # A dark area that begins gently is shadow.
        inked[number] = len(at_rim) > 0 and at_rim.mean() > 0.5 * within.max()
    return np.where(inked[areas], closed + deeper, closed)


def _filled(grey: np.ndarray) -> np.ndarray:
    """Every dark area filled up to the lowest way out to the border, whose own short dark stretches are filled
    first."""
    height, width = grey.shape
    ring = np.concatenate([grey[0], grey[1:, -1], grey[-1, -2::-1], grey[-2:0:-1, 0]])
    ring = ndimage.grey_closing(ring, 2 * round(0.2 * max(height, width)) + 1, mode="wrap")
    seed = np.full((height + 2, width + 2), grey.max())
    padded = np.pad(grey, 1)
    seed[0, 1:-1] = ring[:width]
    seed[1:-1, -1] = np.append(ring[width - 1], ring[width : width + height - 1])
    seed[-1, 1:-1] = ring[width + height - 2 : 2 * width + height - 2][::-1]
    seed[1:-1, 0] = np.append(ring[2 * width + height - 3 :], ring[0])[::-1][:height]
    for array in (padded, seed):
        array[[0, 0, -1, -1], [0, -1, 0, -1]] = 1
    padded[0], padded[-1], padded[:, 0], padded[:, -1] = seed[0], seed[-1], seed[:, 0], seed[:, -1]
    return skimage.morphology.reconstruction(np.maximum(seed, padded), padded, method="erosion")[1:-1, 1:-1].astype(
        grey.dtype
    )
