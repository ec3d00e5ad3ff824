"""Condition "image": one picture of the object. The starter reads it as a sketch: its lines and silhouette."""

from ..options import BACKGROUND, CAMERAS, ELEVATION, PROMPT
from ..spec import CliOption, ConditionSpec, Defaults, Implementation


def _load() -> Implementation:
    from .. import image, image_preprocessing
    from ..published import IMAGES

    return Implementation(
        prepare=lambda inputs, model: image.prepare(inputs),
        published_prepare=lambda inputs, model: image_preprocessing.prepare_image(inputs),
        published_encoder=IMAGES,
    )


SPEC = ConditionSpec(
    name="image",
    order=2,
    needs=("image",),
    cli=CliOption("image", "a picture of the thing on black, or cut out", lambda path: {"image": path}, "IMAGE"),
    load=_load,
    options=(ELEVATION, CAMERAS, BACKGROUND, PROMPT),
    encoder="sketch",
    shows_colours=True,
    defaults=Defaults(4.0, 16),
    published=Defaults(1.8, 5),
)
