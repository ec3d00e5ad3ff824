"""The scene as plain arrays: what is sent, in which frame, and what is refused."""

import math
import struct
import zlib

import bpy
import numpy as np
import pytest
import scenes


def capture(extension, condition: str):
    row = extension.module("operators.conditions").CAPTURES[condition]
    return row.capture(bpy.context, extension.settings)


def refused(extension, condition: str) -> str:
    with pytest.raises(extension.module("runtime.messages").JobFailed) as caught:
        capture(extension, condition)
    assert caught.value.code == "bad-input" and caught.value.hint and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_sketch_from_the_front_without_a_camera(extension):
    scenes.sketch()
    extension.settings.sketch = bpy.data.objects["Sketch"]
    found = capture(extension, "SKETCH")
    lines = found.files["polylines.npz"]
    assert lines["offsets"].tolist() == [0, 2, 4, 6, 8, 11]
    assert np.allclose(lines["points"], np.concatenate(scenes.CHAIR)[:, [0, 2]], atol=1e-6)
    assert found.inputs["elevation"] == pytest.approx(0) and found.placement["azimuth"] == pytest.approx(0)


def test_both_data_models_give_the_same_strokes(extension):
    item = scenes.sketch()
    item.location, item.rotation_euler, item.scale = (1, 2, 3), (0, 0, math.radians(90)), (2, 2, 2)
    layer = item.data.layers[0]
    if hasattr(layer, "translation"):
        layer.translation = (0, 0, 0.5)
    else:
        layer.location = (0, 0, 0.5)
    bpy.context.view_layer.update()
    strokes = extension.module("operators.scene.compatibility").strokes(item, bpy.context.evaluated_depsgraph_get())
    expected = np.concatenate(scenes.CHAIR) + [0, 0, 0.5]
    expected = np.stack([-expected[:, 1], expected[:, 0], expected[:, 2]], axis=1) * 2 + [1, 2, 3]
    assert [len(stroke) for stroke in strokes] == [2, 2, 2, 2, 3]
    assert np.allclose(np.concatenate(strokes), expected, atol=1e-5)


def test_a_layer_on_a_parent_follows_it(extension):
    item = scenes.sketch()
    parent = scenes.add("Parent", None)
    parent.location = (0, 0, 5)
    item.location = (3, 0, 0)
    bpy.context.view_layer.update()
    item.data.layers[0].parent = parent  # Blender keeps the layer where it is then; what follows is the parent's move
    bpy.context.view_layer.update()
    parent.location = (0, 0, 7)
    bpy.context.view_layer.update()
    strokes = extension.module("operators.scene.compatibility").strokes(item, bpy.context.evaluated_depsgraph_get())
    assert np.allclose(strokes[0], np.array(scenes.CHAIR[0]) + [0, 0, 2], atol=1e-5)


def test_hidden_layers_and_closed_strokes(extension):
    item = scenes.sketch([[(0, 0, 0), (1, 0, 0), (1, 0, 1)]])
    layer = item.data.layers[0]
    frame = layer.frames[0]
    if hasattr(frame, "strokes"):
        frame.strokes[0].use_cyclic = True
    else:
        frame.drawing.strokes[0].cyclic = True
    bpy.context.view_layer.update()
    read = extension.module("operators.scene.compatibility").strokes
    assert np.allclose(read(item, bpy.context.evaluated_depsgraph_get())[0][[0, -1]], 0)
    layer.hide = True
    bpy.context.view_layer.update()
    assert read(item, bpy.context.evaluated_depsgraph_get()) == []


def test_the_scenes_camera_gives_azimuth_and_elevation(extension):
    item = scenes.sketch()
    extension.settings.sketch = item
    scenes.camera((10, 0, 11), (math.radians(45), 0, math.radians(90)))
    found = capture(extension, "SKETCH")
    assert found.placement["azimuth"] == pytest.approx(90, abs=0.5) and found.inputs["elevation"] == pytest.approx(
        45, abs=1
    )
    assert found.placement["view"]["perspective"] is True


def test_a_sketch_that_cannot_be_used(extension):
    assert "Grease Pencil" in refused(extension, "SKETCH")
    item = scenes.sketch([])
    extension.settings.sketch = item
    assert "no visible strokes" in refused(extension, "SKETCH")
    extension.settings.sketch = scenes.sketch([[(0, 0, 0), (1, 0, math.nan)]], "Broken")
    assert "not numbers" in refused(extension, "SKETCH")
    extension.settings.sketch = scenes.sketch([[(0, 0, 0), (0, 0, 0)]], "Dot")
    assert "single point" in refused(extension, "SKETCH")
    extension.settings.sketch = scenes.sketch(name="Behind")
    scenes.camera((0, -5, 0), (math.radians(90), 0, 0))
    assert capture(extension, "SKETCH").title == "Behind"
    scenes.camera((0, -5, 0), (math.radians(90), 0, math.radians(180)))
    assert "behind the camera" in refused(extension, "SKETCH")


def test_a_blockout_in_the_models_axes(extension):
    scenes.cube((1, 2, 3), (2, 4, 6))
    found = capture(extension, "VOXELS")
    vertices = found.files["mesh.npz"]["vertices"]
    assert vertices.min(axis=0).tolist() == [0, 0, -4] and vertices.max(axis=0).tolist() == [2, 6, 0]
    assert found.placement["box"] == [[0, 0, 0], [2, 4, 6]]
    assert found.files["mesh.npz"]["faces"].shape == (12, 3)


def test_a_mesh_to_be_made_again(extension):
    scenes.cube((1, 2, 3), (2, 4, 6))
    extension.settings.resolution = "257"
    found = capture(extension, "MESH")
    assert found.placement == {"kind": "input"} and found.inputs == {"mesh": "inputs/mesh.npz", "resolution": 257}
    assert found.files["mesh.npz"]["vertices"].max(axis=0).tolist() == [2, 6, 0]
    bpy.ops.object.select_all(action="DESELECT")
    assert "Select the meshes to make again" in refused(extension, "MESH")


def test_vertices_without_a_face_do_not_count(extension):
    corners = [(0, 0, 0), (9, 9, math.nan), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    scenes.mesh(corners, [(0, 3, 2), (0, 2, 4), (0, 4, 3), (2, 3, 4)])
    found = capture(extension, "VOXELS")
    mesh = found.files["mesh.npz"]
    assert found.placement["box"] == [[0, 0, 0], [1, 1, 1]] and mesh["vertices"].shape == (4, 3)
    corners = mesh["vertices"][mesh["faces"]].astype(float)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(1 / 6)


def test_modifiers_instances_and_mirrored_objects_count(extension):
    item = scenes.cube()
    array = item.modifiers.new("Array", "ARRAY")
    array.count, array.relative_offset_displace = 3, (2, 0, 0)
    mirrored = scenes.cube((0, 5, 0), name="Mirrored")
    mirrored.scale = (-1, 1, 1)
    collection = bpy.data.collections.new("Hidden")
    collection.objects.link(bpy.data.objects.new("Part", item.data))
    instance = scenes.add("Instance", None)
    instance.instance_type, instance.instance_collection, instance.location = "COLLECTION", collection, (0, 0, 10)
    instance.select_set(True)
    bpy.context.view_layer.update()
    mesh = capture(extension, "VOXELS").files["mesh.npz"]
    assert len(mesh["vertices"]) == 8 * 5 and mesh["vertices"].max(axis=0).tolist() == [4.5, 10.5, 0.5]
    corners = mesh["vertices"][mesh["faces"]].astype(float)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(5.0, rel=1e-4)


def test_a_linked_object_of_the_same_name_is_another_object(extension, tmp_path):
    scenes.cube((9, 9, 9), (5, 5, 5), name="Seat")
    path = str(tmp_path / "library.blend")
    bpy.data.libraries.write(path, {bpy.data.objects["Seat"]})
    bpy.data.objects.remove(bpy.data.objects["Seat"])
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.objects = ["Seat"]
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    item = scenes.cube((0, 0, 0), (1, 1, 1), name="Seat")
    linked.select_set(False)
    bpy.context.view_layer.update()
    assert item.name == linked.name and bpy.context.selected_objects == [item]
    mesh = capture(extension, "VOXELS").files["mesh.npz"]
    assert len(mesh["vertices"]) == 8 and np.abs(mesh["vertices"]).max() == 0.5
    item.select_set(False)
    linked.select_set(True)
    mesh = capture(extension, "VOXELS").files["mesh.npz"]
    assert len(mesh["vertices"]) == 8 and mesh["vertices"][:, :2].min() == 6.5


def test_a_blockout_that_cannot_be_used(extension):
    assert "Select the meshes" in refused(extension, "VOXELS")
    item = scenes.mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [])
    assert "has a surface" in refused(extension, "VOXELS")
    item.modifiers.new("Nothing", "WELD")
    assert "no faces" in refused(extension, "VOXELS")
    item.select_set(False)
    item = scenes.mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)])
    assert "no volume" in refused(extension, "VOXELS")
    item.select_set(False)
    scenes.mesh([(0, 0, 0), (1, 0, 0), (0, math.nan, 0)], [(0, 1, 2)])
    assert "not numbers" in refused(extension, "VOXELS")


def test_points_are_the_vertices(extension):
    scenes.mesh([(1, 2, 3), (4, 5, 6)], [])
    assert capture(extension, "POINTS").files["points.npy"].tolist() == [[1, 3, -2], [4, 6, -5]]


def test_points_that_cannot_be_used(extension):
    assert "Select" in refused(extension, "POINTS")
    item = scenes.mesh([], [])
    assert "has points" in refused(extension, "POINTS")
    item.modifiers.new("Nothing", "WELD")
    assert "no vertices" in refused(extension, "POINTS")
    item.select_set(False)
    item = scenes.mesh([(1, 1, 1), (1, 1, 1)], [])
    assert "one place" in refused(extension, "POINTS")
    item.select_set(False)
    scenes.mesh([(1, 1, 1), (1, 1, math.inf)], [])
    assert "not numbers" in refused(extension, "POINTS")


def test_a_point_cloud_from_geometry_nodes(extension):
    item = scenes.cube()
    group = bpy.data.node_groups.new("Points", "GeometryNodeTree")
    group.interface.new_socket("In", in_out="INPUT", socket_type="NodeSocketGeometry")
    group.interface.new_socket("Out", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    start, points, end = (
        group.nodes.new(kind) for kind in ("NodeGroupInput", "GeometryNodeMeshToPoints", "NodeGroupOutput")
    )
    group.links.new(start.outputs[0], points.inputs["Mesh"])
    group.links.new(points.outputs[0], end.inputs[0])
    item.modifiers.new("Nodes", "NODES").node_group = group
    bpy.context.view_layer.update()
    found = capture(extension, "POINTS").files["points.npy"]
    assert sorted(map(tuple, found.tolist())) == sorted(
        (x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)
    )


def test_a_prompt_stands_at_the_cursor(extension):
    bpy.context.scene.cursor.location = (1, 2, 3)
    extension.settings.prompt = "  a   red chair "
    found = capture(extension, "TEXT")
    assert found.inputs == {"prompt": "a red chair", "originality": 0.3} and found.placement == {
        "kind": "point",
        "location": [1, 2, 3],
    }
    extension.settings.prompt = " "
    assert "prompt is empty" in refused(extension, "TEXT")


def pixels(content: bytes) -> np.ndarray:
    """(H, W, 4) of a PNG of ours: 8 bits, RGBA, every row unfiltered."""
    width, height, depth, kind = struct.unpack(">IIBB", content[16:26])
    assert content.startswith(b"\x89PNG\r\n\x1a\n") and (depth, kind) == (8, 6)
    size = struct.unpack(">I", content[33:37])[0]
    rows = np.frombuffer(zlib.decompress(content[41 : 41 + size]), np.uint8).reshape(height, 1 + 4 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 4)


def test_every_condition_can_be_given(extension):
    captures = extension.module("operators.conditions").CAPTURES
    assert {spec.condition for spec in captures.values()} <= set(
        extension.module("wala_blender.conditions.specs").SPECS
    )
    icons = bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items
    assert all(spec.icon in icons for spec in captures.values())


def test_saved_files_keep_their_condition(extension):
    """A file has the number; a script the identifier."""
    items = extension.settings.bl_rna.properties["condition"].enum_items
    expected = "SKETCH 0 FRONT_SIDE 11 VOXELS 1 TEXT 2 POINTS 3 IMAGE 4 DEPTH 5 DEPTHS 6 MAPS 9 VIEWS 7 NONE 8 MESH 10"
    assert " ".join(f"{item.identifier} {item.value}" for item in items) == expected


def test_only_what_the_model_takes_is_offered(extension):
    panels, models = extension.module("ui.panels"), extension.module("operators.models.catalog")
    extension.session.tick()

    def offered():
        return {row.condition for row in panels.offered(extension.settings, extension.panel)}

    assert offered() == set(models.STARTER.conditions)
    extension.settings.condition = "VIEWS"
    with pytest.raises(RuntimeError, match="“Starter” does not take this input"):
        bpy.ops.wala.generate()
    models.KNOWN["dreamer"] = models.Model("dreamer", "Dreamer", ("none", "depths"))
    try:
        extension.session.tick()
        extension.settings.model = "dreamer"
        extension.settings.condition = "NONE"
        assert offered() == {"none", "depths"} and bpy.ops.wala.generate.poll()
    finally:
        del models.KNOWN["dreamer"]
    extension.session.tick()
    with pytest.raises(RuntimeError, match="no model “dreamer”"):
        bpy.ops.wala.generate()


def test_a_picture_as_it_is_in_blender(extension):
    assert "Choose a picture" in refused(extension, "IMAGE")
    image = bpy.data.images.new("Ofen", 3, 2, alpha=True)
    image.pixels[:] = [
        value
        for texel in ((1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (0.2, 0.4, 0.6, 0.5), (1, 1, 1, 1), (0, 0, 0, 0))
        for value in texel
    ]
    extension.settings.image = image
    bpy.context.scene.cursor.location = (1, 2, 3)
    found = capture(extension, "IMAGE")
    assert found.inputs == {"image": "inputs/image.png", "background": "remove"} and found.placement == {
        "kind": "point",
        "location": [1, 2, 3],
    }
    assert pixels(found.files["image.png"]).tolist() == [
        [[51, 102, 153, 128], [255, 255, 255, 255], [0, 0, 0, 0]],
        [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]],
    ]
    extension.settings.remove_background = False
    assert capture(extension, "IMAGE").inputs["background"] == "keep"


def test_a_picture_of_light_is_encoded_as_a_screen_shows_it(extension):
    image = bpy.data.images.new("Light", 1, 1, alpha=True, float_buffer=True)
    image.pixels[:] = (0.5 * 0.5, 4.0, 0.0, 0.5)  # alpha is multiplied in
    extension.settings.image = image
    assert pixels(capture(extension, "IMAGE").files["image.png"]).tolist() == [[[188, 255, 0, 128]]]
    image.colorspace_settings.name = "Non-Color"  # as of depth maps: numbers, not light
    image.pixels[:] = (0.2, 0.4, 3.0, 1.0)
    assert pixels(capture(extension, "IMAGE").files["image.png"]).tolist() == [[[51, 102, 255, 255]]]


def test_a_picture_whose_file_is_gone(extension, tmp_path):
    image = bpy.data.images.new("Gone", 4, 4)
    image.filepath_raw, image.file_format = str(tmp_path / "gone.png"), "PNG"
    image.save()
    image.source = "FILE"
    (tmp_path / "gone.png").unlink()
    image.reload()
    extension.settings.image = image
    assert "no pixels" in refused(extension, "IMAGE")


def test_depth_is_seen_from_where_the_artist_looks(extension):
    assert "Select the meshes" in refused(extension, "DEPTH")
    scenes.cube((1, 2, 3), (2, 4, 6))
    found = capture(extension, "DEPTH")
    assert (found.inputs["azimuth"], found.inputs["elevation"]) == (pytest.approx(0), pytest.approx(0))
    scenes.camera((11, 2, 13), (math.radians(45), 0, math.radians(90)))
    found = capture(extension, "DEPTH")
    assert (found.inputs["azimuth"], found.inputs["elevation"]) == (
        pytest.approx(90, abs=0.1),
        pytest.approx(45, abs=0.1),
    )
    # The camera is at +X and above: right is +Y, and up leans away from it.
    assert found.placement["kind"] == "seen" and np.allclose(found.placement["axes"][0], [0, 1, 0], atol=1e-6)
    half = math.sqrt(0.5)
    assert np.allclose(found.placement["bounds"], [[0, -2 * half, 0], [4, 6 * half, 8 * half]], atol=0.02)
    assert found.files["mesh.npz"]["vertices"].max(axis=0).tolist() == [2, 6, 0]


def test_depth_from_round_about_leaves_the_cameras_to_the_model(extension):
    scenes.mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)])  # flat is no hindrance here
    found = capture(extension, "DEPTHS")
    assert found.inputs == {"mesh": "inputs/mesh.npz"} and found.files["mesh.npz"]["faces"].tolist() == [[0, 1, 2]]


def test_depth_maps_that_are_painted(extension):
    assert "how many depth maps" in refused(extension, "MAPS")
    bpy.ops.wala.list_maps(count="4")
    assert "depth map of view 3" in refused(extension, "MAPS")
    for item in extension.settings.maps:
        item.image = bpy.data.images.new(f"Map {item.view}", 8, 8)
        item.image.pixels[:] = (item.view / 255, 0, 0, 1) * 64
    bpy.ops.wala.list_maps(count="6")
    assert "depth map of view 49" in refused(extension, "MAPS")  # and the four are still there
    bpy.ops.wala.list_maps(count="4")
    found = capture(extension, "MAPS")
    assert found.inputs == {
        "images": [f"inputs/depth_{view:02}.png" for view in (3, 6, 10, 26)],
        "views": [3, 6, 10, 26],
    }
    assert [pixels(content)[0, 0, 0] for content in found.files.values()] == [3, 6, 10, 26]


def blocks_of(everything) -> dict:
    return {
        name: sorted(item.name for item in getattr(everything, name))
        for name in ("scenes", "objects", "lights", "cameras", "worlds", "meshes")
    }


def test_renders_from_round_about(extension, tmp_path):
    """A slab with a red post on its +X side: where the post is in a picture tells where the camera stands."""
    scenes.cube((5, 5, 1), (2, 1, 0.2), "Slab")
    post = scenes.cube((5.9, 5, 2), (0.2, 0.4, 1.8), "Post")
    material = bpy.data.materials.new("Red")
    material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (0.8, 0.0, 0.0, 1)
    post.data.materials.append(material)
    bpy.data.objects["Slab"].select_set(True)
    before, scene = blocks_of(bpy.data), bpy.context.scene
    found = capture(extension, "VIEWS")
    assert blocks_of(bpy.data) == before and bpy.context.scene == scene
    names = [f"view_{view:02}.png" for view in (3, 6, 10, 26)]
    assert (
        found.inputs == {"images": [f"inputs/{name}" for name in names], "views": [3, 6, 10, 26]}
        and sorted(found.files) == names
    )
    middle, share = {}, {}
    for name in names:
        (tmp_path / name).write_bytes(found.files[name])
        image = bpy.data.images.load(str(tmp_path / name))
        picture = np.array(image.pixels).reshape(256, 256, 4)
        solid, red = picture[..., 3] > 0.5, (picture[..., 0] > 3 * picture[..., 1]) & (picture[..., 3] > 0.5)
        columns = np.nonzero(solid)[1]
        middle[name], share[name] = np.nonzero(red)[1].mean() - columns.mean(), solid.mean()
        assert not (solid[0].any() or solid[-1].any() or solid[:, 0].any() or solid[:, -1].any())
        assert picture[solid][:, :3].mean() > 0.15
    # Views 3 and 26 are from the front, from its right and from its left; 6 and 10 from the back.
    assert middle[names[0]] > 10 and middle[names[3]] > 10 and middle[names[1]] < -10 and middle[names[2]] < -10
    assert min(share.values()) > 0.05


def test_nothing_stands_at_the_cursor(extension):
    bpy.context.scene.cursor.location = (1, 2, 3)
    found = capture(extension, "NONE")
    assert found.inputs == {} and found.files == {} and found.placement == {"kind": "point", "location": [1, 2, 3]}
