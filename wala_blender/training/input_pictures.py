"""Small grey pictures of inputs and results, for reports."""

import numpy as np
import torch
from PIL import Image

from ..geometry.renderer import framed, shaded, trace

PICTURE_SIZE = 192  # pixels
GROUND = 242  # grey of the pictures' background
AZIMUTH, ELEVATION = 30.0, 20.0  # degrees, from where shapes are seen
InputPicture = Image.Image | str  # a picture (PICTURE_SIZE, PICTURE_SIZE), or words in its place


def picture_of(field: torch.Tensor) -> Image.Image | None:
    """A distance field's surface, lit, on light grey, (PICTURE_SIZE, PICTURE_SIZE) in grey; None without one."""
    field = field.cpu().float()
    inside = torch.nonzero(field[::4, ::4, ::4] < 0).numpy()
    if not len(inside):
        return None
    low, high = (np.array(end) * 8 / field.shape[0] - 1 for end in (inside.min(axis=0), inside.max(axis=0)))
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    depth, normal = trace(field, framed(corners, ELEVATION, azimuth=AZIMUTH), PICTURE_SIZE)
    picture = torch.where(torch.isfinite(depth), 235 * shaded(normal), float(GROUND))
    return Image.fromarray(picture.to(torch.uint8).numpy())


def rendered(field: torch.Tensor) -> InputPicture:
    """``picture_of`` a field, or text if there is none."""
    return picture_of(field) or "no surface"


def flattened(image: np.ndarray) -> Image.Image:
    """A picture (H, W) or one cut out (H, W, 4), uint8, on the background's grey."""
    picture = Image.fromarray(image).convert("RGBA")
    ground = Image.new("RGBA", picture.size, (GROUND, GROUND, GROUND, 255))
    return Image.alpha_composite(ground, picture).resize((PICTURE_SIZE, PICTURE_SIZE), Image.Resampling.LANCZOS)
