"""Training samples of the levels: points of a shape's surface, and points in and around it with their occupancy."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..files import write_whole
from ..geometry.metrics import sample_surface
from ..geometry.point_sets import unit_sphere_frame
from ..geometry.surface import field_to_mesh
from ..latent_optimization import half_field
from .data.dataset import Entry, load_tree

log = logging.getLogger(__name__)

SAMPLES = "shapes.npz"
SURFACE, IN_BALL, IN_BOX, NEAR = 8192, 20_000, 20_000, 16_384  # points a shape
BALL = 3**0.5  # its radius: round the cube
NEAR_DISTANCES = (0.005, 0.05)  # standard deviations from the surface, half of the near points each
BOX_MARGIN = 1.1


@dataclass(frozen=True)
class LevelShapes:
    """Points float16 in the unit sphere's frame, of S shapes: ``surface`` (S, N, 3), ``volume`` (S, V, 3) and ``near``
    (S, K, 3) with whether they are inside, bool. ``ids``: of the shapes."""

    ids: list[str]
    surface: Tensor
    volume: Tensor
    volume_inside: Tensor
    near: Tensor
    near_inside: Tensor

    def __len__(self) -> int:
        return len(self.ids)


def inside(field: Tensor, points: np.ndarray) -> np.ndarray:
    """Whether points (N, 3) of model space are inside a distance field (R, R, R); outside of its grid none is."""
    R = len(field)
    grid = (torch.from_numpy(points.astype(np.float32)) + 1) * (R / (R - 1)) - 1  # index i lies at 2·i/R − 1
    found = F.grid_sample(field[None, None], grid.flip(-1)[None, None, None], align_corners=True, padding_mode="border")
    return ((found.flatten() < 0) & (torch.from_numpy(points).abs().amax(dim=-1) <= 1)).numpy()


def sampled_shape(field: Tensor, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The arrays of one shape of LevelShapes, of its distance field (R, R, R). Raises InputError without a surface."""
    vertices, faces = field_to_mesh(field)
    frame = unit_sphere_frame(vertices)
    vertices = frame.to_model(vertices)
    directions = rng.standard_normal((IN_BALL, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    ball = directions * BALL * rng.random((IN_BALL, 1)) ** (1 / 3)
    box = (2 * rng.random((IN_BOX, 3)) - 1) * vertices.max(axis=0) * BOX_MARGIN
    volume = np.concatenate([ball, box])
    spread = np.repeat(NEAR_DISTANCES, NEAR // len(NEAR_DISTANCES))[:, None]
    near = sample_surface(vertices, faces, NEAR, rng) + spread * rng.standard_normal((NEAR, 3))
    return {
        "surface": sample_surface(vertices, faces, SURFACE, rng).astype(np.float16),
        "volume": volume.astype(np.float16),
        "volume_inside": inside(field, frame.from_model(volume)),
        "near": near.astype(np.float16),
        "near_inside": inside(field, frame.from_model(near)),
    }


def level_shapes(folder: Path, entries: Sequence[Entry], name: str = SAMPLES) -> LevelShapes:
    """The samples of a store's shapes (their first variant), made once and kept in FOLDER/NAME; about a second a shape.

    Raises InputError where none of them has a surface, or the file is of other shapes.
    """
    path, wanted = folder / name, [entry.id for entry in entries]
    if not path.is_file():
        samples: dict[str, dict[str, np.ndarray]] = {}
        for number, entry in enumerate(entries):
            try:
                samples[entry.id] = sampled_shape(half_field(load_tree(entry, 0)[None]), np.random.default_rng(number))
            except InputError as error:
                log.warning("%s is left out: %s", entry.id, error.message)
        if not samples:
            raise InputError("no shape of the store has a surface", "Build the store again.")
        arrays = {key: np.stack([shape[key] for shape in samples.values()]) for key in next(iter(samples.values()))}
        write_whole(path, lambda stream: np.savez(stream, ids=np.array(list(samples)), **arrays))
    shapes = read_level_shapes(path)
    if not set(shapes.ids) <= set(wanted):
        raise InputError(f"{path} is of other shapes than the store's", "Choose another folder for this run.")
    return shapes


def read_level_shapes(path: Path) -> LevelShapes:
    """The samples in a file that ``level_shapes`` wrote."""
    with np.load(path, allow_pickle=False) as file:
        ids = [str(item) for item in file["ids"]]
        return LevelShapes(ids, **{key: torch.from_numpy(file[key]) for key in file.files if key != "ids"})


def signed_permutations(count: int, generator: torch.Generator) -> Tensor:
    """Random exchanges and mirrorings of the axes (count, 3, 3)."""
    axes = torch.rand(count, 3, generator=generator).argsort(dim=1)
    signs = torch.randint(2, (count, 3), generator=generator) * 2.0 - 1
    return F.one_hot(axes, 3) * signs[:, :, None]


def turned_about_up(count: int, generator: torch.Generator) -> Tensor:
    """Random quarter turns about the up axis (+Y), some of them mirrored, (count, 3, 3): shapes stay along the axes."""
    angles = torch.pi / 2 * torch.randint(4, (count,), generator=generator)
    mirror = torch.randint(2, (count,), generator=generator) * 2.0 - 1
    zero, one = torch.zeros(count), torch.ones(count)
    rows = (mirror * angles.cos(), zero, angles.sin(), zero, one, zero, -mirror * angles.sin(), zero, angles.cos())
    return torch.stack(rows, dim=-1).reshape(count, 3, 3)


def rows_of(values: Tensor, picks: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """For each of ``picks`` (B,) ``count`` random rows of values (S, N, …), with repetition: (B, count, …)."""
    chosen = torch.randint(values.shape[1], (len(picks), count), generator=generator)
    return values[picks[:, None], chosen]


def balanced_rows(labels: Tensor, picks: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Indices (B, count): half of them of points inside, half of ones outside, where a shape has both. labels: (S, N)
    bool."""
    weights = labels[picks].float()
    shares = weights.mean(dim=1, keepdim=True).clamp(1e-6, 1 - 1e-6)
    weights = torch.where(labels[picks], 0.5 / shares, 0.5 / (1 - shares))
    return torch.multinomial(weights, count, replacement=True, generator=generator)
