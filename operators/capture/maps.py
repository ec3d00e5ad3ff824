"""Depth maps that are there already, painted over or made elsewhere. Knows the list in the settings; nothing about what
the maps show."""

from .image import pixels_of
from .pictures import png
from .plain import Capture, Choice, bad_input

MISSING = "Say how many depth maps there are"


def choose(context, settings) -> Choice:
    """The listed maps, once they are all there."""
    lacking = next((item.view for item in settings.maps if item.image is None), None)
    if lacking is not None or not len(settings.maps):
        return Choice(missing=MISSING if lacking is None else f"Choose the depth map of view {lacking}")
    return Choice(words="Near is white; far and the background are black")


def capture(context, settings) -> Capture:
    """Every map as a PNG, its view, and the cursor's place. Raises JobFailed: one is missing or has no pixels."""
    hint = choose(context, settings).missing
    if hint:
        raise bad_input("There are not all depth maps", hint)
    files = {f"depth_{item.view:02}.png": png(pixels_of(item.image)) for item in settings.maps}
    inputs = {"images": [f"inputs/{name}" for name in files], "views": [item.view for item in settings.maps]}
    return Capture(
        settings.maps[0].image.name, inputs, {"kind": "point", "location": list(context.scene.cursor.location)}, files
    )
