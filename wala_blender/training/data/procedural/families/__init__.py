"""Parametric families of named objects, facing +Z, with exact captions."""

import numpy as np

from ...captions import head_of
from ..builder import Builder
from ..shape import Shape
from . import buildings, furniture, nature, things, vehicles

# Name → (a function that builds one and returns its captions, the most exact first, each of them true of it; category).
FAMILIES = furniture.FAMILIES | buildings.FAMILIES | vehicles.FAMILIES | things.FAMILIES | nature.FAMILIES
_NAMES = tuple(FAMILIES)


def family_of(number: int) -> str:
    """Which family the number-th named shape is of: all by turns."""
    return _NAMES[number % len(_NAMES)]


def named(name: str, seed: int) -> Shape:
    """The shape of a family and a seed ≥ 0: the same on every machine. caption: the first, synonyms: the others."""
    build, category = FAMILIES[name]
    builder = Builder(np.random.default_rng([seed, *name.encode()]))
    captions = list(dict.fromkeys(build(builder)))
    return Shape(tuple(builder.parts), captions[0], head_of(captions[0]), category, tuple(captions[1:]))
