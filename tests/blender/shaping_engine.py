"""An engine without a model, for the tests inside Blender: every job gives the same lopsided chair, and
one that edits a mesh or makes it again that mesh, with latents of the job's seed. Without torch and bpy.

A text job obeys its prompt: "slow" takes half a minute, "die" ends the worker, "fail" fails as a bad input does; of
"maps" it draws six depth maps first, and of "maps, then fail" no more than these; about "a shelf" it has a remark;
"a red chair" has a red seat and is blue above, and with UVs a texture that is red in its upper half.
"""

import base64
import os
import signal
import time
from pathlib import Path

import numpy as np

from runtime import jobs, variations
from runtime.messages import JobFailed

BOXES = (
    ((-0.6, -0.9, -0.4), (0.6, -0.3, 0.4)),  # a seat,
    ((-0.6, -0.3, -0.4), (0.6, 0.9, -0.2)),  # a back on its far side,
    ((0.4, -0.3, -0.2), (0.6, 0.1, 0.4)),
)  # and an arm at +X: no symmetry is left
FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ],
    np.int32,
)
STEPS = 4
RED, BLUE = (201, 17, 33), (3, 64, 250)
PAUSE = float(
    os.environ.get("WALA_TEST_PAUSE", "0.02")
)  # seconds a step, long enough for a picture where a window is driven


# A PNG of 2 × 1 pixels, black and white.
MAP = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR4nGNg+A8AAQIBAEK+vGgAAAAASUVORK5CYII=")
VIEWS = (3, 6, 10, 26, 49, 50)


def chair() -> tuple[np.ndarray, np.ndarray]:
    """(vertices (V, 3) model axes, faces (F, 3)) of the shape every job gives."""
    vertices = [
        [(low[0], high[0])[x], (low[1], high[1])[y], (low[2], high[2])[z]]
        for low, high in BOXES
        for x in (0, 1)
        for y in (0, 1)
        for z in (0, 1)
    ]
    faces = np.concatenate([FACES + 8 * number for number in range(len(BOXES))])
    return np.array(vertices, np.float32), faces


class ShapingEngine:
    """Walks through the stages of a job as the real engine does."""

    def __init__(self, device: str, low_memory: str):
        self._device = device

    def load(self, model: str) -> None:
        print(f"loaded {model} beforehand", flush=True)

    def run(self, folder: Path, request: jobs.Request, progress) -> None:
        if request.start == "surface":
            self.finish(folder, request, progress)
            return
        prompt = str(request.inputs.get("prompt", ""))
        if prompt.startswith("maps"):
            progress("load", 0, 1)
            progress("views", 0, STEPS)
            jobs.write_views(folder, {f"depths_{view:02}.png": MAP for view in VIEWS})
            progress("load", 0, 1)
        progress("condition", 0, 1)
        if prompt.endswith("fail"):
            raise JobFailed("bad-input", "No known word is in “fail”", "Use plain English words")
        progress("sample", 0, STEPS)
        for step in range(STEPS):
            progress("sample", step, STEPS)
            if prompt == "die":
                print("last words", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(8.0 if prompt == "slow" else PAUSE)
        progress("decode", 0, 1)
        progress("surface", 0, 1)
        mesh = request.edit.get("mesh") or (request.condition == "mesh" and request.inputs["mesh"])
        vertices, faces = read_mesh(folder / mesh) if mesh else chair()
        for number in reversed(range(request.variations)):
            # The last seed agrees best; a later variation is higher.
            seed = request.seed + request.variations - 1 - number
            taller = vertices * np.array([1, 1 + number / 4, 1], np.float32)
            record = {**record_of(folder, request), "seed": seed}
            if request.condition == "mesh":
                latents = {name: np.full((2, 3), seed, np.float32) for name in ("z3", "z2", "z1")}
                own = variations.make_folder(folder, number)
                jobs.write_levels(own, latents | {"frame": np.array([0.0, 0.0, 0.0, 0.5])})
            if request.variations > 1:
                variations.write_variation(folder, number, taller, faces, record, MAP)
            colours = None
            if "red" in prompt and request.colour is not False:
                colours = np.repeat([RED, BLUE, BLUE], len(FACES), axis=0).astype(np.uint8)
            jobs.write_surface(variations.folder_of(folder, number), taller, faces, record, colours)
        self.finish(folder, request, progress)

    def finish(self, folder: Path, request: jobs.Request, progress) -> None:
        """The kept surfaces as they are, but for quads, flat faces and UVs where these are asked for."""
        progress("finish", 0, 1)
        topology, angle = request.finish.get("topology"), 180.0
        for number in reversed(range(request.variations)):
            own = variations.folder_of(folder, number)
            surface = jobs.read_surface(own)
            faces, colours, texture = surface.faces, surface.colours, None
            if topology == "quads":
                faces = np.concatenate([faces[::2], faces[1::2, 2:]], axis=1)
                colours = None if colours is None else colours[::2]
            if topology == "low-poly":
                faces, angle = faces[:12], 0.0
            uvs = np.random.default_rng(0).random((*faces.shape, 2), np.float32) if request.finish.get("uv") else None
            colours = None if colours is None else colours[: len(faces)]
            if uvs is not None and colours is not None:
                texture = np.repeat([[RED] * 8, [BLUE] * 8], 4, axis=0).astype(np.uint8)
            record = surface.record | {"smooth_angle": angle}
            jobs.write_result(own, surface.vertices, faces, record, uvs, colours, texture)


def read_mesh(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """The mesh that a job starts from, as it is."""
    with np.load(file) as arrays:
        return arrays["vertices"], arrays["faces"]


def record_of(folder: Path, request: jobs.Request) -> dict:
    """What a real engine writes of a shape."""
    return {
        "model": request.model,
        "weight_hash": "0123abcd",
        "seed": request.seed,
        "scale": request.scale or 1.0,
        "steps": request.steps or STEPS,
        "condition": request.condition,
        "licence": "GPL-3.0-or-later",
        "ai_generated": True,
        "timings": {},
        "frame": frame_of(folder, request),
        "note": "It is made of boxes" if request.inputs.get("prompt") == "a shelf" else "",
    }


def frame_of(folder: Path, request: jobs.Request) -> dict | None:
    """The box normalisation of a three-dimensional input."""
    if request.condition in ("voxels", "mesh") and "mesh" in request.inputs:
        points = np.load(folder / request.inputs["mesh"])["vertices"]
    elif request.condition == "points":
        points = np.load(folder / request.inputs["points"])
    else:
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    return {"center": ((low + high) / 2).tolist(), "scale": float(1.8 / (high - low).max())}
