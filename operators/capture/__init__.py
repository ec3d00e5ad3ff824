"""Scene to plain data, one module a condition. Knows what a job needs from Blender; nothing of the worker or of the networks.

Everything a capture returns is a copy: no RNA outlives the call. A new condition is one module here and one row in CAPTURES.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import depth, image, maps, nothing, points, rendered, sketch, text, voxels
from .plain import Capture


@dataclass(frozen=True)
class Row:
    """``capture(context, settings)`` gives a :class:`Capture` or raises JobFailed; ``missing(context, settings)`` is a cheap look that
    says in one sentence what the artist has to give first, "" when nothing is missing."""

    condition: str
    capture: Callable[..., Capture]
    missing: Callable[..., str]


CAPTURES = {
    "SKETCH": Row("sketch", sketch.capture, sketch.missing),
    "VOXELS": Row("voxels", voxels.capture, voxels.missing),
    "TEXT": Row("text", text.capture, text.missing),
    "POINTS": Row("points", points.capture, points.missing),
    "IMAGE": Row("image", image.capture, image.missing),
    "DEPTH": Row("depth", depth.capture, depth.missing),
    "DEPTHS": Row("depths", depth.capture_round_about, depth.missing),
    "MAPS": Row("depths", maps.capture, maps.missing),
    "VIEWS": Row("views", rendered.capture, rendered.missing),
    "NONE": Row("none", nothing.capture, nothing.missing),
}
