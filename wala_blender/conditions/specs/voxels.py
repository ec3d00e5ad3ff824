"""Condition "voxels": occupied cells, or the mesh of a blockout."""

from dataclasses import dataclass

from ..options import HOLD, PROMPT
from ..spec import CliOption, ConditionSpec, Defaults, Implementation, Readers, mesh_or


@dataclass(frozen=True)
class VoxelEncoderConfig:
    """The published encoder's. ``out_width``: channels of the feature grid; ``stem`` and ``width``: of the layers
    before, multiples of ``norm_groups``."""

    out_width: int
    stem: int = 64
    width: int = 128
    norm_groups: int = 32


@dataclass(frozen=True)
class PlacedVoxelsConfig:
    """The starter's: tokens of ``out_width`` from an encoder of the published kind, and grid features of
    ``grid_channels``."""

    stem: int = 16
    width: int = 32
    out_width: int = 192
    grid_channels: int = 64
    norm_groups: int = 8


def _load() -> Implementation:
    from .. import voxels
    from ..published import PublishedEncoder

    return Implementation(
        prepare=lambda inputs, model: voxels.prepare(inputs),
        encoder=voxels.PlacedVoxels,
        published_prepare=lambda inputs, model: voxels.prepare(inputs),
        published_encoder=PublishedEncoder(
            "voxels",
            "condition_encoder",
            voxels.VoxelEncoder,
            lambda encoder, occupancy: (encoder.tokens(occupancy), None),
        ),
    )


def _occupancy_files() -> Readers:
    from ..voxel_files import READERS

    return READERS


SPEC = ConditionSpec(
    name="voxels",
    order=6,
    needs=("occupancy", "mesh"),
    cli=CliOption(
        "voxels",
        '0 and 1, best 16³: .npy, .vox, .binvox, or .json with "resolution" and "occupancy"; or a mesh of a blockout',
        mesh_or("occupancy"),
    ),
    load=_load,
    options=(HOLD, PROMPT),
    files={"occupancy": _occupancy_files},
    encoder="voxels",
    encoder_config=PlacedVoxelsConfig,
    defaults=Defaults(1.5, 4, 16, hold=0.5),
    published=Defaults(1.5, 5),
)
