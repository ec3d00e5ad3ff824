"""Condition "depths": several depth maps of the published cameras, or a mesh to render them from."""

from dataclasses import dataclass
from pathlib import Path

from ..options import CAMERAS, NEAR, PROMPT
from ..spec import CliOption, ConditionSpec, Defaults, Implementation, is_mesh


@dataclass(frozen=True)
class PlacedDepthsConfig:
    """``width``: of the features at 24³; tokens of ``out_width``, grid features of ``grid_channels``."""

    width: int = 24
    out_width: int = 192
    grid_channels: int = 64


def _mesh_or_images(paths: list[Path]) -> dict:
    return {"mesh": paths[0]} if len(paths) == 1 and is_mesh(paths[0]) else {"images": paths}


def _load() -> Implementation:
    from .. import depth, image_preprocessing
    from ..published import IMAGES, several

    return Implementation(
        prepare=lambda inputs, model: depth.prepare(inputs),
        encoder=depth.PlacedDepths,
        published_prepare=several(image_preprocessing.prepare_depths),
        published_encoder=IMAGES,
    )


SPEC = ConditionSpec(
    name="depths",
    order=4,
    needs=("images", "mesh"),
    cli=CliOption(
        "depths",
        "four or six depth maps from the published cameras; or a mesh for them to look at",
        _mesh_or_images,
        count="+",
    ),
    load=_load,
    options=(CAMERAS, NEAR, PROMPT),
    encoder="depths",
    encoder_config=PlacedDepthsConfig,
    defaults=Defaults(1.3, 4, refine=30),
    published=Defaults(1.3, 5),
)
