"""Atomic writing and safe opening of files (no links, no pipes), and disk errors as messages for the artist."""

import errno
import io
import json
import os
import secrets
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .messages import JobFailed

MAX_JSON_BYTES = 16 * 2**20
PARTIAL = ".partial"
FileContent = np.ndarray | Mapping[str, np.ndarray] | bytes

# Flags, where the system has them: no links, no waiting for a pipe's other end, no inheritance by subprocesses, no
# conversion of line ends.
_CAREFULLY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOINHERIT", "O_BINARY"))
_FLAGS = {
    "rb": os.O_RDONLY,
    "ab": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "xb": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    "r+b": os.O_RDWR | os.O_CREAT,
}
# Errors of the systems on opening a link, a pipe, a socket or a folder.
_ODD_FILES = frozenset({errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR, errno.EOPNOTSUPP})


class NotPlainError(OSError):
    """A link, a pipe, a device or a folder where an ordinary file is expected; or a link where a folder is."""

    def __init__(self, path: Path | str, expected: str = "an ordinary file"):
        super().__init__(errno.ELOOP, f"it is a link or something else than {expected}", str(path))


def open_plain(path: Path | str, mode: str) -> BinaryIO:
    """Open a regular file: never through a link (nor, for writing, one with a further hard link), never waiting for a
    pipe's other end.

    mode: "rb", "ab", "xb" as of open(), or "r+b", which makes the file if it is missing. Raises NotPlainError, OSError.
    """
    if os.path.lexists(path) and _is_link(os.lstat(path)):
        # Systems without O_NOFOLLOW would follow the link.
        raise NotPlainError(path)
    try:
        number = os.open(path, _FLAGS[mode] | _CAREFULLY, 0o666)
    except ValueError as error:
        raise _no_name(path) from error
    except OSError as error:
        if error.errno in _ODD_FILES:
            raise NotPlainError(path) from error
        raise
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode) or (mode != "rb" and found.st_nlink > 1):
        os.close(number)
        raise NotPlainError(path)
    return os.fdopen(number, mode.replace("x", "w"))


def is_plain(path: Path | str) -> bool:
    """Whether it is a regular file and not a link."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and not _is_link(found)


def check_folder(path: Path | str) -> None:
    """Raises NotPlainError if it is a link or not a folder; FileNotFoundError if it does not exist."""
    try:
        found = os.lstat(path)
    except ValueError as error:
        raise _no_name(path) from error
    if not stat.S_ISDIR(found.st_mode) or _is_link(found):
        raise NotPlainError(path, "a folder")


def _no_name(path: Path | str) -> OSError:
    """Error for a path with NUL or a lone surrogate."""
    return OSError(errno.EINVAL, "no file can have this name", str(path))


def _is_link(found: os.stat_result) -> bool:
    """Whether it is a symbolic link or a Windows junction."""
    is_junction = getattr(found, "st_file_attributes", 0) & getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0)
    return stat.S_ISLNK(found.st_mode) or bool(is_junction and stat.S_ISDIR(found.st_mode))


def write_files(files: Sequence[tuple[Path, Callable[[BinaryIO], object]]]) -> None:
    """Write all files under unguessable temporary names, then rename them in order.

    The last one's presence marks the set as complete: it is removed first and renamed last. Raises OSError; earlier
    files then stay, and nothing half-written is left behind.
    """
    partials = [path.with_name(f".{path.name}.{secrets.token_hex(8)}{PARTIAL}") for path, _ in files]
    try:
        for partial, (_, write) in zip(partials, files):
            with open_plain(partial, "xb") as file:
                write(file)
        if len(files) > 1:
            files[-1][0].unlink(missing_ok=True)
        for partial, (path, _) in zip(partials, files):
            os.replace(partial, path)
    except BaseException:
        for partial in partials:
            partial.unlink(missing_ok=True)
        raise


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write through a temporary name, so that ``path`` is complete or absent. Raises OSError, with nothing left
    behind."""
    write_files([(path, write)])


def write_json(path: Path, document: Mapping) -> None:
    """Write strict JSON (no NaN). Raises OSError, or JobFailed "job-invalid" if a value is not JSON."""
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise JobFailed("job-invalid", f"{path.name} cannot be written: {error}") from error
    write_file(path, lambda file: file.write(text.encode("utf-8", "surrogatepass")))


def writer(content: FileContent) -> Callable[[BinaryIO], object]:
    """Function that writes ``content``: bytes as they are, an array as .npy, a dict of arrays as .npz; never
    pickles."""
    if isinstance(content, bytes):
        return lambda file: file.write(content)
    # In memory first: on a full disk numpy's error lacks the reason, and zipfile raises
    # twice.
    packed = io.BytesIO()
    if isinstance(content, np.ndarray):
        np.save(packed, content, allow_pickle=False)
    else:
        np.savez(packed, **{name: np.asarray(array) for name, array in content.items()})
    return lambda file: file.write(packed.getbuffer())


def read_json(path: Path, missing: str, invalid: str, hint: str) -> dict:
    """The object in a strict JSON file (no NaN). Raises JobFailed with the code ``missing`` or ``invalid``."""

    def refuse(word: str) -> float:
        raise ValueError(f"{word} is not a number")

    try:
        with open_plain(path, "rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
        if len(data) > MAX_JSON_BYTES:
            raise ValueError(f"more than {MAX_JSON_BYTES} bytes")
        document = json.loads(data.decode("utf-8", "surrogatepass"), parse_constant=refuse)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise JobFailed(missing, f"{path} is missing", hint) from error
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)[:200]
        raise JobFailed(invalid, f"{path} cannot be read: {reason}", hint) from error
    if not isinstance(document, dict):
        raise JobFailed(invalid, f"{path} holds {type(document).__name__}; expected an object", hint)
    return document


def write_failure(error: OSError, path: Path) -> JobFailed:
    """An OSError on writing as JobFailed for the artist. Code "disk-full" or "cannot-write"."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", None) == 112:
        return JobFailed(
            "disk-full", f"the disk is full: {path} could not be written", "Free some space, or choose another folder."
        )
    if isinstance(error, NotPlainError):
        return JobFailed(
            "cannot-write",
            f"{error.filename} could not be written: {error.strerror}",
            "Remove it, or send the job again.",
        )
    return JobFailed(
        "cannot-write",
        f"{path} could not be written: {error.strerror or error}",
        "Check the folder and its permissions.",
    )


def log_tail(path: Path | str | None, lines: int = 12, since: int = 0) -> str:
    """The last lines of a log (at most 4 KiB), from byte ``since`` on; "" if there is none."""
    if path is None:
        return ""
    try:
        with open_plain(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(since, file.tell() - 4096))
            text = file.read(4096).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])
