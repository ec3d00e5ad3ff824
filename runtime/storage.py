"""Files that are whole or not there, and a disk's refusals in the artist's words. Knows nothing of jobs or processes."""

import errno
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .messages import JobFailed

MAX_JSON_BYTES = 16 * 2**20
FileContent = np.ndarray | Mapping[str, np.ndarray] | bytes


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write through a temporary name, so that ``path`` is whole or not there. Raises OSError, with nothing left behind."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb") as file:
            write(file)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, document: Mapping) -> None:
    """Write strict JSON (no NaN). Raises OSError, or JobFailed "job-invalid" if a value is not JSON."""
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise JobFailed("job-invalid", f"{path.name} cannot be written: {error}") from error
    write_file(path, lambda file: file.write(text.encode("utf-8", "surrogatepass")))


def writer(content: FileContent) -> Callable[[BinaryIO], object]:
    """What writes ``content``: bytes as they are, an array as .npy, a dict of arrays as .npz; never pickles."""
    if isinstance(content, bytes):
        return lambda file: file.write(content)
    if isinstance(content, np.ndarray):
        return lambda file: np.save(file, content, allow_pickle=False)
    # In memory first: zipfile on a full disk complains a second time when it is collected.
    packed = io.BytesIO()
    np.savez(packed, **{name: np.asarray(array) for name, array in content.items()})
    return lambda file: file.write(packed.getvalue())


def read_json(path: Path, missing: str, invalid: str, hint: str) -> dict:
    """The object in a strict JSON file (no NaN). Raises JobFailed with the code ``missing`` or ``invalid``."""
    def refuse(word: str) -> float:
        raise ValueError(f"{word} is not a number")

    try:
        with open(path, "rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
        if len(data) > MAX_JSON_BYTES:
            raise ValueError(f"more than {MAX_JSON_BYTES} bytes")
        document = json.loads(data.decode("utf-8", "surrogatepass"), parse_constant=refuse)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise JobFailed(missing, f"{path} is missing", hint) from error
    except (OSError, ValueError, RecursionError) as error:
        raise JobFailed(invalid, f"{path} cannot be read: {error}", hint) from error
    if not isinstance(document, dict):
        raise JobFailed(invalid, f"{path} holds {type(document).__name__}; expected an object", hint)
    return document


def write_failure(error: OSError, path: Path) -> JobFailed:
    """An operating system's refusal to write, in the artist's words. Code "disk-full" or "cannot-write"."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", None) == 112:
        return JobFailed("disk-full", f"the disk is full: {path} could not be written", "Free some space, or choose another folder.")
    return JobFailed("cannot-write", f"{path} could not be written: {error.strerror or error}", "Check the folder and its permissions.")


def log_tail(path: Path | str | None, lines: int = 12) -> str:
    """The last lines of a log (at most 4 KiB), "" if there is none."""
    if path is None:
        return ""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 4096))
            text = file.read(4096).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])
