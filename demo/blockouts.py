"""Sheet of six blockouts: what Blender's remesher makes of each, and what the starter does."""

from collections.abc import Callable, Sequence

import bpy
import numpy as np
from PIL import Image

from . import sheet, stage
from .drawing import Eye
from .inputs import Box, blockout

IMAGE_SIZE, SAMPLES = 232, 16  # pixels of a picture, rays of each
VOXELS = 64  # along the longest side, of Blender's remesher
SMOOTHING = 8  # iterations of its Smooth modifier
DISTANCE = 5.2  # of the eye from a shape of two units


def _mirrored(*boxes: Box) -> list[Box]:
    """Boxes and their mirror images in X."""
    return [*boxes, *(((-high[0], *low[1:]), (-low[0], *high[1:])) for low, high in boxes)]


def car() -> list[Box]:
    """A body, a cabin and four wheels."""
    wheels = [((0.28, y - 0.2, 0.0), (0.45, y + 0.2, 0.4)) for y in (-0.6, 0.6)]
    return [((-0.42, -1.0, 0.2), (0.42, 1.0, 0.55)), ((-0.36, -0.35, 0.55), (0.36, 0.7, 0.9)), *_mirrored(*wheels)]


def house() -> list[Box]:
    """Walls, a roof in three steps, a chimney."""
    roof = [
        ((-1.0 + 0.25 * step, -0.75, 0.8 + 0.22 * step), (1.0 - 0.25 * step, 0.75, 1.02 + 0.22 * step))
        for step in range(3)
    ]
    return [((-0.85, -0.65, 0.0), (0.85, 0.65, 0.8)), *roof, ((0.35, -0.2, 1.0), (0.55, 0.0, 1.75))]


def table() -> list[Box]:
    """A top and four legs."""
    legs = [((0.8, y, 0.0), (0.94, y + 0.14, 0.85)) for y in (-0.55, 0.41)]
    return [((-1.0, -0.6, 0.85), (1.0, 0.6, 0.98)), *_mirrored(*legs)]


def castle() -> list[Box]:
    """Four towers, walls between them, a keep."""
    towers = [((0.6, y, 0.0), (1.0, y + 0.4, 1.3)) for y in (-1.0, 0.6)]
    walls = [((-0.7, y, 0.0), (0.7, y + 0.15, 0.75)) for y in (-0.88, 0.73)]
    side = [((0.73, -0.7, 0.0), (0.88, 0.7, 0.75))]
    return [*_mirrored(*towers), *walls, *_mirrored(*side), ((-0.35, -0.3, 0.0), (0.35, 0.4, 1.7))]


def robot() -> list[Box]:
    """A head, a body, arms, legs and feet."""
    limbs = [
        ((0.45, -0.15, 0.85), (0.68, 0.15, 1.6)),
        ((0.08, -0.15, 0.15), (0.34, 0.15, 0.8)),
        ((0.06, -0.35, 0.0), (0.36, 0.18, 0.15)),
    ]
    return [((-0.4, -0.25, 0.8), (0.4, 0.25, 1.6)), ((-0.25, -0.22, 1.62), (0.25, 0.22, 2.05)), *_mirrored(*limbs)]


BLOCKOUTS: dict[str, Callable[[], list[Box]]] = {
    "a sofa": blockout,
    "a car": car,
    "a house": house,
    "a table": table,
    "a castle": castle,
    "a robot": robot,
}


def remeshed(names: Sequence[str]) -> str:
    """Blender's own way: copies of the objects joined, Voxel Remesh, a Smooth modifier. Returns the object's name."""
    copies = []
    for name in names:
        copy = bpy.data.objects[name].copy()
        copy.data = copy.data.copy()
        bpy.context.scene.collection.objects.link(copy)
        copies.append(copy)
    for item in bpy.context.view_layer.objects:
        item.select_set(item in copies)
    joined = bpy.context.view_layer.objects.active = copies[0]
    bpy.ops.object.join()
    joined.display_type = "TEXTURED"
    joined.data.remesh_voxel_size = max(joined.dimensions) / VOXELS
    bpy.ops.object.voxel_remesh()
    smooth = joined.modifiers.new("Smooth", "SMOOTH")
    smooth.iterations = SMOOTHING
    joined.data.shade_smooth()
    bpy.context.view_layer.update()
    return joined.name


def generated(names: Sequence[str], words: str, hold: float) -> str:
    """The starter's way, with words beside the blockout. Returns the object's name."""
    bpy.context.scene.wala.hold = hold
    return stage.generate("voxels", names, 0, words).name


def _counted(name: str) -> str:
    item = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
    return f"{len(item.data.polygons):,} faces"


def compare(camera: Callable[[Eye, Sequence[str]], Image.Image]) -> Image.Image:
    """The sheet: a row a blockout."""
    scene, rows = bpy.context.scene, []
    scene.render.resolution_x = scene.render.resolution_y = IMAGE_SIZE
    scene.cycles.samples = SAMPLES
    for words, boxes in BLOCKOUTS.items():
        names = stage.add_blockout(boxes(), np.zeros(3))
        eye = Eye(30.0, 22.0, DISTANCE, (0.0, 0.0, max(high[2] for _, high in boxes()) / 2))
        cells = [(names, f"{words}: {len(names)} boxes")]
        name = remeshed(names)
        cells.append(([name], f"Remesh, Smooth: {_counted(name)}"))
        for hold in (0.5, 0.0):
            name = generated(names, words, hold)
            cells.append(([name], f"Hold {hold:g}: {_counted(name)}"))
        rows.append(("", [sheet.Cell(camera(eye, shown), caption) for shown, caption in cells]))
        for item in [bpy.data.objects[name] for shown, _ in cells for name in shown]:
            bpy.data.objects.remove(item)
        bpy.context.view_layer.update()
    return sheet.contact_sheet("Blender's Join, Voxel Remesh, Smooth beside the starter", rows)
