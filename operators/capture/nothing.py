"""No input at all, at the 3D cursor."""

from .plain import AT_THE_CURSOR, Capture, Choice


def choose(context, settings) -> Choice:
    """Nothing is needed."""
    return AT_THE_CURSOR


def capture(context, settings) -> Capture:
    """The cursor's place."""
    return Capture("Shape", {}, {"kind": "point", "location": list(context.scene.cursor.location)})
