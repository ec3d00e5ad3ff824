"""PNG encoding of pixel arrays. No bpy."""

import struct
import zlib

import numpy as np


def png(pixels: np.ndarray) -> bytes:
    """A PNG of pixels (H, W, 4) uint8: red, green, blue, and alpha that is not multiplied into them; row 0 is the
    top."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 4 * width), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def encoded(linear: np.ndarray) -> np.ndarray:
    """Scene-linear pixels (H, W, 4), alpha multiplied in, as a screen shows them: sRGB, 0 … 1, alpha taken out
    again."""
    alpha = linear[..., 3:].clip(0, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        colour = np.nan_to_num(np.where(alpha > 0, linear[..., :3] / alpha, 0)).clip(0, 1)
    colour = np.where(colour <= 0.0031308, 12.92 * colour, 1.055 * colour ** (1 / 2.4) - 0.055)
    return np.concatenate([colour, alpha], axis=-1)
