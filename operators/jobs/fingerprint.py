"""Fingerprint of what a shape is made from: a digest of strokes, geometry or pixels, wherever it is looked at from."""

import hashlib

import numpy as np

from ..capture import meshes
from ..scene import compatibility

IMAGE, MAPS = "IMAGE", "MAPS"  # conditions whose input is in the settings
SIGNIFICANT = 5  # decimals of a coordinate that count


def fingerprint(context, settings, items) -> str:
    """Hex digits that change with the objects' strokes or geometry in the world, or with the settings' pictures; ""
    where there is nothing to follow. ``items``: objects of the scene."""
    digest = hashlib.sha256()
    for image in images_of(settings):
        _add(digest, _pixels(image))
    sketches = [item for item in items if item.type in compatibility.GREASE_PENCIL_TYPES]
    for sketch in sketches:
        for stroke in compatibility.strokes(sketch, context.evaluated_depsgraph_get()):
            _add(digest, stroke)
    solid = [item for item in items if item not in sketches]
    if solid:
        for array in meshes.gather(context, solid):
            _add(digest, array)
    return digest.hexdigest()[:32] if items or images_of(settings) else ""


def images_of(settings) -> list:
    """The pictures that a shape is made from by these settings."""
    if settings.condition == IMAGE:
        return [settings.image] if settings.image is not None else []
    return [entry.image for entry in settings.maps if entry.image] if settings.condition == MAPS else []


def _add(digest, values: np.ndarray) -> None:
    digest.update(str(values.shape).encode())
    digest.update(np.round(values, SIGNIFICANT).astype(np.float32).tobytes())


def _pixels(image) -> np.ndarray:
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    return values
