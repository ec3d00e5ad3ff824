"""Variations of a job's result: one input with several seeds, the best agreement with the input first.

The first is the job's own result/. The others have a result/ in folders of their own, variations/NN/, each with a
thumbnail beside its mesh.
"""

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from . import jobs
from .storage import check_folder, is_plain, write_failure, write_files, writer

FOLDER, THUMBNAIL = "variations", "thumbnail.png"


def folder_of(folder: Path | str, number: int) -> Path:
    """Folder of a variation, counted from 0, as an argument of jobs.read_result()."""
    return Path(folder) if number == 0 else Path(folder) / FOLDER / f"{number:02}"


def make_folder(folder: Path | str, number: int) -> Path:
    """Folder of a variation, made where it is missing. Raises JobFailed "cannot-write"."""
    own = folder_of(folder, number)
    try:
        for path in (own.parent, own) if number else ():
            with contextlib.suppress(FileExistsError):
                path.mkdir()
            check_folder(path)
    except OSError as error:
        raise write_failure(error, own) from error
    return own


def write_variation(
    folder: Path | str,
    number: int,
    vertices: np.ndarray,
    faces: np.ndarray,
    record: Mapping,
    thumbnail: bytes,
    **attributes: np.ndarray | None,
) -> None:
    """Write a variation's mesh, record and thumbnail (PNG). attributes: of the mesh, as of jobs.write_result. Raises as
    that."""
    own = make_folder(folder, number)
    try:
        jobs.write_result(own, vertices, faces, record, **attributes)
        write_files([(own / jobs.RESULT / THUMBNAIL, writer(thumbnail))])
    except OSError as error:
        raise write_failure(error, own) from error


def write_thumbnail(folder: Path | str, thumbnail: bytes) -> None:
    """Write the thumbnail (PNG) of a job without variations, before its result. Raises JobFailed "cannot-write"."""
    own = Path(folder) / jobs.RESULT
    try:
        with contextlib.suppress(FileExistsError):
            own.mkdir()
        check_folder(own)
        write_files([(own / THUMBNAIL, writer(thumbnail))])
    except OSError as error:
        raise write_failure(error, own) from error


def thumbnails(folder: Path | str) -> list[Path]:
    """The thumbnails of a job's variations, in order; [] for a job without any, or without its folder."""
    found: list[Path] = []
    while is_plain(path := folder_of(folder, len(found)) / jobs.RESULT / THUMBNAIL):
        found.append(path)
    return found


def forget_variations(folder: Path | str) -> None:
    """Remove an earlier run's variations. Raises JobFailed "cannot-write"."""
    own = Path(folder) / FOLDER
    try:
        (folder_of(folder, 0) / jobs.RESULT / THUMBNAIL).unlink(missing_ok=True)
        if os.path.lexists(own):
            check_folder(own)
            shutil.rmtree(own)
    except OSError as error:
        raise write_failure(error, own) from error
