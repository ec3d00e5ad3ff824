"""Wavefront MTL reader: colours and textures of materials."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .text import read_text
from .textures import read_texture

_OPTIONS = {"-blendu": 1, "-blendv": 1, "-boost": 1, "-mm": 2, "-o": 3, "-s": 3, "-t": 3, "-texres": 1, "-clamp": 1}
_OPTIONS |= {"-bm": 1, "-imfchan": 1, "-type": 1, "-colorspace": 1}


@dataclass
class Material:
    """``colour``: Kd, taken as sRGB 0 … 1; ``picture``: the texture's file, or None."""

    colour: tuple[float, ...] = (0.8, 0.8, 0.8)
    picture: Path | None = None

    def texture(self) -> np.ndarray | None:
        """sRGB bytes (H, W, 3); None without one that can be read."""
        if self.picture is None or not self.picture.is_file():
            return None
        try:
            return read_texture(self.picture)
        except (OSError, ValueError):
            return None


def read_materials(files: Iterable[Path]) -> dict[str, Material]:
    """Materials by name; what cannot be read is left out."""
    materials: dict[str, Material] = {}
    for file in files:
        if not file.is_file():
            continue
        current = Material()
        for line in read_text(file).split("\n"):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if words[0] == "newmtl":
                current = materials[" ".join(words[1:])] = Material()
            elif words[0] == "Kd":
                current.colour = _numbers(words[1:4]) or current.colour
            elif words[0] == "map_Kd":
                current.picture = _beside(file, words[1:])
    return materials


def _numbers(words: list[str]) -> tuple[float, ...] | None:
    try:
        return tuple(min(max(float(word), 0.0), 1.0) for word in words) if len(words) == 3 else None
    except ValueError:
        return None


def _beside(file: Path, words: list[str]) -> Path | None:
    """The picture's path without the map's options; None where it does not lie beside the file."""
    while words and words[0] in _OPTIONS:
        words = words[1 + _OPTIONS[words[0]] :]
    relative = Path(" ".join(words).replace("\\", "/"))
    outside = relative.is_absolute() or ".." in relative.parts or not words
    return None if outside else file.parent / relative
