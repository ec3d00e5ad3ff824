"""Training samples of surface colours: points on the visible surface of coloured meshes, with normals and colours."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from ..errors import InputError
from ..files import write_whole
from ..geometry.metrics import sample_surface
from ..geometry.topology import face_normals
from .data.face_colours import load_face_colours
from .data.mesh_datasets import Record, load_mesh

log = logging.getLogger(__name__)

_HALF_WIDTH = 0.55  # of the cube that a shape of longest side 1 lies in
POINTS = 4096  # a shape
_DRAWN = 24_576  # that the visible ones are chosen of
_GRID = 64  # of the grid that says what is outside
_REACH = (1.6, 2.6)  # cells from a face to the cells that must be outside
_LEAST_VISIBLE = 0.05
_PLACES = 32767 / _HALF_WIDTH


@dataclass(frozen=True)
class ColourShapes:
    """Of S shapes with longest side 1 around 0: ``points`` int16 (S, POINTS, 3), in units of 1 / _PLACES, ``normals``
    int8 (S, POINTS, 3), ``colours`` uint8 (S, POINTS, 3), sRGB; the shapes' records."""

    records: list[Record]
    points: Tensor
    normals: Tensor
    colours: Tensor

    def __len__(self) -> int:
        return len(self.records)


def sampled_surface(
    vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (POINTS, 3) on the faces that are seen from outside, evenly over their area, unit normals that point
    outward, and the faces' colours. Raises InputError for a mesh of which hardly anything is seen."""
    points, chosen = sample_surface(vertices, faces, _DRAWN, rng, with_faces=True)
    normals = face_normals(vertices, faces)[0][chosen]
    outside = _outside(points)
    front, back = (
        np.logical_and.reduce([outside[_cells(points + side * reach / _GRID * normals)] for reach in _REACH])
        for side in (1, -1)
    )
    # of a sheet that is seen from both sides the front counts
    normals = np.where((back & ~front)[:, None], -normals, normals)
    seen = np.flatnonzero(front | back)
    if len(seen) < _LEAST_VISIBLE * len(points):
        raise InputError("hardly anything of it is seen from outside")
    kept = seen[:POINTS] if len(seen) >= POINTS else rng.choice(seen, POINTS)
    return points[kept], normals[kept], colours[chosen[kept]]


def _cells(points: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of a grid of _GRID + 8 cells along an axis, four of them beyond the shape."""
    return tuple(np.clip(((points + 0.5) * _GRID).astype(np.int64) + 4, 0, _GRID + 7).T)


def _outside(points: np.ndarray) -> np.ndarray:
    solid = np.zeros((_GRID + 8,) * 3, bool)
    solid[_cells(points)] = True
    labels, _ = ndimage.label(~solid)
    return labels == labels[0, 0, 0]


def colour_shapes(file: Path, records: Sequence[Record], colours: Path) -> ColourShapes:
    """The samples of coloured records, computed once and kept in a file; 50 ms a shape.

    Raises InputError where none has a surface, or the file is of other shapes.
    """
    wanted = {record.id: record for record in records}
    if not file.is_file():
        samples: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for number, record in enumerate(records):
            try:
                samples[record.id] = sampled_surface(
                    *load_mesh(record), load_face_colours(record, colours), np.random.default_rng(number)
                )
            except InputError as error:
                log.warning("%s is left out: %s", record.id, error.message)
            if number % 500 == 499:
                log.info("%d of %d shapes sampled", number + 1, len(records))
        if not samples:
            raise InputError("no coloured shape has a surface", "Give other meshes.")
        arrays = {
            "points": np.stack([np.rint(shape[0] * _PLACES).clip(-32767, 32767) for shape in samples.values()]).astype(
                np.int16
            ),
            "normals": np.stack([np.rint(shape[1] * 127) for shape in samples.values()]).astype(np.int8),
            "colours": np.stack([shape[2] for shape in samples.values()]).astype(np.uint8),
        }
        write_whole(file, lambda stream: np.savez(stream, ids=np.array(list(samples)), **arrays))
    with np.load(file, allow_pickle=False) as content:
        ids = [str(item) for item in content["ids"]]
        if not set(ids) <= set(wanted):
            raise InputError(f"{file} is of other shapes", "Choose another folder for this run.")
        arrays = {name: torch.from_numpy(content[name]) for name in ("points", "normals", "colours")}
    return ColourShapes([wanted[name] for name in ids], **arrays)
