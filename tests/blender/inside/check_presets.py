"""Presets: settings are kept in a file of this user, come back in another scene, and can be removed."""

from pathlib import Path

import bpy
import pytest


@pytest.fixture
def preset(extension):
    """The file of a preset, which is removed afterwards."""
    extension.settings.faces, extension.settings.quality, extension.settings.crisp = 1234, "BEST", 0.5
    extension.settings.prompt, extension.settings.seed = "a chair", 42
    assert bpy.ops.wala.add_preset(name="Game Asset") == {"FINISHED"}
    path = Path(bpy.utils.user_resource("SCRIPTS", path="presets/wala")) / "Game_Asset.py"
    yield path
    path.unlink(missing_ok=True)


def test_a_preset_comes_back_in_another_file(extension, preset):
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    settings = bpy.context.scene.wala
    settings.prompt, settings.seed = "a table", 7
    assert settings.faces == 20_000
    bpy.ops.script.execute_preset(filepath=str(preset), menu_idname="WALA_PT_presets")
    assert (settings.faces, settings.quality, settings.crisp) == (1234, "BEST", 0.5)
    assert (settings.prompt, settings.seed) == ("a table", 7)


def test_a_preset_has_every_setting_that_belongs_to_no_scene(extension, preset):
    names = set(extension.module("operators.jobs.presets").NAMES)
    settings = extension.settings.bl_rna.properties
    assert names <= set(settings.keys())
    assert not [name for name in names if settings[name].type in ("POINTER", "COLLECTION")]
    assert all(f"settings.{name} = " in preset.read_text() for name in names)


def test_a_preset_is_removed(extension, preset):
    assert bpy.ops.wala.add_preset(name="Game Asset", remove_name=True) == {"FINISHED"}
    assert not preset.exists()
