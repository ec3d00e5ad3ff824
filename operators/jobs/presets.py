"""Presets of the settings, in Blender's own preset system: files of this user, for all scenes and versions."""

import bpy
from bl_operators.presets import AddPresetBase

FOLDER = "wala"  # of the presets' files
# Settings in a preset: those that belong to no scene's objects, words or pictures
NAMES = (
    "model",
    "quality",
    "scale",
    "steps",
    "fit",
    "one_piece",
    "variations",
    "hold",
    "topology",
    "faces",
    "low_poly_faces",
    "crisp",
    "smoothing",
    "symmetry",
    "flat_base",
    "hollow",
    "wall",
    "unwrap",
    "origin",
    "source_display",
    "mark_as_asset",
    "strength",
    "region_strength",
    "region_radius",
    "mix",
    "detail_keep",
    "detail_strength",
    "detail_variants",
    "own_weight",
    "also_weight",
    "words_weight",
)


class WALA_OT_add_preset(AddPresetBase, bpy.types.Operator):
    """Keep the settings of the shape and the mesh as a preset, or remove one"""

    bl_idname = "wala.add_preset"
    bl_label = "Add WaLa Preset"
    preset_menu = "WALA_PT_presets"
    preset_subdir = FOLDER
    preset_defines = ("settings = bpy.context.scene.wala",)
    preset_values = tuple(f"settings.{name}" for name in NAMES)


CLASSES = (WALA_OT_add_preset,)
