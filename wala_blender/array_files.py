"""NumPy files (.npy, .npz), read within limits and without pickles."""

import math
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .errors import InputError, first_line
from .files import check_size

MAX_BYTES = 512 * 2**20  # of an array, and of all that is read of an archive
# An archive may unpack to this many bytes, or to more where that is at most this many times what it has packed: a real
# mesh packs 2 to 20 times.
FREE_BYTES, MAX_RATIO = 64 * 2**20, 100
_AGAIN = "The file is damaged or incomplete: write it again"
_SMALLER = "Reduce the number of points or faces"
_ZIP, _NPY = b"PK", b"\x93NUMPY"


def read_npy(path: Path) -> np.ndarray:
    """The array of a .npy file. Raises InputError: damaged, above MAX_BYTES, an archive, or Python objects instead of
    numbers."""
    check_size(path, MAX_BYTES, "an array", _SMALLER)
    try:
        with open(path, "rb") as stream:
            if stream.read(len(_ZIP)) == _ZIP:
                raise InputError(f"{path.name} holds several arrays, expected one", "Save it with numpy.save")
            stream.seek(0)
            return _array(path.name, stream, path.stat().st_size)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # zipfile's and NumPy's readers meet damaged files in countless ways
        raise damaged(path, error) from error


def read_npz(path: Path, *names: str) -> list[np.ndarray]:
    """The arrays of these names in a .npz file.

    Raises InputError: damaged, a name is missing, one array alone, Python objects instead of numbers, or more bytes
    than MAX_BYTES, packed or not (FREE_BYTES where they are packed more than MAX_RATIO times).
    """
    check_size(path, MAX_BYTES, "an archive", _SMALLER)
    try:
        with open(path, "rb") as stream:
            if stream.read(len(_NPY)) == _NPY:
                raise InputError(f"{path.name} is one array, expected an archive of {' and '.join(names)}", _AGAIN)
        with zipfile.ZipFile(path) as archive:
            members = [_member(path, archive, name) for name in names]
            _check_unpacked(path, members)
            arrays = []
            for member in members:
                with archive.open(member) as stream:
                    arrays.append(_array(f"{path.name}: {member.filename}", stream, member.file_size))
            return arrays
    except (InputError, MemoryError):
        raise
    except Exception as error:  # zipfile's and NumPy's readers meet damaged files in countless ways
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> InputError:
    """What a reader's failure becomes."""
    return InputError(f"{path.name} cannot be read ({first_line(error, 160)})", _AGAIN)


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    files = set(archive.namelist())
    if f"{name}.npy" not in files:
        there = ", ".join(sorted(file.removesuffix(".npy") for file in files)[:8])
        raise InputError(f"{path.name} has no array {name!r}; it has {there[:160] or 'none'}", _AGAIN)
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    ):  # the others unpack more at once than was asked for
        raise InputError(
            f"{path.name} is packed by method {member.compress_type}, expected deflate",
            "Save it with numpy.savez_compressed",
        )
    return member


def _check_unpacked(path: Path, members: list[zipfile.ZipInfo]) -> None:
    size = sum(member.file_size for member in members)
    allowed = min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * path.stat().st_size))
    if size > allowed:
        raise InputError(
            f"{path.name} would unpack to {size / 2**20:.0f} MiB, more than the {allowed / 2**20:.0f} MiB that are read of such a file",
            _SMALLER,
        )


def _array(what: str, stream: BinaryIO, size: int) -> np.ndarray:
    """The array of a stream of ``size`` bytes. Its header is compared with them before memory is taken for it."""
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise InputError(
            f"{what} is of the format's version {version[0]}.{version[1]}, expected 1.0 or 2.0",
            "Save it with numpy.save",
        )
    shape, _, kind = readers[version](stream)
    if kind.hasobject:
        raise InputError(f"{what} cannot be read (it holds Python objects, not numbers)", "Save numbers alone")
    count = math.prod(shape)
    if min(shape, default=0) < 0 or count * max(kind.itemsize, 1) > size:
        raise InputError(f"{what} cannot be read (it says that it has {shape} numbers, and has {size} bytes)", _AGAIN)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def checked_numbers(path: Path, array: np.ndarray, what: str, columns: int) -> np.ndarray:
    """The array as it is, checked to be finite numbers of shape (n > 0, columns); ``path`` is named in messages. Raises
    InputError."""
    if array.ndim != 2 or array.shape[1] != columns or array.dtype.kind not in "fiu":
        raise InputError(
            f"{path.name}: {what} are {array.dtype} {array.shape}, expected numbers of shape (n, {columns})"
        )
    if not len(array):
        raise InputError(f"{path.name} has no {what}")
    with np.errstate(over="ignore"):
        bad = int((~np.isfinite(array.astype(np.float32)).all(axis=1)).sum())
    if bad:
        raise InputError(
            f"{path.name}: {bad} of {len(array)} {what} are not finite numbers", "Remove NaN and infinite coordinates"
        )
    return array
