"""Unconditional generation, at the 3D cursor."""

from ..capture.plain import AT_THE_CURSOR, Capture, Choice
from ..capture.spec import CaptureSpec


def choose(context, settings) -> Choice:
    """No input is needed."""
    return AT_THE_CURSOR


def capture(context, settings) -> Capture:
    """The cursor's location."""
    return Capture("Shape", {}, {"kind": "point", "location": list(context.scene.cursor.location)})


SPEC = CaptureSpec(
    identifier="NONE",
    number=8,
    order=10,
    condition="none",
    title="Nothing",
    description="Whatever the model makes of nothing; another seed, another shape",
    icon="SHADERFX",
    choose=choose,
    capture=capture,
)
