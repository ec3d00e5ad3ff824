"""Picture files, opened within limits."""

import logging
import math
import warnings
from pathlib import Path

from PIL import Image, ImageOps, TiffImagePlugin

from ..errors import InputError, first_line
from ..files import check_size

log = logging.getLogger(__name__)

# Readers that decode in this process. Pillow has others that start a program (PostScript) or are seldom used, and so
# seldom tested.
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "TGA")
MAX_PIXELS = 64_000_000
MAX_BYTES = 512 * 2**20  # of the file: 64 megapixels of four 16-bit channels
WORKING_SIDE = 4096  # pixels: what is larger is made smaller at once
_TILE_TAGS = (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH)
_LOWER_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}  # Pillow's names of how a file's pixels lie
_SAVE_AS = "Save it as PNG, JPEG, WebP, TIFF, BMP, GIF, PPM or TGA"


def check_pixels(name: str, width: int, height: int) -> None:
    """Raises InputError for a picture of more than MAX_PIXELS; to be asked before its pixels are decoded."""
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name} has {width} × {height} pixels ({width * height / 1e6:.0f} megapixels), "
            f"more than the {MAX_PIXELS / 1e6:.0f} megapixels that are read",
            "Make the picture smaller",
        )


def read_picture(path: Path, lower_bytes: bool = False) -> Image.Image:
    """A file's first picture in memory, turned upright, in the file's own mode; a side above WORKING_SIDE is divided by
    a whole number.

    ``lower_bytes``: of a PNG of 16-bit colour, of which Pillow reads the upper byte of each value, the lower.
    Raises InputError: not one of FORMATS, damaged, or above MAX_BYTES or MAX_PIXELS.
    """
    check_size(path, MAX_BYTES, "a picture", "Make the picture smaller")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit warns above 89 megapixels, and refuses above 179
            with Image.open(path, formats=FORMATS) as opened:
                check_pixels(path.name, *opened.size)
                _check_tiles(path, opened)
                if lower_bytes:
                    opened.tile = [tile._replace(args=_LOWER_BYTES[tile.args]) for tile in opened.tile]
                opened.load()
                _turn_upright(path, opened)
                return _working_size(opened)
    except Image.UnidentifiedImageError as error:
        raise InputError(
            f"{path.name} is not a picture of a kind that is read, or its beginning is damaged", _SAVE_AS
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{path.name} has more than the {MAX_PIXELS / 1e6:.0f} megapixels that are read", "Make the picture smaller"
        ) from error
    except (InputError, MemoryError):
        raise
    except Exception as error:  # readers of eight formats meet damaged files in countless ways
        raise InputError(
            f"{path.name} cannot be read ({first_line(error, 160)})",
            "The file is damaged or incomplete: write it again",
        ) from error


def _check_tiles(path: Path, opened: Image.Image) -> None:
    """A TIFF's tiles are decoded whole, however small the picture is."""
    if isinstance(opened, TiffImagePlugin.TiffImageFile):
        width, height = (int(opened.tag_v2.get(tag, 0)) for tag in _TILE_TAGS)
        if width * height > MAX_PIXELS:
            raise InputError(
                f"{path.name} has tiles of {width} × {height} pixels, more than the {MAX_PIXELS / 1e6:.0f} megapixels that are read",
                "Save it without tiles",
            )


def _turn_upright(path: Path, picture: Image.Image) -> None:
    """Rotate in place by the EXIF orientation."""
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except Exception as error:  # damaged EXIF data are no reason to refuse good pixels
        log.info("%s: its EXIF data cannot be read (%s)", path.name, first_line(error))


def _working_size(picture: Image.Image) -> Image.Image:
    factor = math.ceil(max(picture.size) / WORKING_SIDE)
    if factor == 1:
        return picture.copy()
    if picture.mode in ("1", "P", "PA"):
        picture = picture.convert(
            "L" if picture.mode == "1" else "RGBA" if "transparency" in picture.info or picture.mode == "PA" else "RGB"
        )
    elif picture.mode.startswith("I;"):
        picture = picture.convert("I")
    return picture.reduce(factor)
