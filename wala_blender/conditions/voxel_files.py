"""Voxel grids from files, resampled to 16³: .npy, .json, .binvox and MagicaVoxel's .vox, of any size."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..array_files import damaged, read_npy
from ..errors import InputError

VOXELS = 16
MOST = 512  # along an axis


def resample(filled: np.ndarray) -> np.ndarray:
    """Occupancy (n, n, n) bool over [-1, 1]³ at VOXELS³: a coarse cell is filled when any voxel whose middle lies in it
    is; where the given voxels are larger, when the one around its middle is."""
    n = len(filled)
    if n < VOXELS:
        nearest = (2 * np.arange(VOXELS) + 1) * n // (2 * VOXELS)
        return filled[np.ix_(nearest, nearest, nearest)]
    coarse = np.zeros((VOXELS,) * 3, dtype=bool)
    coarse[tuple((2 * np.argwhere(filled) + 1).T * VOXELS // (2 * n))] = True
    return coarse


def occupancy_of_array(path: Path, values: np.ndarray) -> dict:
    """{"occupancy": (16, 16, 16) bool, "notes": how it was resampled} of a grid of 0 and 1 (or one other number, 255
    say), axes x, y, z.

    Axes of length 1 before it are dropped; a grid that is no cube lies in the middle of one. Raises InputError.
    """
    shape = values.shape
    while values.ndim > 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 4 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3 or values.dtype.kind not in "biuf" or not all(2 <= n <= MOST for n in values.shape):
        raise InputError(
            f"{path.name}: the occupancy is {values.dtype} {shape}, expected 0 or 1 of shape (16, 16, 16), or of another size "
            f"from 2 to {MOST}"
        )
    if values.dtype.kind == "b":
        filled = values
    else:
        full = values.max()
        wrong = values[~((values == 0) | (values == full))]
        if len(wrong) or not np.isfinite(full) or (values.dtype.kind == "f" and full not in (0, 1, 255)):
            raise InputError(
                f"{path.name}: the occupancy has the value {wrong[0] if len(wrong) else full}, expected only 0 and 1, or 0 and 255"
            )
        filled = values > 0
    if not filled.any():
        raise InputError(f"{path.name}: no voxel is filled", "Fill some")
    if filled.shape == (VOXELS,) * 3:
        return {"occupancy": filled}
    side = max(filled.shape)
    size = "×".join(map(str, filled.shape))
    margins = [(side - n) // 2 for n in filled.shape]
    cube = np.pad(filled, [(margin, side - n - margin) for margin, n in zip(margins, filled.shape)])
    note = (
        f"The voxels were resampled from {size} to {VOXELS}×{VOXELS}×{VOXELS}"
        if side != VOXELS
        else f"The {size} voxels lie in the middle of a cube"
    )
    return {"occupancy": resample(cube) if side != VOXELS else cube, "notes": [note]}


def _npy(path: Path) -> dict:
    return occupancy_of_array(path, read_npy(path))


def _json(path: Path) -> dict:
    """{"resolution": n, "occupancy": …}: [x, y, z] of each filled voxel, or n³ times 0 or 1 (x slowest), flat or
    nested."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not isinstance(document, dict) or not {"resolution", "occupancy"} <= document.keys():
        raise InputError(f'{path.name} is not a grid of voxels: expected "resolution" and "occupancy"')
    resolution = document["resolution"]
    shape = [resolution] * 3 if not isinstance(resolution, list) else resolution
    if len(shape) != 3 or not all(isinstance(n, int) and not isinstance(n, bool) and 2 <= n <= MOST for n in shape):
        raise InputError(
            f"{path.name}: the resolution is {resolution!r}, expected {VOXELS}, or another whole number from 2 to {MOST}"
        )
    try:
        values = np.array(document["occupancy"])
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{path.name}: the occupancy's rows have different lengths", "Give [x, y, z] of each filled voxel"
        ) from error
    if not values.size:
        raise InputError(f"{path.name}: no voxel is filled", "Fill some")
    if values.ndim == 2 and values.shape[1] == 3:
        return occupancy_of_array(path, _filled_at(path, values, shape))
    if values.size != np.prod(shape):
        raise InputError(
            f"{path.name}: the occupancy is {values.dtype} {values.shape}, expected 0 or 1, {'×'.join(map(str, shape))} of them"
        )
    return occupancy_of_array(path, values.reshape(shape))


def _filled_at(path: Path, indices: np.ndarray, shape: list[int]) -> np.ndarray:
    if indices.dtype.kind not in "iu":
        raise InputError(f"{path.name}: voxel indices are {indices.dtype}, expected whole numbers")
    wrong = np.flatnonzero(((indices < 0) | (indices >= shape)).any(axis=1))
    if len(wrong):
        raise InputError(
            f"{path.name}: voxel {int(wrong[0])}, {indices[wrong[0]].tolist()}, is out of range",
            f"Indices run from 0 to {max(shape) - 1}",
        )
    filled = np.zeros(shape, dtype=bool)
    filled[tuple(indices.T)] = True
    return filled


def _binvox(path: Path) -> dict:
    """Patrick Min's format: run lengths, x slowest, then z, then y."""
    try:
        header, marker, body = path.read_bytes().partition(b"\ndata\n")
        if not marker:
            header, marker, body = path.read_bytes().partition(b"\ndata\r\n")
        lines = [line.split() for line in header.decode("ascii", "replace").splitlines()]
        shape = next([int(word) for word in line[1:4]] for line in lines if line and line[0] == "dim")
        if not marker or lines[0][:1] != ["#binvox"] or len(shape) != 3:
            raise ValueError("its header is not that of a .binvox")
        if not all(2 <= n <= MOST for n in shape):
            raise InputError(f"{path.name} has {'×'.join(map(str, shape))} voxels, expected from 2 to {MOST} a side")
        runs = np.frombuffer(body[: len(body) // 2 * 2], dtype=np.uint8).reshape(-1, 2)
        there = int(runs[:, 1].sum(dtype=np.int64))
        if there < np.prod(shape):
            raise ValueError(f"{there} of {np.prod(shape)} voxels are there")
        # More runs than voxels could only exhaust memory.
        runs = runs[: np.searchsorted(np.cumsum(runs[:, 1], dtype=np.int64), np.prod(shape)) + 1]
        filled = np.repeat(runs[:, 0] > 0, runs[:, 1])[: np.prod(shape)].reshape(shape)
    except (OSError, ValueError, IndexError, StopIteration) as error:
        raise damaged(path, error) from error
    return occupancy_of_array(path, filled.transpose(0, 2, 1))


def _vox(path: Path) -> dict:
    """MagicaVoxel: +Z is up there."""
    try:
        data = path.read_bytes()
        if data[:4] != b"VOX ":
            raise ValueError("it does not begin as a .vox")
        sizes = [struct.unpack("<3i", content[:12]) for content in _chunks(data, b"SIZE")]
        models = [
            np.frombuffer(content, np.uint8, 4 * struct.unpack("<I", content[:4])[0], 4).reshape(-1, 4)
            for content in _chunks(data, b"XYZI")
        ]
        if not sizes or len(sizes) != len(models):
            raise ValueError(f"it has {len(sizes)} sizes and {len(models)} models")
        if len(models) > 1:
            raise InputError(
                f"{path.name} has {len(models)} models, expected one",
                "Merge them into one object in MagicaVoxel (Union), and save again",
            )
        if not all(1 <= n <= MOST for n in sizes[0]):
            raise ValueError(f"its size is {sizes[0]}")
        filled = np.zeros(np.maximum(sizes[0], 2), dtype=bool)
        filled[tuple(models[0][:, :3].T.astype(np.int64))] = True
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise damaged(path, error) from error
    return occupancy_of_array(path, filled.transpose(0, 2, 1)[:, :, ::-1])


def _chunks(data: bytes, kind: bytes) -> list[bytes]:
    """Contents of a .vox file's chunks of one kind, in their order."""
    found, at = [], 8
    while at + 12 <= len(data):
        name, size, _ = struct.unpack_from("<4sII", data, at)
        at += 12
        if name == b"MAIN":
            continue  # its children follow
        if at + size > len(data):
            raise ValueError("a chunk reaches beyond the file's end")
        if name == kind:
            found.append(data[at : at + size])
        at += size
    return found


READERS: dict[str, Callable[[Path], dict]] = {".npy": _npy, ".json": _json, ".binvox": _binvox, ".vox": _vox}
