"""Colour spaces: sRGB, linear light and CIELAB (D65), and the eleven basic colour words."""

import numpy as np

# Linear sRGB → XYZ relative to the D65 white, IEC 61966-2-1.
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _TO_XYZ.sum(axis=1)
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27

# Basic colour words (Berlin and Kay 1969) with typical sRGB colours; a colour has the word of the nearest in CIELAB.
TYPICAL = {
    "black": ((0, 0, 0), (34, 34, 38)),
    "white": ((255, 255, 255), (232, 232, 228)),
    "grey": ((128, 128, 128), (80, 82, 86), (175, 177, 180), (110, 120, 130), (205, 205, 205)),
    "red": ((220, 30, 30), (170, 25, 30), (235, 70, 60)),
    "green": ((40, 160, 50), (30, 90, 40), (120, 190, 70), (90, 190, 150), (110, 130, 60)),
    "blue": ((40, 80, 210), (25, 45, 110), (80, 150, 230), (60, 120, 150), (150, 195, 235)),
    "yellow": ((250, 220, 40), (225, 190, 60), (245, 230, 130)),
    "orange": ((245, 140, 30), (230, 153, 100), (240, 165, 85)),
    "brown": ((120, 75, 40), (85, 55, 35), (160, 110, 65), (190, 150, 105), (110, 90, 75)),
    "purple": ((130, 50, 160), (85, 40, 110), (165, 120, 205)),
    "pink": ((245, 120, 180), (250, 180, 200), (220, 60, 130)),
}
NAMES = tuple(TYPICAL)


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB 0 … 1 → linear light 0 … 1, of the same shape, float."""
    srgb = np.asarray(srgb, dtype=np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light → sRGB, both 0 … 1; what lies outside is cut."""
    linear = np.clip(np.asarray(linear, dtype=np.float64), 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def as_bytes(srgb: np.ndarray) -> np.ndarray:
    """Colours 0 … 1 → uint8, rounded."""
    return np.rint(np.clip(srgb, 0, 1) * 255).astype(np.uint8)


def to_lab(colours: np.ndarray) -> np.ndarray:
    """sRGB bytes (…, 3) → CIELAB (…, 3) float32, L 0 … 100."""
    relative = to_linear(np.asarray(colours, dtype=np.float64) / 255) @ _TO_XYZ.T / _WHITE
    f = np.where(relative > _EPSILON, np.cbrt(relative), (_KAPPA * relative + 16) / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def from_lab(lab: np.ndarray) -> np.ndarray:
    """CIELAB (…, 3) → sRGB bytes (…, 3) uint8; what sRGB lacks is cut."""
    lab = np.asarray(lab, dtype=np.float64)
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    relative = np.where(f**3 > _EPSILON, f**3, (116 * f - 16) / _KAPPA)
    return as_bytes(to_srgb(relative * _WHITE @ np.linalg.inv(_TO_XYZ).T))


_TYPICAL_LAB = np.concatenate([to_lab(np.array(colours)) for colours in TYPICAL.values()])
_TYPICAL_NAME = np.repeat(np.arange(len(NAMES)), [len(colours) for colours in TYPICAL.values()])


def names_of(colours: np.ndarray) -> np.ndarray:
    """sRGB bytes (N, 3) → index into NAMES (N,) of the nearest typical colour's word."""
    distance = ((to_lab(colours)[:, None] - _TYPICAL_LAB) ** 2).sum(axis=-1)
    return _TYPICAL_NAME[distance.argmin(axis=1)]


def main_name(colours: np.ndarray, weights: np.ndarray | None = None) -> tuple[int, float]:
    """Index into NAMES of the word that most of the weight has, and its share 0 … 1."""
    totals = np.bincount(names_of(colours), weights, len(NAMES))
    return int(totals.argmax()), float(totals.max() / max(totals.sum(), 1e-12))
