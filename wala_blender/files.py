"""Whole files, their sizes and checksums."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .errors import InputError, OutputError


def check_destination(path: Path | str) -> Path:
    """The path, if a file can be made there. Raises OutputError: its folder is missing or not writable, or it is a folder itself.

    To be asked before a long computation, so that its result has somewhere to go.
    """
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"the folder {folder} does not exist", "Make it first, or choose another place")
    if path.is_dir():
        raise OutputError(f"{path} is a folder", "Give the name of a file in it")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"the folder {folder} is not writable", "Choose another place")
    return path


def check_size(path: Path, limit: int, what: str, hint: str) -> None:
    """Raises InputError for a file above ``limit`` bytes, before it is read."""
    size = path.stat().st_size
    if size > limit:
        raise InputError(f"{path.name} has {size / 2**20:.0f} MiB, more than the {limit / 2**20:.0f} MiB that are read of {what}", hint)


def write_whole(path: Path | str, write: Callable[[BinaryIO], object]) -> None:
    """Calls write(stream) on a temporary file beside ``path`` and renames it: what was there before stays until the new file is complete.

    Raises OutputError with nothing left behind.
    """
    path = check_destination(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as stream:
            write(stream)
        os.replace(partial, path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            message = f"{path} could not be written ({error.strerror or error})"
            raise OutputError(message, "Check the disk's free space and the folder's permissions") from error
        raise


def file_digest(path: Path | str, begin: bytes = b"", algorithm: str = "sha256") -> str:
    """Checksum of a file's bytes, after those of ``begin``, in hexadecimal. Raises OSError."""
    digest = hashlib.new(algorithm, begin)
    with open(path, "rb") as stream:
        while piece := stream.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
