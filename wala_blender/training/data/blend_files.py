"""Meshes of .blend files, read by Blender in a separate process. bpy is never imported here.

A .blend file is one shape: its scene with modifiers and instances applied. Scripts in it are not run.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from ...errors import InputError, NoSurface

BLEND = ".blend"
_SECONDS = 300  # for one file: a Blender that hangs must not stop a build
# Blender's +Z is up, ours +Y.
_SCRIPT = """
import sys
import bpy
import numpy
source, target = sys.argv[-2:]
bpy.ops.wm.open_mainfile(filepath=source, load_ui=False, use_scripts=False)
points, triangles, count = [numpy.empty((0, 3))], [numpy.empty((0, 3), dtype=int)], 0
for instance in bpy.context.evaluated_depsgraph_get().object_instances:
    if instance.object.type not in {"MESH", "CURVE", "SURFACE", "FONT", "META"}:
        continue
    mesh = instance.object.to_mesh()
    mesh.calc_loop_triangles()
    vertices = numpy.empty(len(mesh.vertices) * 3)
    mesh.vertices.foreach_get("co", vertices)
    corners = numpy.empty(len(mesh.loop_triangles) * 3, dtype=numpy.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    matrix = numpy.array(instance.matrix_world)
    world = vertices.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    points.append(world[:, [0, 2, 1]] * (1, 1, -1))
    triangles.append(corners.reshape(-1, 3) + count)
    count += len(world)
    instance.object.to_mesh_clear()
numpy.savez(target, vertices=numpy.concatenate(points), faces=numpy.concatenate(triangles))
"""


class NoBlender(InputError):
    """There is no Blender to read a .blend file with."""


def _blender() -> list[str]:
    """The command that runs _SCRIPT, all but the file names."""
    if program := shutil.which("blender"):
        return [
            program,
            "--background",
            "--factory-startup",
            "--disable-autoexec",
            "--python-exit-code",
            "1",
            "--python-expr",
            _SCRIPT,
            "--",
        ]
    if importlib.util.find_spec("bpy"):
        return [sys.executable, "-c", _SCRIPT]
    raise NoBlender(
        "reading .blend files needs Blender", "Put blender on the PATH, or install the package bpy beside wala."
    )


def read_blend(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float64, +Y up, and triangles (F, 3) int64 of everything a .blend file's scene shows.

    Raises NoBlender, NoSurface for a scene without faces, and InputError for what Blender cannot open.
    """
    command = _blender()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "mesh.npz"
        try:
            done = subprocess.run(
                [*command, str(path), str(output)], capture_output=True, text=True, errors="replace", timeout=_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{path.name}: Blender did not open it within {_SECONDS} seconds") from error
        try:
            with np.load(output) as arrays:
                vertices, faces = arrays["vertices"], arrays["faces"].astype(np.int64)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1][:160]
            raise InputError(f"{path.name}: Blender cannot open it ({last})", "Open and save it in Blender") from error
    if not len(faces):
        raise NoSurface(f"{path.name} shows no faces")
    return vertices, faces
