"""What a result says of itself in the asset browser."""

import bpy
import pytest


@pytest.fixture
def result(extension):
    """The object of a text job, made with the setting that marks it as an asset."""
    extension.settings.condition, extension.settings.prompt, extension.settings.seed = "TEXT", "a chair", 7
    extension.settings.mark_as_asset = True
    assert bpy.ops.wala.generate() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def tags(owner):
    return sorted(tag.name for tag in owner.asset_data.tags)


def save(tmp_path):
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)


def test_a_result_is_no_asset_unless_it_is_asked_for(extension):
    extension.settings.condition, extension.settings.prompt = "TEXT", "a chair"
    bpy.ops.wala.generate()
    assert bpy.context.view_layer.objects.active.asset_data is None


def test_a_result_is_marked_and_described_on_arrival(result):
    asset = result.asset_data
    assert asset.description == "AI-generated from “a chair” by the WaLa model starter, seed 7"
    assert tags(result) == ["AI-generated"]
    # What the artist makes with a free model is the artist's to license.
    assert asset.license == asset.author == asset.copyright == ""


def test_a_result_that_is_marked_later_is_described_when_the_file_is_saved(result, tmp_path):
    result.asset_clear()
    own = bpy.data.objects.new("Mine", None)
    for owner in (result, result.data, own):
        owner["wala_licence"] = "Some Licence"
        owner.asset_mark()
    for owner in (result, result.data):
        owner["wala_non_commercial"] = True
    result.asset_data.description = "My chair"
    result.asset_data.tags.new("chairs")
    names = (result.name, result.data.name)
    for _ in range(2):
        save(tmp_path)
    result, mesh, own = bpy.data.objects[names[0]], bpy.data.meshes[names[1]], bpy.data.objects["Mine"]
    assert (result.asset_data.license, result.asset_data.description) == ("Some Licence", "My chair")
    assert tags(result) == ["AI-generated", "chairs", "non-commercial"] and tags(mesh) == [
        "AI-generated",
        "non-commercial",
    ]
    assert mesh.asset_data.description.endswith("Not for commercial use: Some Licence")
    assert (own.asset_data.license, own.asset_data.description, tags(own)) == ("", "", [])
