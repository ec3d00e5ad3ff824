"""No input at all, at the 3D cursor. Knows the cursor."""

from .plain import Capture


def missing(context, settings) -> str:
    """Nothing is."""
    return ""


def capture(context, settings) -> Capture:
    """The cursor's place."""
    return Capture("Shape", {}, {"kind": "point", "location": list(context.scene.cursor.location)})
