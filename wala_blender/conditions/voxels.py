"""Encoders of voxels: occupancy 16³ → feature grid, or tokens by the published convolutional encoder."""

import contextlib

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import label
from torch import Tensor, nn

from ..errors import InputError
from ..geometry.distance import RESOLUTION, frame_of, mesh_to_distance
from ..geometry.strays import open_sheet_note
from ..geometry.surface import has_parts
from ..networks.layers import ResidualBlock, convolution, grid_to_tokens, output_head
from .evidence import Evidence
from .grid_features import fold, sample_volume
from .shape_constraints import of_voxels
from .specs.voxels import PlacedVoxelsConfig, VoxelEncoderConfig
from .types import Prepared

CELLS = 16  # along an axis; the cells fill [-1, 1]³
_COARSE = 128  # grid points of a field that is enough for most meshes: a sixth of the time of RESOLUTION


class VoxelEncoder(nn.Module):
    """Three residual blocks at the input's size, an average pooling to half of it, three more."""

    def __init__(self, config: VoxelEncoderConfig):
        super().__init__()
        self.config = config
        self.in_conv = convolution(1, config.stem)
        self.res_1 = ResidualBlock(config.stem, config.width, config.norm_groups)
        for i in range(2, 7):
            self.add_module(f"res_{i}", ResidualBlock(config.width, config.width, config.norm_groups))
        self.out_conv = output_head(config.width, config.out_width, config.norm_groups)

    def forward(self, occupancy: Tensor) -> Tensor:
        """Occupancy (B, 1, 16, 16, 16), 0 or 1, axes x, y, z → features (B, out_width, 8, 8, 8)."""
        h = self.res_3(self.res_2(self.res_1(self.in_conv(occupancy))))
        h = F.avg_pool3d(h, 3, stride=2, padding=1)
        return self.out_conv(self.res_6(self.res_5(self.res_4(h))))

    def tokens(self, occupancy: Tensor) -> Tensor:
        """Occupancy (B, 1, 16, 16, 16) → tokens (B, 512, out_width), x-major."""
        return grid_to_tokens(self(occupancy))


def occupancy_of(field: np.ndarray | Tensor, cells: int = CELLS) -> np.ndarray:
    """Solid voxels (cells, cells, cells) bool of a distance field (R, R, R), R a multiple of cells, by the "any" rule:
    a cell is filled when any grid point of it is inside the shape."""
    k = field.shape[0] // cells
    inside = np.asarray(field < 0).reshape(cells, k, cells, k, cells, k)
    return inside.any(axis=(1, 3, 5))


def upsampled(occupancy: np.ndarray, mode: str, resolution: int = RESOLUTION) -> Tensor:
    """Field (R, R, R) float32, 1/2 minus the filling of cells (16, 16, 16): "nearest" or "trilinear" between the cells'
    centres."""
    cells = torch.from_numpy(occupancy.astype(np.float32))[None, None]
    return 0.5 - F.interpolate(cells, scale_factor=resolution // CELLS, mode=mode)[0, 0]


def occupancy_of_half(field: np.ndarray, cells: int = CELLS) -> np.ndarray:
    """As ``occupancy_of`` of the field at twice the resolution, linear in between."""
    k = field.shape[0] // cells
    for axis in range(3):
        rows = np.moveaxis(field, axis, 0)
        # Of the points in between only a cell's last can be inside where its own grid points are not: it is half the
        # next cell's.
        last = (rows[k - 1 :: k] + np.concatenate([rows[k::k], rows[-1:]])) / 2
        rows = np.concatenate([rows.reshape(cells, k, *rows.shape[1:]), last[:, None]], 1)
        field = np.moveaxis(rows.reshape(-1, *rows.shape[2:]), 0, axis)
    return occupancy_of(field, cells)


def _mesh_cells(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Occupancy, distance field and a note of what is lost, of a mesh in model space; with the full field only where a
    coarse one loses something."""
    with contextlib.suppress(InputError):  # too thin for the coarse field; the full one decides
        field = mesh_to_distance(vertices, faces, _COARSE)
        if not open_sheet_note(field, vertices, faces):
            return occupancy_of_half(field), field, ""
    field = mesh_to_distance(vertices, faces)
    return occupancy_of(field), field, open_sheet_note(field, vertices, faces)


def prepare(inputs: dict) -> Prepared:
    """{"occupancy": (16, 16, 16) bool} or a mesh {"vertices" (V, 3), "faces" (F, 3)}, +Y up → occupancy (1, 1, 16, 16,
    16) float32.

    A mesh is centred and scaled to the model's size first; "hold", 0 … 1, default the model's, is how much of its
    surface is kept: from "fill these cells" to "keep these faces". Raises InputError when no voxel is filled, or the
    mesh has no volume.
    """
    frame, note = None, ""
    if "occupancy" in inputs:
        occupancy = np.asarray(inputs["occupancy"], dtype=bool)
        evidence = Evidence(voxels=torch.from_numpy(occupancy))
    else:
        used = np.asarray(inputs["vertices"], dtype=np.float64)[np.unique(inputs["faces"])]
        frame = frame_of(used)
        vertices = frame.to_model(inputs["vertices"])
        occupancy, field, note = _mesh_cells(vertices, inputs["faces"])
        evidence = Evidence(blockout=torch.from_numpy(field), hold=inputs.get("hold", 0.5))
    if occupancy.shape != (CELLS,) * 3:
        raise InputError(
            f"expected voxels of shape {(CELLS,) * 3}, got {occupancy.shape}", f"Resample the voxels to {CELLS}³."
        )
    if not occupancy.any():
        raise InputError("no voxel is filled", "Fill at least a few voxels.")
    # Boxes beside each other may share cells.
    in_parts = label(occupancy, np.ones((3, 3, 3)))[1] > 1 or (
        evidence.blockout is not None and has_parts(evidence.blockout[::2, ::2, ::2].numpy() < 0)
    )
    cells = torch.from_numpy(occupancy)
    return Prepared(
        (cells[None, None].float(),),
        frame,
        of_voxels(cells),
        note=note,
        in_parts=in_parts,
        evidence=lambda field: evidence,
        blockout=evidence.blockout,
        hold=inputs.get("hold"),
    )


class PlacedVoxels(nn.Module):
    """Occupancy (B, 1, 16, 16, 16) → tokens (B, 64, out_width), grid features (B, grid_channels, 12, 12, 12)."""

    def __init__(self, config: PlacedVoxelsConfig = PlacedVoxelsConfig()):
        super().__init__()
        self.encoder = VoxelEncoder(VoxelEncoderConfig(config.out_width, config.stem, config.width, config.norm_groups))
        self.local = nn.Sequential(
            convolution(1, config.width),
            nn.SiLU(),
            convolution(config.width, config.width),
            nn.SiLU(),
            convolution(config.width, config.width),
        )
        self.placed = nn.Conv3d(8 * config.width, config.grid_channels, 1)

    def forward(self, occupancy: Tensor) -> tuple[Tensor, Tensor]:
        tokens = grid_to_tokens(F.avg_pool3d(self.encoder(occupancy), 2))
        features = self.local(occupancy)
        return tokens, self.placed(fold(sample_volume(features.float())).to(features.dtype))
