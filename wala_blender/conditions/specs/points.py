"""Condition "points": a point cloud."""

from dataclasses import dataclass

from ..options import PROMPT
from ..spec import CliOption, ConditionSpec, Defaults, Implementation, Readers


@dataclass(frozen=True)
class PointNetConfig:
    """``large``: SiLU and four transformer blocks after the pooling, else ReLU and three linear layers.

    ``tokens`` × ``out_width`` come out.
    """

    large: bool
    width: int
    tokens: int
    out_width: int
    heads: int = 16


@dataclass(frozen=True)
class PlacedPointsConfig:
    """The starter's: a small net's tokens of a subset of ``token_points`` points, and grid features of all points."""

    net: PointNetConfig = PointNetConfig(large=False, width=96, tokens=24, out_width=192, heads=4)
    token_points: int = 512
    width: int = 32
    grid_channels: int = 64

    @property
    def out_width(self) -> int:
        """Width of the tokens."""
        return self.net.out_width


def _load() -> Implementation:
    from .. import points
    from ..published import PublishedEncoder

    return Implementation(
        prepare=lambda inputs, model: points.prepare(inputs),
        encoder=points.PlacedPoints,
        published_prepare=lambda inputs, model: points.prepare(inputs, model.point_count),
        published_encoder=PublishedEncoder(
            "points", "condition_encoder", points.PointNet, lambda encoder, cloud: (encoder(cloud), None)
        ),
    )


def _point_files() -> Readers:
    from ..point_files import READERS

    return READERS


SPEC = ConditionSpec(
    name="points",
    order=7,
    needs=("points",),
    cli=CliOption(
        "points",
        "points of the surface: .npy, .ply, .xyz, .pts, .csv, .txt, .asc, .pcd, or a mesh",
        lambda path: {"points": path},
    ),
    load=_load,
    options=(PROMPT,),
    files={"points": _point_files},
    encoder="points",
    encoder_config=PlacedPointsConfig,
    defaults=Defaults(1.6, 4, 4, refine=24),
    published=Defaults(1.3, 8),
)
