"""Pixels of picture files at the file's full precision."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..array_files import damaged, read_npy
from ..errors import InputError
from ..files import check_size
from .image_files import MAX_BYTES, check_pixels, read_picture

_PNG, _COLOUR_TYPES = b"\x89PNG\r\n\x1a\n", (2, 6)


def read_pixels(path: Path) -> np.ndarray:
    """(H, W) or (H, W, 3 or 4), turned upright: uint8 0 … 255, uint16 0 … 65535, or float32 of any range
    (floating-point TIFF, .npy, .exr).

    An EXR with a depth channel is that channel. Raises InputError for what is damaged, too large or no picture.
    """
    reader = {".npy": _array, ".exr": _exr}.get(path.suffix.lower(), _picture)
    return reader(path)


def eight_bits(image: np.ndarray) -> np.ndarray:
    """A picture as read_picture gives it as uint8: of sixteen bits the upper eight, of floats 0 … 1, or to the largest
    where that is more."""
    image = np.asarray(image)
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind in "bu":
        return np.round(image * (255 / np.iinfo(image.dtype).max if image.dtype.kind == "u" else 255)).astype(np.uint8)
    image = np.nan_to_num(image.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return np.round(255 * (image / max(1.0, float(image.max(initial=0)))).clip(0, 1)).astype(np.uint8)


def _picture(path: Path) -> np.ndarray:
    try:
        picture = read_picture(path)
    except InputError as error:
        if isinstance(error.__cause__, UnidentifiedImageError) and path.suffix.lower() in (".tif", ".tiff"):
            return _tiff(path)
        raise
    if _is_16_bit_colour(path):
        return 256 * _pixels(picture).astype(np.uint16) + _pixels(read_picture(path, lower_bytes=True))
    return _pixels(picture)


def _is_16_bit_colour(path: Path) -> bool:
    """Whether a file is a PNG whose 16 bits a channel Pillow cuts to 8."""
    with open(path, "rb") as stream:
        head = stream.read(26)
    return head[:8] == _PNG and head[24] == 16 and head[25] in _COLOUR_TYPES


def _pixels(picture: Image.Image) -> np.ndarray:
    if picture.mode == "F":
        return np.asarray(picture, dtype=np.float32)
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        return values.astype(np.uint16 if values.min() >= 0 and values.max() < 2**16 else np.float32)
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if picture.mode in ("LA", "PA") or "transparency" in picture.info else "RGB")
    return np.asarray(picture)


def _tiff(path: Path) -> np.ndarray:
    """Floats of 16 and 64 bits, which Pillow does not read."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            check_pixels(path.name, page.imagewidth, page.imagelength * page.samplesperpixel)
            check_pixels(path.name, page.tilewidth, page.tilelength)
            return _checked(path, page.asarray())
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a reader meets damaged files in countless ways
        raise damaged(path, error) from error


def _array(path: Path) -> np.ndarray:
    array = read_npy(path)
    if array.ndim > 1:
        check_pixels(path.name, array.shape[1], array.shape[0])
    return _checked(path, array)


def _checked(path: Path, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "bfiu":
        raise InputError(f"{path.name} holds {array.dtype}, expected the numbers of one picture")
    array = (
        array[..., 0]
        if array.ndim == 3 and array.shape[2] == 1
        else array[0]
        if array.ndim == 3 and array.shape[0] == 1
        else array
    )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError(f"{path.name} holds an array of shape {array.shape}, expected a picture (height, width)")
    if array.dtype in (np.uint8, np.uint16):
        return array
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinitely far
        return array.astype(np.float32)


def _exr(path: Path) -> np.ndarray:
    try:
        import OpenEXR
    except ImportError as error:
        raise InputError(
            f"{path.name}: the library that reads EXR is not installed",
            "Press Set Up Worker again (or: pip install OpenEXR), or save the picture as a 16-bit PNG",
        ) from error
    check_size(path, MAX_BYTES, "a picture", "Make the picture smaller")
    try:
        with OpenEXR.File(str(path), header_only=True) as file:
            for part in file.parts:
                (left, top), (right, bottom) = part.header["dataWindow"]
                check_pixels(path.name, right - left + 1, bottom - top + 1)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels for part in file.parts for name, channel in part.channels.items()}
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a reader meets damaged files in countless ways
        raise damaged(path, error) from error
    if not channels:  # the library only reports it
        raise damaged(path, ValueError("its pixels are damaged or incomplete"))
    names = _depth_channel(list(channels)) or _colour_channels(list(channels))
    if not names or any(channels[name].shape != channels[names[0]].shape for name in names):
        raise InputError(
            f"{path.name} has the channels {', '.join(channels)[:120]}, expected Z, or R, G and B",
            "Write the depth as Z",
        )
    picked = [np.asarray(channels[name], np.float32) for name in names]
    return picked[0] if len(picked) == 1 else np.stack(picked, axis=2)


def _depth_channel(names: list[str]) -> list[str]:
    """The channel of these that holds depth: Z, View Layer.Depth.Z, or the only one beside alpha; [] where there is
    none."""
    layers = [name.lower().split(".") for name in names]
    for is_depth in (
        lambda layer: "depth" in layer,
        lambda layer: layer[-1] == "z" and layer[:-1] + ["x"] not in layers,
    ):
        found = [name for name, layer in zip(names, layers) if is_depth(layer)]
        if found:
            return found[:1]
    grey = [name for name, layer in zip(names, layers) if layer[-1] != "a"]
    return grey if len(grey) == 1 else []


def _colour_channels(names: list[str]) -> list[str]:
    """R, G, B and, where there is one, A of the first layer that has them, the combined one before others; [] where
    none has."""
    for red in sorted((name for name in names if name[-1:] in "rR"), key=lambda name: "combined" not in name.lower()):
        colour = [red[:-1] + (letter if red.endswith("R") else letter.lower()) for letter in "RGBA"]
        if all(name in names for name in colour[:3]):
            return [name for name in colour if name in names]
    return []
