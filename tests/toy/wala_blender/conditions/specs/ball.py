"""Condition "ball": a radius."""

from dataclasses import dataclass

from ...arguments import number
from ...errors import InputError
from ..spec import CliOption, ConditionSpec, Defaults, Implementation


@dataclass(frozen=True)
class BallEncoderConfig:
    """One token of ``out_width``, placed features of ``grid_channels``."""

    out_width: int = 192
    grid_channels: int = 64


def _check_radius(value: object) -> float:
    if not isinstance(value, int | float) or not 0 < value < 1:
        raise InputError(f"the radius is {value!r}, expected a number between 0 and 1")
    return float(value)


def _load() -> Implementation:
    import torch
    from torch import Tensor, nn

    from ..grid_features import CELLS
    from ..types import Prepared

    class BallEncoder(nn.Module):
        """Radii (B,) → tokens (B, 1, out_width), placed features (B, grid_channels, 12, 12, 12)."""

        def __init__(self, config: BallEncoderConfig):
            super().__init__()
            self.token, self.placed = nn.Linear(1, config.out_width), nn.Linear(1, config.grid_channels)

        def forward(self, radius: Tensor) -> tuple[Tensor, Tensor]:
            placed = self.placed(radius[:, None])[..., None, None, None]
            return self.token(radius[:, None])[:, None], placed.expand(-1, -1, CELLS, CELLS, CELLS)

    return Implementation(lambda inputs, model: Prepared((torch.tensor([inputs["radius"]]),)), BallEncoder)


SPEC = ConditionSpec(
    name="ball",
    order=100,
    needs=("radius",),
    cli=CliOption(
        "ball",
        "the radius of a ball",
        lambda radius: {"radius": radius},
        "RADIUS",
        number(float, 0.01, 0.99, "a radius between 0 and 1"),
    ),
    load=_load,
    values={"radius": _check_radius},
    encoder="ball",
    encoder_config=BallEncoderConfig,
    defaults=Defaults(1.5, 4),
)
