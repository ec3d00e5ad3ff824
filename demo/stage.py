"""Headless Blender for the demo: installs the extension, places the inputs, presses Generate, renders.

Import it only after BLENDER_USER_RESOURCES is set: Blender reads it when the module loads.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import radians
from pathlib import Path

import bpy
import numpy as np

from .drawing import Eye
from .inputs import Box, solid
from .sheet import FOCAL

PACKAGE = "bl_ext.user_default.wala"
PEN = 0.012  # radius of a stroke, Blender units
COLOURS = {"input": (0.30, 0.42, 0.62), "result": (0.70, 0.42, 0.27)}
SENSOR = 36.0


@dataclass(frozen=True)
class Made:
    """A generated object: its name, the job's result.json, and the seconds from the press of Generate to the object in
    the scene."""

    name: str
    record: dict
    seconds: float


def install(package: Path) -> None:
    """Installs the zip as an artist would, and gives it this Python for its worker."""
    bpy.ops.extensions.package_install_files(filepath=str(package), repo="user_default", enable_on_install=True)
    bpy.context.preferences.addons[PACKAGE].preferences.worker_python = sys.executable


def uninstall() -> None:
    """Switches the extension off, which ends its worker."""
    bpy.ops.preferences.addon_disable(module=PACKAGE)


def empty_scene(side: int, samples: int) -> None:
    """A scene with light, a floor that only catches shadows, and render settings for transparent square pictures."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.render.film_transparent = True
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.view_settings.view_transform = "Standard"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", samples, False
    scene.cycles.max_bounces = 3
    world = scene.world = bpy.data.worlds.new("Sky")
    if hasattr(world, "use_nodes"):
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value, background.inputs["Strength"].default_value = (0.90, 0.94, 1.0, 1.0), 0.62
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.angle = 1.7, radians(8)
    add("Sun", sun).rotation_euler = (radians(38), radians(-22), radians(-10))
    floor = add("Floor", mesh("Floor", [((-6.0, -6.0, -0.02), (6.0, 6.0, 0.0))]))
    floor.is_shadow_catcher = True
    for name, colour in COLOURS.items():
        material = bpy.data.materials.new(f"Demo {name}")
        material.diffuse_color = (*colour, 1.0)
        if hasattr(material, "use_nodes"):
            material.use_nodes = True
        shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        shader.inputs["Base Color"].default_value, shader.inputs["Roughness"].default_value = (*colour, 1.0), 0.6


def add(name: str, data):
    item = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(item)
    return item


def mesh(name: str, boxes: Sequence[Box]):
    """Mesh data of boxes, outward faces."""
    data = bpy.data.meshes.new(name)
    vertices, quads = solid(boxes)
    data.from_pydata(vertices.tolist(), [], quads.tolist())
    data.update()
    return data


def add_blockout(boxes: Sequence[Box], offset: np.ndarray) -> list[str]:
    """One object a box, as an artist blocks out. Returns their names."""
    names = []
    for number, box in enumerate(boxes, 1):
        low, high = (np.asarray(corner) for corner in box)
        middle = (low + high) / 2
        item = add(f"Blockout {number}", mesh("Block", [(tuple(low - middle), tuple(high - middle))]))
        item.location = middle + offset
        item.display_type = "WIRE"  # in a window; the result stands in the same place
        paint(item.name, "input")
        names.append(item.name)
    return names


def add_sketch(strokes: Sequence[np.ndarray]) -> str:
    """A Grease Pencil object of strokes (n, 3) in the world. Returns its name."""
    data = bpy.data.grease_pencils.new("Chair sketch")
    drawing = data.layers.new("Lines").frames.new(1).drawing
    drawing.add_strokes([len(stroke) for stroke in strokes])
    drawing.attributes["position"].data.foreach_set("vector", np.concatenate(strokes).astype(np.float32).ravel())
    radius = drawing.attributes.get("radius") or drawing.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", np.full(sum(map(len, strokes)), PEN, np.float32))
    pen = bpy.data.materials.new("Pen")
    bpy.data.materials.create_gpencil_data(pen)
    pen.grease_pencil.color = (0.02, 0.02, 0.03, 1.0)
    data.materials.append(pen)
    item = add("Chair sketch", data)
    # Cycles with a visible Grease Pencil object aborts where there is no display.
    item.hide_render = True
    return item.name


def add_camera(name: str, eye: Eye) -> None:
    """A camera at an eye, with the lens of all pictures; the scene's camera from now on."""
    data = bpy.data.cameras.new(name)
    data.sensor_width, data.lens = SENSOR, SENSOR * FOCAL
    item = add(name, data)
    item.location = eye.position
    item.rotation_euler = (radians(90 - eye.elevation), 0.0, radians(eye.azimuth))
    bpy.context.scene.camera = item
    bpy.context.view_layer.update()


def paint(name: str, colour: str) -> None:
    bpy.data.objects[name].data.materials.append(bpy.data.materials[f"Demo {colour}"])


def generate(
    condition: str, selected: Sequence[str] = (), seed: int = 0, prompt: str = "", cursor=(0.0, 0.0, 0.0)
) -> Made:
    """Select the condition and the named objects and press Generate; the prompt is the input of text, and optional
    beside any other condition. Raises RuntimeError with the extension's message if it fails."""
    for item in bpy.context.view_layer.objects:
        item.select_set(item.name in selected)
    bpy.context.view_layer.objects.active = bpy.data.objects[selected[0]] if selected else None
    settings, scene = bpy.context.scene.wala, bpy.context.scene
    settings.condition, settings.seed = condition.upper(), seed
    settings.prompt = settings.subject = prompt
    scene.cursor.location = cursor
    before = set(job_folders())
    since = time.perf_counter()
    bpy.ops.wala.generate()
    seconds = time.perf_counter() - since
    name = bpy.context.view_layer.objects.active.name
    paint(name, "result")
    (job,) = set(job_folders()) - before
    return Made(name, json.loads((job / "result" / "result.json").read_text(encoding="utf-8")), seconds)


def job_folders() -> list[Path]:
    jobs = Path(bpy.utils.extension_path_user(PACKAGE, path="jobs", create=True))
    return [folder for folder in jobs.iterdir() if (folder / "request.json").is_file()]


def lowest(names: Sequence[str]) -> float:
    """z of the lowest vertex of some mesh objects."""
    bpy.context.view_layer.update()
    return min(
        (bpy.data.objects[name].matrix_world @ vertex.co).z
        for name in names
        for vertex in bpy.data.objects[name].data.vertices
    )


def render(path: Path, eye: Eye, names: Sequence[str]) -> Path:
    """The named meshes on the floor, alone, as the eye sees them."""
    scene, camera, keep = bpy.context.scene, bpy.context.scene.camera, {}
    shown = {*names, "Floor", "Sun"}
    add_camera("Picture", eye)
    picture = scene.camera
    for item in scene.objects:
        keep[item.name] = item.hide_render
        item.hide_render = item.name not in shown
    floor = bpy.data.objects["Floor"]
    floor.location = (*eye.target[:2], lowest(names))
    scene.render.filepath = str(path)
    try:
        bpy.ops.render.render(write_still=True)
    finally:
        for name, hidden in keep.items():
            bpy.data.objects[name].hide_render = hidden
        scene.camera = camera
        data = picture.data
        bpy.data.objects.remove(picture)
        bpy.data.cameras.remove(data)
    return path


def save(path: Path) -> None:
    """The scene as a .blend file, the floor back on the ground."""
    bpy.data.objects["Floor"].location = (0.0, 0.0, 0.0)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)
