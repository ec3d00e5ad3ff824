"""Contact sheet: pictures side by side with captions; lines and the cursor over renders. Pixels only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, INK, GREY, MARK = (250, 249, 246), (38, 40, 46), (118, 120, 126), (28, 92, 190)
FOCAL = 1.6  # of every picture: pixels = side · (1/2 + FOCAL · picture coordinates)
GAP, LABEL, HEAD = 12, 26, 34
_OVERSAMPLE = 3


@dataclass(frozen=True)
class Cell:
    """A square picture and its caption."""

    picture: Image.Image
    caption: str


def font(size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own, so that no file of the system is needed."""
    return ImageFont.load_default(size)


def to_pixels(picture: np.ndarray, side: int) -> list[tuple[float, float]]:
    """Picture coordinates (N, 2), y up, to pixels of a square picture."""
    at = side * (0.5 + FOCAL * np.asarray(picture) * (1, -1))
    return [(float(x), float(y)) for x, y in at]


def blank(side: int) -> Image.Image:
    return Image.new("RGB", (side, side), (255, 255, 255))


def on_paper(render: Image.Image) -> Image.Image:
    """A render with a transparent background, on a floor that fades from light to white."""
    side = render.size[0]
    shade = np.linspace(255, 226, side)[:, None, None].repeat(side, 1).repeat(3, 2).astype(np.uint8)
    ground = Image.fromarray(shade)
    ground.paste(render, (0, 0), render.getchannel("A"))
    return ground


def with_lines(image: Image.Image, lines: Sequence[np.ndarray], colour=INK, width: float = 2.2) -> Image.Image:
    """The image with polylines (n, 2) in picture coordinates over it; smooth, as Pillow's own lines are not."""
    side = image.size[0]
    ink = Image.new("L", (side * _OVERSAMPLE,) * 2)
    draw = ImageDraw.Draw(ink)
    for line in lines:
        draw.line(to_pixels(line, side * _OVERSAMPLE), fill=255, width=round(width * _OVERSAMPLE), joint="curve")
    result = image.copy()
    result.paste(colour, (0, 0), ink.resize((side, side), Image.Resampling.BOX))
    return result


def with_cursor(image: Image.Image, at: np.ndarray) -> Image.Image:
    """The image with Blender's 3D cursor at picture coordinates (2,)."""
    size = 0.03
    ring = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 40)]) * size * 0.6 + at
    cross = [
        at + np.array(ends) * size
        for ends in (((-1, 0), (-0.3, 0)), ((0.3, 0), (1, 0)), ((0, -1), (0, -0.3)), ((0, 0.3), (0, 1)))
    ]
    return with_lines(with_lines(image, [ring], (208, 40, 36), 2.5), cross, INK, 1.6)


def card(words: str, side: int) -> Image.Image:
    """A prompt as a picture."""
    image = blank(side)
    draw = ImageDraw.Draw(image)
    size = side / 9
    while draw.textlength(words, font(size)) > side * 0.86:
        size *= 0.9
    draw.text((side / 2, side / 2), words, INK, font(size), anchor="mm")
    return image


def contact_sheet(title: str, rows: Sequence[tuple[str, Sequence[Cell]]], footer: str = "") -> Image.Image:
    """Rows of (heading, cells) under a title. All pictures have one size."""
    side = rows[0][1][0].picture.size[0]
    columns = max(len(cells) for _, cells in rows)
    heads = sum(HEAD for heading, _ in rows if heading)
    width = GAP + columns * (side + GAP)
    height = 2 * HEAD + heads + len(rows) * (side + LABEL + GAP) + (LABEL if footer else 0)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, HEAD), title, INK, font(26), anchor="lm")
    y = 2 * HEAD - GAP
    for heading, cells in rows:
        if heading:
            draw.text((GAP, y + HEAD / 2), heading, INK, font(17), anchor="lm")
            y += HEAD
        for column, cell in enumerate(cells):
            x = GAP + column * (side + GAP)
            sheet.paste(cell.picture, (x, y))
            draw.rectangle((x, y, x + side - 1, y + side - 1), outline=(214, 213, 208))
            draw.text((x + 2, y + side + LABEL / 2), cell.caption, GREY, font(15), anchor="lm")
        y += side + LABEL + GAP
    if footer:
        draw.text((GAP, y + LABEL / 4), footer, GREY, font(14), anchor="lm")
    return sheet
