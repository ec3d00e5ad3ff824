"""Encoder of sketches: strokes → line picture → tokens and grid features.

The line picture is the common form of every sketch: PICTURE² pixels, lines 1 on 0, the drawing's bounding box centred,
its longest side FILL of the picture's.
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from scipy import ndimage
from torch import Tensor, nn

from ..errors import InputError
from ..geometry.distance import EXTENT
from ..geometry.renderer import Camera, framed
from ..networks.layers import TransformerBlock, grid_to_tokens, normal_parameter
from .evidence import Evidence
from .grid_features import fold, sample_picture
from .ink import drawing_in
from .specs.sketch import SketchEncoderConfig
from .types import Prepared

PICTURE = 128
FILL = 0.9
LINE_WIDTH = 1.6  # pixels
DEFAULT_ELEVATION = 15.0  # degrees
ELEVATIONS = (-5.0, 50.0)  # a little more than what training shows
_OVERSAMPLE = 4
_GAP = 6  # pixels: gaps in an outline up to this wide let nothing in


def picture_of_polylines(
    polylines: list[np.ndarray], side: int = PICTURE, line_width: float = LINE_WIDTH
) -> np.ndarray:
    """Line picture (side, side) float32 of polylines, each (n, 2): x right, y up, any unit; line_width in pixels.

    Raises InputError when there is nothing to draw or a coordinate is not finite.
    """
    polylines = [np.asarray(line, dtype=np.float64).reshape(-1, 2) for line in polylines]
    points = np.concatenate(polylines) if polylines else np.empty((0, 2))
    if len(points) < 2:
        raise InputError("the sketch is empty", "Draw some strokes first.")
    if not np.isfinite(points).all():
        raise InputError("the sketch has points that are not finite numbers", "Delete the broken strokes.")
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    if extent <= 0:
        raise InputError("all strokes of the sketch lie in one point", "Draw the outline of a shape.")
    size = side * _OVERSAMPLE
    scale = FILL * size / extent
    canvas = Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    for line in polylines:
        at = (line - (low + high) / 2) * scale * (1, -1) + size / 2
        if len(at) > 1:
            draw.line([tuple(p) for p in at], fill=255, width=round(line_width * _OVERSAMPLE), joint="curve")
    if canvas.getbbox() is None:
        raise InputError("the sketch has single points and no lines", "Draw the outline of a shape.")
    return np.asarray(canvas.resize((side, side), Image.Resampling.BOX), dtype=np.float32) / 255


def picture_of_image(image: np.ndarray) -> np.ndarray:
    """Line picture (PICTURE, PICTURE) float32 of an image as drawing_in takes it. Raises InputError for an image
    without lines."""
    return picture_of_ink(drawing_in(image).ink)


def picture_of_ink(ink: np.ndarray) -> np.ndarray:
    """Line picture (PICTURE, PICTURE) float32 of ink (H, W), 0 … 1. Raises InputError where there is none."""
    ink = np.clip((ink - 0.15) / 0.5, 0, 1)
    rows, columns = np.nonzero(ink.max(axis=1) > 0.3)[0], np.nonzero(ink.max(axis=0) > 0.3)[0]
    if len(rows) < 2 and len(columns) < 2:
        raise InputError("the sketch image shows no lines", "Use lines that stand out from their background.")
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = FILL * PICTURE / max(ink.shape)
    height, width = (max(1, round(n * scale)) for n in ink.shape)
    # A wide line would vanish into grey when a large picture shrinks: thicken it to a pixel of the result first.
    if scale < 1:
        radius = max(0, round(0.5 / scale) - 1) // 2
        ink = F.max_pool2d(torch.from_numpy(ink)[None, None], 2 * radius + 1, 1, radius)[0, 0].numpy()
    small = np.asarray(
        Image.fromarray((ink * 255).astype(np.uint8)).resize(
            (width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
        )
    )
    return centred(small / 255)


def centred(small: np.ndarray) -> np.ndarray:
    """A picture (H, W) of no side above PICTURE in the middle of a black one (PICTURE, PICTURE) float32."""
    picture = np.zeros((PICTURE, PICTURE), dtype=np.float32)
    height, width = small.shape
    top, left = (PICTURE - height) // 2, (PICTURE - width) // 2
    picture[top : top + height, left : left + width] = small
    return picture


def with_enclosed(lines: Tensor) -> Tensor:
    """Line pictures (B, 1, S, S) → (B, 2, S, S): the second channel is 1 on the lines and in all that they enclose, the
    drawing's silhouette if its outline is closed."""
    enclosed = np.empty(lines.shape, dtype=np.float32)
    for row, ink in enumerate(lines[:, 0].cpu().numpy() > 0.25):
        # A margin all round, so that everything outside is one region and dilating has room.
        padded = np.pad(ink, _GAP)
        regions, _ = ndimage.label(~ndimage.binary_dilation(padded, iterations=_GAP // 2))
        inside = ndimage.binary_erosion(regions != regions[0, 0], iterations=_GAP // 2) | padded
        enclosed[row, 0] = inside[_GAP:-_GAP, _GAP:-_GAP]
    return torch.cat([lines, torch.from_numpy(enclosed).to(lines.device)], dim=1)


def prepare(inputs: dict) -> Prepared:
    """{"polylines" or "image", "elevation" (degrees)} → line picture and what it encloses (1, 2, PICTURE, PICTURE),
    elevation (1,)."""
    left_out = ""
    if "polylines" in inputs:
        picture = picture_of_polylines(inputs["polylines"])
    else:
        drawing = drawing_in(inputs["image"])
        picture, left_out = picture_of_ink(drawing.ink), drawing.left_out
    elevation = float(np.clip(inputs.get("elevation", DEFAULT_ELEVATION), *ELEVATIONS))
    return prepared_drawing(with_enclosed(torch.from_numpy(picture)[None, None]), elevation, left_out)


def prepared_drawing(picture: Tensor, elevation: float, note: str = "") -> Prepared:
    """Of a line picture and what it encloses (1, 2, PICTURE, PICTURE), drawn from an elevation in degrees."""
    return Prepared(
        (picture, torch.tensor([elevation])),
        note=note,
        evidence=lambda field: Evidence(sketch=picture[0], camera=drawing_camera(field, elevation)),
    )


def drawing_camera(field: Tensor, elevation: float) -> Camera:
    """The parallel camera in whose picture the solid of a field (R, R, R) has the same size as a drawing in its line
    picture."""
    inside = (field < 0).nonzero()
    points = inside.double().numpy() * (2 / len(field)) - 1 if len(inside) else np.array([[-EXTENT] * 3, [EXTENT] * 3])
    return framed(points, elevation, fill=FILL)


class SketchEncoder(nn.Module):
    """Line pictures with silhouettes (B, 2, 128, 128) and elevations (B,) degrees → tokens (B, 65, out_width), grid
    features (B, grid_channels, 12, 12, 12)."""

    def __init__(self, config: SketchEncoderConfig = SketchEncoderConfig()):
        super().__init__()
        w, out = config.width, config.out_width
        self.local = nn.Sequential(
            nn.Conv2d(2, w // 2, 5, 2, 2),
            nn.SiLU(),
            nn.Conv2d(w // 2, w, 3, 2, 1),
            nn.GroupNorm(8, w),
            nn.SiLU(),
            nn.Conv2d(w, w, 3, 1, 1),
        )
        self.wide = nn.Sequential(
            nn.GroupNorm(8, w),
            nn.SiLU(),
            nn.Conv2d(w, 2 * w, 3, 2, 1),
            nn.GroupNorm(8, 2 * w),
            nn.SiLU(),
            nn.Conv2d(2 * w, out, 3, 2, 1),
        )
        self.elevation = nn.Sequential(nn.Linear(2, out), nn.SiLU(), nn.Linear(out, out))
        self.position = normal_parameter((1, 65, out))
        self.blocks = nn.ModuleList(TransformerBlock(out, 4, modulated=False) for _ in range(2))
        self.back = nn.Conv2d(out, w, 1)
        self.placed = nn.Conv3d(8 * (w + 3), config.grid_channels, 1)

    def forward(self, picture: Tensor, elevation: Tensor) -> tuple[Tensor, Tensor]:
        local = self.local(picture)  # 32 × 32
        angle = torch.deg2rad(elevation.float())
        seen_from = self.elevation(torch.stack([angle.sin(), angle.cos()], -1).to(local.dtype))
        tokens = torch.cat([grid_to_tokens(self.wide(local)), seen_from[:, None]], 1) + self.position
        for block in self.blocks:
            tokens = block(tokens)
        B, _, C = tokens.shape
        overview = self.back(tokens[:, :64].transpose(1, 2).reshape(B, C, 8, 8))
        features = local + F.interpolate(overview, scale_factor=4, mode="bilinear", align_corners=False)
        return tokens, self.placed(fold(sample_picture(features.float(), elevation)).to(features.dtype))
