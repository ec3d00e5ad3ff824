"""Depth maps that are there already, painted over or made elsewhere. Knows the list in the settings; nothing about what the maps show."""

from .image import pixels_of
from .pictures import png
from .plain import Capture, bad_input

MISSING = "Say how many depth maps there are"


def missing(context, settings) -> str:
    """What is missing before a capture can work."""
    lacking = next((item.view for item in settings.maps if item.image is None), None)
    return MISSING if not len(settings.maps) else "" if lacking is None else f"Choose the depth map of view {lacking}"


def capture(context, settings) -> Capture:
    """Every map as a PNG, its view, and the cursor's place. Raises JobFailed: one is missing or has no pixels."""
    hint = missing(context, settings)
    if hint:
        raise bad_input("There are not all depth maps", hint)
    files = {f"depth_{item.view:02}.png": png(pixels_of(item.image)) for item in settings.maps}
    inputs = {"images": [f"inputs/{name}" for name in files], "views": [item.view for item in settings.maps]}
    return Capture(settings.maps[0].image.name, inputs, {"kind": "point", "location": list(context.scene.cursor.location)}, files)
