"""Picture of the object: one of Blender's images, with unsaved painting."""

import bpy
import numpy as np
from bpy.props import BoolProperty, PointerProperty

from ..capture.pictures import encoded, png
from ..capture.plain import AT_THE_CURSOR, Capture, Choice, bad_input
from ..capture.spec import CaptureSpec

MISSING = "Choose a picture of the thing"
LARGEST = 8192  # pixels of a side


def choose(context, settings) -> Choice:
    """Whether an image is set."""
    return AT_THE_CURSOR if settings.image is not None else Choice(missing=MISSING)


def capture(context, settings) -> Capture:
    """The picture as a PNG, and the cursor's location. Raises JobFailed: no picture, a missing file, no pixels, too
    many pixels."""
    image = settings.image
    if image is None:
        raise bad_input("There is no picture", MISSING)
    location = list(context.scene.cursor.location)
    inputs = {"image": "inputs/image.png", "background": "remove" if settings.remove_background else "keep"}
    return Capture(image.name, inputs, {"kind": "point", "location": location}, {"image.png": png(pixels_of(image))})


def pixels_of(image) -> np.ndarray:
    """An image's pixels (H, W, 4) uint8, sRGB, row 0 the top. Raises JobFailed."""
    width, height = image.size
    if not (width and height):
        raise bad_input(
            f"The picture “{image.name}” has no pixels",
            "If its file is gone, choose another one; a render result: save it first",
        )
    if max(width, height) > LARGEST:
        raise bad_input(
            f"The picture “{image.name}” has {width} × {height} pixels, more than {LARGEST} a side", "Scale it down"
        )
    values = np.empty(width * height * image.channels, np.float32)
    if len(image.pixels) != len(values):
        raise bad_input(
            f"The picture “{image.name}” has no pixels that can be read", "Save it to a file and choose that"
        )
    image.pixels.foreach_get(values)
    pixels = four_channels(values.reshape(height, width, image.channels)[::-1])
    light = image.is_float and not image.colorspace_settings.is_data
    return np.round(255 * (encoded(pixels) if light else pixels.clip(0, 1))).astype(np.uint8)


def four_channels(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 1 … 4): grey, grey and alpha, or colour, with or without alpha → (H, W, 4)."""
    channels = pixels.shape[2]
    colour = pixels[..., :3] if channels >= 3 else pixels[..., :1].repeat(3, axis=2)
    alpha = pixels[..., -1:] if channels in (2, 4) else np.ones_like(pixels[..., :1])
    return np.concatenate([colour, alpha], axis=2)


def draw(layout, settings) -> None:
    """The image, and the treatment of its background."""
    layout.template_ID(settings, "image", open="image.open")
    layout.prop(settings, "remove_background")


class Properties:
    """Of the settings."""

    image: PointerProperty(
        name="Image",
        description="A picture of one thing, cut out or on a background of one colour",
        type=bpy.types.Image,
    )
    remove_background: BoolProperty(
        name="Remove Background", description="Cut the thing out of a background of one colour", default=True
    )


SPEC = CaptureSpec(
    identifier="IMAGE",
    number=4,
    order=5,
    condition="image",
    title="Image",
    description="From one picture of the thing, cut out or on a background of one colour",
    icon="IMAGE_DATA",
    choose=choose,
    capture=capture,
    draw=draw,
    properties=Properties,
)
