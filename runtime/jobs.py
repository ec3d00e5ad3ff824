"""Job folder: write, read, claim. The unit of work shared by Blender, the worker, the command line and a farm.

    request.json, inputs/, events.ndjson, result/ (CONDITION_VIEW.png, latent.npy, latents.npz, surface.npz,
    surface.json, mesh.npz, result.json), worker.log, .claim

A folder may come from anyone: a link or a pipe in place of one of its files is refused, so that it reaches nothing
outside itself.
"""

import contextlib
import dataclasses
import json
import os
import re
import secrets
import shutil
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

import numpy as np

from .events import Event, from_json
from .locks import lock
from .mesh_arrays import checked_mesh, read_arrays, with_edges
from .messages import JobFailed
from .request import FILE_NAME, ID, MAX_STEPS, MODEL_NAME, SCHEMA, Request, parse_request, shown
from .storage import (
    PARTIAL,
    FileContent,
    NotPlainError,
    check_folder,
    is_plain,
    log_tail,
    open_plain,
    read_json,
    write_failure,
    write_file,
    write_files,
    write_json,
    writer,
)

__all__ = ["ID", "MAX_STEPS", "MODEL_NAME", "SCHEMA", "Request"]

REQUEST, EVENTS, LOG, CLAIM = "request.json", "events.ndjson", "worker.log", ".claim"
INPUTS, RESULT = "inputs", "result"
MESH, RECORD, LATENT, LEVELS = "mesh.npz", "result.json", "latent.npy", "latents.npz"
SURFACE, SURFACE_RECORD = "surface.npz", "surface.json"
MAX_EVENT_BYTES = 64 * 2**20
# Failures on folders that must not be written into: not a job, or another worker's.
NOT_OURS = frozenset({"job-missing", "job-running"})

_VIEW_NAME = re.compile(r"([a-z]+)_(\d+)\.png")


@dataclass(frozen=True)
class Result:
    """A finished job: vertices (V, 3) float32 in model space (+Y up, longest side −0.9…0.9), triangles or quads (F, k)
    int32 from 0, and result.json. What may be None: UVs (F, k, 2) float32 of the faces' corners; the edges (E, 2) int32
    and which of them begins at each corner (F, k) int32; colours (F, 3) uint8 of the faces, sRGB, and a texture (H, W,
    3) uint8 of them for the UVs, row 0 at the top."""

    vertices: np.ndarray
    faces: np.ndarray
    record: dict
    uvs: np.ndarray | None = None
    edges: np.ndarray | None = None
    corner_edges: np.ndarray | None = None
    colours: np.ndarray | None = None
    texture: np.ndarray | None = None


@dataclass(frozen=True)
class View:
    """Intermediate picture of a job: its condition, its published camera and its path."""

    condition: str
    index: int
    path: Path


def new_id() -> str:
    """A fresh job id: 32 hex digits."""
    return uuid.uuid4().hex


def write_job(parent: Path | str, request: Request, files: Mapping[str, FileContent]) -> Path:
    """Write the folder parent/<id> and return it; it appears whole or not at all.

    files: name -> array (NAME.npy), dict of arrays (NAME.npz) or bytes (NAME.png), stored under inputs/. Raises
    JobFailed: "job-invalid" (the request, or a file it names is not in ``files``), "job-exists", "disk-full",
    "cannot-write".
    """
    parent = Path(parent)
    request = dataclasses.replace(request, created=request.created or time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    document = {"schema": SCHEMA, **dataclasses.asdict(request)}
    parse_request(document, REQUEST)
    for name in files:
        if not FILE_NAME.fullmatch(name):
            raise JobFailed("job-invalid", f"an input file is called {name!r}; expected NAME.npy, NAME.npz or NAME.png")
    for path in request.files():
        if path.name not in files:
            raise JobFailed("job-invalid", f"the request names {path} but no such file was given")

    folder, partial = parent / request.id, parent / f".{request.id}.{secrets.token_hex(8)}{PARTIAL}"
    if folder.exists():
        raise JobFailed("job-exists", f"the job folder {folder} exists already", "Use a new id.")
    try:
        (partial / INPUTS).mkdir(parents=True)
        for name, content in files.items():
            write_file(partial / INPUTS / name, writer(content))
        write_json(partial / REQUEST, document)
        os.replace(partial, folder)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise write_failure(error, folder) from error
        raise
    return folder


def read_request(folder: Path | str) -> Request:
    """The validated request of a job folder. Raises JobFailed: "job-missing", "job-invalid", "job-newer"."""
    folder = Path(folder)
    path = folder / REQUEST
    request = parse_request(
        read_json(path, "job-missing", "job-invalid", "Give the folder of a job that was written completely."), path
    )
    for entry in (value for values in request.all_inputs() for value in values.values()):
        for value in entry if isinstance(entry, list) else [entry]:
            if isinstance(value, str) and _leads_outside(folder, PurePath(value)):
                raise JobFailed("job-invalid", f"{folder / value} is a link or no ordinary file", "Send the job again.")
    for name in request.files():
        if not is_plain(folder / name):
            raise JobFailed("job-invalid", f"{folder / name} is missing, and {REQUEST} names it", "Send the job again.")
    return request


def _leads_outside(folder: Path, name: PurePath) -> bool:
    """Whether the folder's entry of that name, if any, is reached through a link, or is a link or a pipe itself."""
    path = folder
    for part in () if name.is_absolute() or ".." in name.parts else name.parts:
        path = path / part
        try:
            if not os.path.lexists(path):
                return False
            check_folder(path)
        except NotPlainError:
            return not is_plain(path)
        except OSError:
            # Not a valid file name, as with most prompts.
            return False
    return False


def read_inputs(folder: Path | str, request: Request) -> dict[str, bytes]:
    """The input files that the request of a job folder names, as ``write_job`` takes them. Raises JobFailed:
    "job-missing"."""
    try:
        return {path.name: _read_whole(Path(folder) / path) for path in request.files()}
    except OSError as error:
        raise JobFailed(
            "job-missing", f"an input of {folder} cannot be read ({error.strerror})", "Send the job again."
        ) from error


def _read_whole(path: Path) -> bytes:
    check_folder(path.parent)
    with open_plain(path, "rb") as file:
        return file.read()


@contextlib.contextmanager
def claimed(folder: Path | str) -> Iterator[None]:
    """Exclusive lock for running a job folder, released when the worker ends. Raises JobFailed: "job-running",
    "disk-full", "cannot-write"."""
    path = Path(folder) / CLAIM
    try:
        file = open_plain(path, "r+b")
    except OSError as error:
        raise write_failure(error, path) from error
    with file:
        if not lock(file.fileno()):
            raise JobFailed(
                "job-running",
                f"another worker runs the job in {folder}",
                "Wait until it has finished, or run a copy of the folder.",
            )
        yield


def forget_result(folder: Path | str) -> None:
    """Remove an earlier run's files from result/, so that none is taken for this run's. Raises JobFailed
    "cannot-write"."""
    result = Path(folder) / RESULT
    try:
        check_folder(result)
        # The record first: without it the result is incomplete.
        for name in (RECORD, MESH, SURFACE_RECORD, SURFACE, LATENT, LEVELS):
            (result / name).unlink(missing_ok=True)
        for path in list(result.iterdir()):
            if _VIEW_NAME.fullmatch(path.name) or path.name.endswith(PARTIAL):
                path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise write_failure(error, result) from error


def append_event(folder: Path | str, event: Event) -> None:
    """Append one event, with the current time, as one line of JSON. Raises JobFailed "disk-full" or "cannot-write"."""
    path = Path(folder) / EVENTS
    line = json.dumps(dataclasses.replace(event, time=round(time.time(), 3)).to_json(), ensure_ascii=False) + "\n"
    try:
        with open_plain(path, "ab") as file:
            file.write(line.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise write_failure(error, path) from error


def read_events(folder: Path | str) -> list[Event]:
    """All events so far, oldest first; invalid lines, as a crash may leave, are skipped. [] if there are none."""
    try:
        with open_plain(Path(folder) / EVENTS, "rb") as file:
            text = file.read(MAX_EVENT_BYTES).decode("utf-8", "replace")
    except (FileNotFoundError, NotPlainError):
        return []
    return _parse_events(text)


def last_event(folder: Path | str) -> Event | None:
    """The newest complete event, read from the file's end."""
    events = _parse_events(log_tail(Path(folder) / EVENTS, 2))
    return events[-1] if events else None


def _parse_events(text: str) -> list[Event]:
    events = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            events.append(from_json(json.loads(line)))
    return events


def write_latent(folder: Path | str, latent: np.ndarray) -> None:
    """Write the sampled latent at once, so that a later stage's failure does not lose it."""
    _write_result_files(folder, {LATENT: writer(np.asarray(latent))})


def write_levels(folder: Path | str, latents: Mapping[str, np.ndarray]) -> None:
    """Write the latents of a model of levels at once: z3, z2, z1 (M, C) float32, and the frame (4,), center and scale,
    from the result's coordinates to the unit sphere."""
    _write_result_files(folder, {LEVELS: writer(dict(latents))})


def read_levels(folder: Path | str) -> bytes | None:
    """The file of the latents of a model of levels, as an input of another job; None where there is none."""
    path = Path(folder) / RESULT / LEVELS
    try:
        return _read_whole(path) if is_plain(path) else None
    except OSError:
        return None


def write_views(folder: Path | str, files: Mapping[str, bytes]) -> None:
    """Write the pictures of a two-stage model, CONDITION_VIEW.png by name, before the shape is generated. Raises
    JobFailed."""
    for name, content in files.items():
        if not _VIEW_NAME.fullmatch(name):
            raise JobFailed("result-invalid", f"a view is called {shown(name)}; expected CONDITION_VIEW.png")
        _write_result_files(folder, {name: writer(content)})


def read_views(folder: Path | str) -> list[View]:
    """The pictures written by write_views, also of a job that failed later; [] if there are none."""
    result = Path(folder) / RESULT
    try:
        check_folder(result)
        found = sorted(path for path in result.iterdir() if is_plain(path))
    except OSError:
        return []
    return [View(match[1], int(match[2]), path) for path in found if (match := _VIEW_NAME.fullmatch(path.name))]


def write_surface(
    folder: Path | str,
    vertices: np.ndarray,
    faces: np.ndarray,
    record: Mapping,
    colours: np.ndarray | None = None,
) -> None:
    """Write the extracted surface and its record, so that it can be finished again without being generated. Raises as
    write_result."""
    arrays = {"vertices": vertices, "faces": faces, "colours": colours}
    _write_mesh(folder, SURFACE, SURFACE_RECORD, arrays, record)


def read_surface(folder: Path | str) -> Result:
    """The extracted surface. Raises JobFailed: "result-missing" (none was written), "result-invalid" (damaged)."""
    return _read_mesh(folder, SURFACE, SURFACE_RECORD)


def finish_again(folder: Path | str, finish: Mapping) -> Request:
    """Change a job's request to finish its kept surface with other settings, without generating; returns that request.

    Raises JobFailed: "result-missing" (no surface was kept), and as read_request and write_job.
    """
    folder = Path(folder)
    request = dataclasses.replace(read_request(folder), finish=dict(finish), start="surface")
    if not is_plain(folder / RESULT / SURFACE):
        raise JobFailed("result-missing", f"{folder} keeps no surface to finish again", "Generate it again.")
    document = {"schema": SCHEMA, **dataclasses.asdict(request)}
    parse_request(document, REQUEST)
    try:
        write_json(folder / REQUEST, document)
    except OSError as error:
        raise write_failure(error, folder / REQUEST) from error
    return request


def write_result(
    folder: Path | str,
    vertices: np.ndarray,
    faces: np.ndarray,
    record: Mapping,
    uvs: np.ndarray | None = None,
    colours: np.ndarray | None = None,
    texture: np.ndarray | None = None,
) -> None:
    """Write result/mesh.npz (vertices (V, 3) float32, faces (F, 3 or 4) int32, uvs (F, k, 2) float32, colours (F, 3)
    and texture (H, W, 3) uint8), then result.json, whose presence means: complete.

    Raises JobFailed: "result-invalid" (the mesh is empty, non-finite or its faces point nowhere), "disk-full",
    "cannot-write".
    """
    arrays = {"vertices": vertices, "faces": faces, "uvs": uvs, "colours": colours, "texture": texture}
    _write_mesh(folder, MESH, RECORD, arrays, record)


def _write_mesh(
    folder: Path | str, mesh: str, name: str, arrays: Mapping[str, np.ndarray | None], record: Mapping
) -> None:
    text = json.dumps(dict(record), indent=1, ensure_ascii=False, allow_nan=False)
    checked = checked_mesh({key: array for key, array in arrays.items() if array is not None}, "the mesh that was made")
    checked = with_edges(checked) if mesh == MESH else checked
    _write_result_files(folder, {mesh: writer(checked), name: writer(text.encode("utf-8", "backslashreplace"))})


def _write_result_files(folder: Path | str, files: Mapping[str, Callable[[BinaryIO], object]]) -> None:
    result = Path(folder) / RESULT
    try:
        with contextlib.suppress(FileExistsError):
            result.mkdir()
        check_folder(result)
        write_files([(result / name, write) for name, write in files.items()])
    except OSError as error:
        raise write_failure(error, result / next(iter(files))) from error


def read_result(folder: Path | str) -> Result:
    """The validated result of a finished job. Raises JobFailed: "result-missing" (not finished), "result-invalid"
    (damaged)."""
    return _read_mesh(folder, MESH, RECORD)


def _read_mesh(folder: Path | str, mesh: str, name: str) -> Result:
    result = Path(folder) / RESULT
    path = result / mesh
    try:
        check_folder(result)
        record = read_json(result / name, "result-missing", "result-invalid", "Generate it again.")
        with open_plain(path, "rb") as file:
            arrays = read_arrays(file)
    except FileNotFoundError as error:
        raise JobFailed("result-missing", f"{path} is missing", "Generate it again.") from error
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        MemoryError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise JobFailed("result-invalid", f"{path} is damaged or not a mesh ({error})", "Generate it again.") from error
    return Result(**checked_mesh(arrays, str(path)), record=record)
