"""Condition "sketch": a line drawing, as polylines or as a picture."""

from dataclasses import dataclass

from ..options import ELEVATION, PROMPT
from ..spec import CliOption, ConditionSpec, Defaults, Implementation, Readers


@dataclass(frozen=True)
class SketchEncoderConfig:
    """``width``: of the picture's features; tokens of ``out_width``, grid features of ``grid_channels``."""

    width: int = 48
    out_width: int = 192
    grid_channels: int = 64


def _load() -> Implementation:
    from .. import image_preprocessing, sketch
    from ..published import IMAGES

    return Implementation(
        prepare=lambda inputs, model: sketch.prepare(inputs),
        encoder=sketch.SketchEncoder,
        published_prepare=lambda inputs, model: image_preprocessing.prepare_sketch(inputs),
        published_encoder=IMAGES,
    )


def _polyline_files() -> Readers:
    from ..polyline_files import READERS

    return READERS


SPEC = ConditionSpec(
    name="sketch",
    order=1,
    needs=("polylines", "image"),
    cli=CliOption("sketch", "a picture of dark lines on a light background", lambda path: {"image": path}, "IMAGE"),
    load=_load,
    options=(ELEVATION, PROMPT),
    files={"polylines": _polyline_files},
    encoder="sketch",
    encoder_config=SketchEncoderConfig,
    defaults=Defaults(4.0, 16),
    published=Defaults(1.8, 5),
)
