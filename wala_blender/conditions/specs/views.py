"""Condition "views": several pictures of the object from the published cameras, for the published models only."""

from ..options import BACKGROUND, CAMERAS
from ..spec import CliOption, ConditionSpec, Defaults, Implementation


def _load() -> Implementation:
    from .. import image_preprocessing
    from ..published import IMAGES, several

    return Implementation(published_prepare=several(image_preprocessing.prepare_views), published_encoder=IMAGES)


SPEC = ConditionSpec(
    name="views",
    order=5,
    needs=("images",),
    cli=CliOption(
        "views",
        "four pictures of the thing on black, or cut out, from the published cameras",
        lambda paths: {"images": paths},
        "IMAGE",
        count="+",
    ),
    load=_load,
    options=(CAMERAS, BACKGROUND),
    published=Defaults(1.3, 5),
)
