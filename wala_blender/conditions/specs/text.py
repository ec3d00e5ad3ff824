"""Condition "text": a prompt."""

from dataclasses import dataclass

from ..options import ORIGINALITY
from ..spec import CliOption, ConditionSpec, Defaults, Implementation


@dataclass(frozen=True)
class TextEncoderConfig:
    """Transformer of ``blocks`` blocks on tokens of ``width``, projected to ``out_width``; a coarse layout of the
    typical shape, ``layout`` channels on a grid of 6³, becomes grid features of ``grid_channels``."""

    vocabulary: int = 2048
    width: int = 160
    blocks: int = 2
    heads: int = 4
    out_width: int = 192
    layout: int = 16
    grid_channels: int = 64


def _load() -> Implementation:
    from .. import text

    return Implementation(lambda inputs, model: text.prepare(inputs, model.vocabulary), text.TextEncoder)


SPEC = ConditionSpec(
    name="text",
    order=0,
    needs=("prompt",),
    cli=CliOption("text", 'what to make: "a chair"', lambda prompt: {"prompt": prompt}, "PROMPT", str),
    load=_load,
    options=(ORIGINALITY,),
    encoder="text",
    encoder_config=TextEncoderConfig,
    defaults=Defaults(2.0, 8, originality=0.3),
)
