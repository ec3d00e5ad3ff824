"""Configuration of a starter model: its denoiser and encoders. No torch."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..conditions.spec import Defaults
from ..conditions.specs import ENCODER_CONFIGS, SPECS
from ..conditions.specs.depths import PlacedDepthsConfig
from ..conditions.specs.points import PlacedPointsConfig
from ..conditions.specs.sketch import SketchEncoderConfig
from ..conditions.specs.text import TextEncoderConfig
from ..conditions.specs.voxels import PlacedVoxelsConfig
from ..configuration import READ, from_plain
from ..errors import InputError
from ..networks.configs import CONTEXT_WIDTH, GRID_CHANNELS, LATENT_CHANNELS, UViTConfig

EncoderConfig = Any  # of one of the types of ENCODER_CONFIGS: with out_width and grid_channels


def starter_encoders() -> dict[str, EncoderConfig]:
    """Encoders of the starter, and of older models whose about.json lists none."""
    return {
        "text": TextEncoderConfig(),
        "sketch": SketchEncoderConfig(),
        "voxels": PlacedVoxelsConfig(),
        "points": PlacedPointsConfig(),
        "depths": PlacedDepthsConfig(),
    }


def read_encoders(values: object, where: str) -> dict[str, EncoderConfig]:
    """Encoders' configurations by name, from JSON and TOML values. Raises InputError."""
    if not isinstance(values, dict) or not values:
        raise InputError(f"{where} is {values!r}, expected a table of encoders", "Give their names and configurations.")
    unknown = sorted(set(values) - set(ENCODER_CONFIGS))
    if unknown:
        raise InputError(f"{where}: unknown encoder {unknown[0]!r}", f"Known are: {', '.join(ENCODER_CONFIGS)}.")
    return {name: from_plain(ENCODER_CONFIGS[name], value, f"{where}.{name}") for name, value in values.items()}


@dataclass(frozen=True)
class StarterConfig:
    """``encoders``: by name, in the order of their weights' first values."""

    denoiser: UViTConfig = UViTConfig(
        width=224,
        blocks=5,
        heads=7,
        channels=64,
        res_blocks=1,
        patch=3,
        context_width=CONTEXT_WIDTH,
        context_to_time=True,
        grid_channels=GRID_CHANNELS + LATENT_CHANNELS,
        norm_groups=16,
    )
    encoders: dict[str, EncoderConfig] = field(default_factory=starter_encoders, metadata={READ: read_encoders})

    def __post_init__(self):
        for name, encoder in self.encoders.items():
            expected = self.denoiser.context_width, self.denoiser.grid_channels - self.denoiser.latent_channels
            if (encoder.out_width, encoder.grid_channels) != expected:
                raise ValueError(
                    f"the encoder {name} gives tokens of {encoder.out_width} and {encoder.grid_channels} channels, "
                    f"the denoiser takes {expected[0]} and {expected[1]}"
                )


def conditions_of(encoders: Iterable[str]) -> dict[str, Defaults]:
    """Conditions that a model with these encoders takes, with their default settings."""
    return {spec.name: spec.defaults for spec in SPECS.values() if spec.defaults and spec.encoder in ("", *encoders)}
