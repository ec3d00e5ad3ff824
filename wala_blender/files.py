"""Whole files: paths, limits, atomic writing, checksums."""

import hashlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .errors import InputError, OutputError

LONGEST_NAME = 255  # bytes


def check_destination(path: Path | str) -> Path:
    """The path, if a file can be made there. Raises OutputError: its folder is missing or not writable, or it is a
    folder itself.

    To be asked before a long computation, so that its result has somewhere to go.
    """
    path = Path(path)
    folder = path.parent
    if not os.path.isdir(folder):
        raise OutputError(f"the folder {folder} does not exist", "Make it first, or choose another place")
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        kind = stat.S_IFREG
    except (OSError, ValueError) as error:  # a name that is too long, or has a NUL
        raise OutputError(
            f"{path} cannot be written ({getattr(error, 'strerror', None) or error})", "Choose another name"
        ) from error
    if stat.S_ISDIR(kind):
        raise OutputError(f"{path} is a folder", "Give the name of a file in it")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"the folder {folder} is not writable", "Choose another place")
    return path


def beside(path: Path, ending: str) -> Path:
    """``path`` with its suffix replaced by ``ending``; its stem is cut where the name would be longer than a file
    system's 255 bytes."""
    stem = path.stem
    while len(os.fsencode(stem + ending)) > LONGEST_NAME:
        stem = stem[:-1]
    return path.with_name(stem + ending)


def check_folder(path: Path | str) -> Path:
    """The path, if it is a folder or one can be made there. Raises OutputError."""
    path = Path(path)
    if not os.path.isdir(path):
        if os.path.lexists(path):
            raise OutputError(f"{path} is a file, expected a folder", "Choose another name")
        check_destination(path)
    return path


def check_size(path: Path, limit: int, what: str, hint: str) -> None:
    """Raises InputError for a file above ``limit`` bytes, before it is read."""
    size = path.stat().st_size
    if size > limit:
        raise InputError(
            f"{path.name} has {size / 2**20:.0f} MiB, more than the {limit / 2**20:.0f} MiB that are read of {what}",
            hint,
        )


def write_whole(path: Path | str, write: Callable[[BinaryIO], object]) -> None:
    """Calls write(stream) on a temporary file beside ``path`` and renames it: what was there before stays until the new
    file is complete.

    Raises OutputError with nothing left behind.
    """
    path = check_destination(path)
    partial = path.with_name(
        f".wala-{secrets.token_hex(8)}.part"
    )  # as long as any: the path's own name may fill a file system's 255 bytes
    try:
        with open(partial, "xb") as stream:
            write(stream)
        os.replace(partial, path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            message = f"{path} could not be written ({error.strerror or error})"
            raise OutputError(message, "Check the disk's free space and the folder's permissions") from error
        raise


def read_small(path: Path, limit: int) -> bytes:
    """All of an ordinary file of at most ``limit`` bytes. Raises OSError, also for what is none (a pipe would wait for
    ever) or is larger."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(number, "rb") as stream:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(f"it is not an ordinary file: {path}")
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise OSError(f"it has more than the {limit / 2**20:g} MiB that are read: {path}")
    return content


def file_digest(path: Path | str, begin: bytes = b"", algorithm: str = "sha256") -> str:
    """Checksum of a file's bytes, after those of ``begin``, in hexadecimal. Raises OSError."""
    digest = hashlib.new(algorithm, begin)
    with open(path, "rb") as stream:
        while piece := stream.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
