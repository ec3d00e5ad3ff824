"""Condition "depth": one depth map, or a mesh to render it from."""

from ..options import AZIMUTH, CAMERAS, ELEVATION, NEAR, PROMPT
from ..spec import CliOption, ConditionSpec, Defaults, Implementation, mesh_or


def _load() -> Implementation:
    from .. import depth, image_preprocessing
    from ..published import IMAGES

    return Implementation(
        prepare=lambda inputs, model: depth.prepare_one(inputs),
        published_prepare=lambda inputs, model: image_preprocessing.prepare_depth(inputs),
        published_encoder=IMAGES,
    )


SPEC = ConditionSpec(
    name="depth",
    order=3,
    needs=("image", "mesh"),
    cli=CliOption("depth", "a depth map (PNG, TIFF, EXR, .npy), near light or a distance; or a mesh", mesh_or("image")),
    load=_load,
    options=(AZIMUTH, ELEVATION, CAMERAS, NEAR, PROMPT),
    encoder="depths",
    defaults=Defaults(1.5, 4, refine=30),
    published=Defaults(1.8, 5),
)
