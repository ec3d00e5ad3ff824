"""Fingerprint of a result's sources: a digest of strokes, geometry or pixels, independent of the view."""

import hashlib

import bpy
import numpy as np

from ..capture import meshes
from ..capture.edited import mesh_of
from ..conditions import CAPTURES
from ..scene import compatibility

VARY, BLEND = "vary", "blend"  # kinds of edits, in the settings of their results
SIGNIFICANT = 5  # decimals of a coordinate that count


def fingerprint(context, settings, items) -> str:
    """Hex digest of the objects' strokes or geometry in the world, and of the settings' pictures; "" without any.
    ``items``: objects of the scene."""
    if settings.edit:
        return of_edit(context, settings.edit, settings, items)
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


def of_edit(context, edit: str, settings, items) -> str:
    """Hex digest of the meshes that an edit is made from, in their own coordinates, and of its region's place in the
    first one."""
    digest = hashlib.sha256()
    for item in items:
        for array in mesh_of(context, item):
            _add(digest, array)
    if edit == VARY and items and (region := region_of(settings)) is not None:
        matrix = items[0].matrix_world.inverted_safe() @ region.matrix_world
        _add(digest, np.array(matrix) * region.empty_display_size)
    return digest.hexdigest()[:32]


def region_of(settings):
    """The empty whose region an edit makes anew; None for none."""
    return settings.region if settings.edit_region == "EMPTY" else None


def images_of(settings) -> list:
    """The images in the settings of their condition; none of an edit."""
    if settings.edit:
        return []
    names = getattr(CAPTURES[settings.condition].properties, "__annotations__", {})
    owners = [owner for name in names for owner in _entries(getattr(settings, name))]
    return [owner for owner in owners if isinstance(owner, bpy.types.Image)]


def _entries(value) -> list:
    """A property's value, or the values of a collection's entries."""
    if isinstance(value, bpy.types.bpy_prop_collection):
        return [getattr(entry, item.identifier) for entry in value for item in entry.bl_rna.properties]
    return [value]


def _add(digest, values: np.ndarray) -> None:
    digest.update(str(values.shape).encode())
    digest.update(np.round(values, SIGNIFICANT).astype(np.float32).tobytes())


def _pixels(image) -> np.ndarray:
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    return values
