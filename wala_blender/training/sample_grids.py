"""Sample grids: pictures of shapes side by side in a run's folder."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..errors import InputError
from ..files import write_whole
from ..geometry.distance import EXTENT
from ..geometry.renderer import Camera, framed, shaded, trace
from .data.dataset import Entry, read_index

GRIDS = "sample_grids"  # folder in a run's
PREVIEW_SIZE = 128
ELEVATION = 25.0  # degrees
_BOX = np.array([[x, y, z] for x in (-EXTENT, EXTENT) for y in (-EXTENT, EXTENT) for z in (-EXTENT, EXTENT)])
_GAP = 2


def validation_entries(store: Path, entries: list[Entry]) -> list[Entry]:
    """Validation shapes of a run: the store's validation split, or ``entries`` if it has none."""
    try:
        return read_index(store, "validation")
    except InputError:
        return entries


def camera() -> Camera:
    """Camera of all pictures."""
    return framed(_BOX, ELEVATION, fill=0.95)


@torch.no_grad()
def render(field: Tensor) -> Tensor:
    """Shaded picture (PREVIEW_SIZE, PREVIEW_SIZE) float32, 0 … 1, on white, of a distance field (R, R, R)."""
    depth, normal = trace(field.float(), camera(), PREVIEW_SIZE)
    return torch.where(torch.isfinite(depth), 0.9 * shaded(normal), 1.0).cpu()


def scatter(points: Tensor) -> Tensor:
    """Points (N, 3) of model space as dark pixels, (PREVIEW_SIZE, PREVIEW_SIZE) float32."""
    seen = camera()
    at = (seen.project(points.cpu().float().numpy()) - seen.center) / seen.half_size
    column, row = (
        np.rint((np.stack([at[:, 0], -at[:, 1]]) + 1) / 2 * PREVIEW_SIZE - 0.5).astype(int).clip(0, PREVIEW_SIZE - 1)
    )
    picture = torch.ones(PREVIEW_SIZE, PREVIEW_SIZE)
    picture[row, column] = 0.25
    return picture


def words(text: str) -> Tensor:
    """A line or two of text as a picture, (PREVIEW_SIZE, PREVIEW_SIZE) float32."""
    image = Image.new("L", (PREVIEW_SIZE, PREVIEW_SIZE), 255)
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and len(line) + len(word) > 16:
            lines, line = [*lines, line], ""
        line = f"{line} {word}".strip()
    ImageDraw.Draw(image).multiline_text(
        (6, PREVIEW_SIZE // 3), "\n".join([*lines, line]), 40, ImageFont.load_default(13)
    )
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255)


def write_sample_grid(folder: Path, samples: int, rows: list[list[Tensor]]) -> Tensor:
    """Writes FOLDER/GRIDS/SAMPLES.png of pictures (PREVIEW_SIZE, PREVIEW_SIZE), a list a row; returns it (H, W, 3)
    uint8."""
    padded = [[torch.nn.functional.pad(picture.clamp(0, 1), (_GAP,) * 4, value=0.7) for picture in row] for row in rows]
    grid = (torch.cat([torch.cat(row, 1) for row in padded]) * 255).round().to(torch.uint8)[..., None].expand(-1, -1, 3)
    (folder / GRIDS).mkdir(exist_ok=True)
    image = Image.fromarray(grid.contiguous().numpy())
    write_whole(folder / GRIDS / f"{samples:08}.png", lambda stream: image.save(stream, format="PNG"))
    return grid
