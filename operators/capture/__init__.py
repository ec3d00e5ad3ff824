"""Scene to plain data, one module a condition.

Everything a capture returns is a copy: no RNA outlives the call. A new condition is one module here and one row in
CAPTURES.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import depth, image, maps, nothing, points, rendered, sketch, text, voxels
from .plain import Capture, Choice


@dataclass(frozen=True)
class Row:
    """``capture(context, settings)`` gives a :class:`Capture` or raises JobFailed; ``choose(context, settings)`` is a
    cheap look at what it would take, a :class:`Choice`: the panel's sentence and the button both go by it."""

    condition: str
    capture: Callable[..., Capture]
    choose: Callable[..., Choice]


CAPTURES = {
    "SKETCH": Row("sketch", sketch.capture, sketch.choose),
    "VOXELS": Row("voxels", voxels.capture, voxels.choose),
    "TEXT": Row("text", text.capture, text.choose),
    "POINTS": Row("points", points.capture, points.choose),
    "IMAGE": Row("image", image.capture, image.choose),
    "DEPTH": Row("depth", depth.capture, depth.choose),
    "DEPTHS": Row("depths", depth.capture_round_about, depth.choose_round_about),
    "MAPS": Row("depths", maps.capture, maps.choose),
    "VIEWS": Row("views", rendered.capture, rendered.choose),
    "NONE": Row("none", nothing.capture, nothing.choose),
}
