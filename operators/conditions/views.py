"""Four renders of the selected objects, on the CPU in a temporary scene.

Cycles is used as it needs neither a graphics card nor a window. The renders show the objects' own materials in even
light on a transparent background.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
from mathutils import Matrix, Vector

from ..capture import meshes
from ..capture.plain import Capture, Choice, bad_input
from ..capture.spec import CaptureSpec
from ..scene import cameras

MISSING = "Select the objects to render"
RENDER_SIZE, SAMPLES = 256, 16
SUNS = (
    ((-1, -1, 2), 2.5),
    ((1, -1, 0.5), 1.0),
    ((1, 1, 1), 1.0),
    ((-1, 1, 0.5), 1.0),
    ((0, 0, -1), 0.5),
)  # where from, and how strong


def choose(context, settings) -> Choice:
    """The objects that are rendered."""
    return meshes.choose(context, settings, meshes.has_surface, "{} from four sides: rendering takes seconds", MISSING)


def capture(context, settings) -> Capture:
    """Four PNGs from the published cameras around the selection, and its bounding box. Blocks for some seconds. Raises
    JobFailed as :func:`meshes.surface` does, without Cycles, and when rendering fails."""
    choice = choose(context, settings)
    surface = meshes.surface(context, choice)
    box = surface.box
    published = cameras.read()
    views = published.sets[4]
    files = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        _studio(context, choice.items, published, published.reach(box)) as (scene, camera),
    ):
        for view in views:
            name = f"view_{view:02}.png"
            camera.matrix_world = Matrix(published.matrix(view, box))
            scene.render.filepath = str(Path(folder) / name)
            files[name] = _picture(scene)
    inputs = {"images": [f"inputs/{name}" for name in files], "views": list(views)}
    return Capture(surface.title, inputs, {"kind": "box", "box": box.tolist()}, files, surface.source)


def _picture(scene) -> bytes:
    try:
        bpy.ops.render.render(write_still=True, scene=scene.name)
        return Path(scene.render.filepath).read_bytes()
    except (RuntimeError, OSError) as error:
        raise bad_input(
            f"The selection could not be rendered: {error}", "Wait until no other render runs, and try again"
        ) from error


@contextmanager
def _studio(context, items, published, reach: float) -> Iterator[tuple]:
    """Temporary scene with the selected objects, lights and a camera: (scene, camera). All of it is removed
    afterwards."""
    scene = bpy.data.scenes.new("WaLa Views")
    owned = []
    try:
        _set_up(scene, context.scene)
        for item in items:
            scene.collection.objects.link(item)
        for direction, strength in SUNS:
            data = bpy.data.lights.new("WaLa Views", "SUN")
            data.energy = strength
            sun = _add(scene, data, owned)
            sun.rotation_euler = Vector(direction).to_track_quat("Z", "Y").to_euler()
        data = bpy.data.cameras.new("WaLa Views")
        data.angle, data.clip_start, data.clip_end = published.field_of_view, reach / 100, reach * 4
        scene.camera = _add(scene, data, owned)
        yield scene, scene.camera
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove(owned)


def _set_up(scene, like) -> None:
    """Render settings: small, quick, transparent, unchanged colours, at the frame of another scene."""
    try:
        scene.render.engine = "CYCLES"
    except TypeError as error:
        raise bad_input("Cycles is switched off", "Switch it on: Preferences, Add-ons, Cycles Render Engine") from error
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", SAMPLES, False
    scene.render.resolution_x = scene.render.resolution_y = RENDER_SIZE
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.view_settings.view_transform = "Standard"
    scene.frame_current = like.frame_current


def _add(scene, data, owned: list):
    item = bpy.data.objects.new("WaLa Views", data)
    scene.collection.objects.link(item)
    owned += [item, data]
    return item


SPEC = CaptureSpec(
    identifier="VIEWS",
    number=7,
    order=9,
    condition="views",
    title="Multi-View Renders",
    description="From four renders of the selected objects from the model's own cameras around them",
    icon="RENDER_STILL",
    choose=choose,
    capture=capture,
    selects=True,
)
