"""The job folder: write, read, validate. The unit of work that Blender, the worker, the command line and a farm share.

    request.json, inputs/, events.ndjson, result/ (CONDITION_VIEW.png, latent.npy, mesh.npz, result.json), worker.log

Knows the layout, the schema version and how to fail without leaving half a file. Knows no condition's inputs (the library validates
those), no process and no channel.
"""

import dataclasses
import json
import math
import os
import re
import shutil
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from .messages import JobFailed
from .storage import FileContent, log_tail, read_json, write_failure, write_file, write_json, writer

SCHEMA = 3  # 1 had no "fit", 2 no "one_piece"; both are still read
REQUEST, EVENTS, LOG = "request.json", "events.ndjson", "worker.log"
INPUTS, RESULT = "inputs", "result"
MESH, RECORD, LATENT = "mesh.npz", "result.json", "latent.npy"
MAX_STEPS = 10_000
MAX_EVENT_BYTES = 64 * 2**20
ID = re.compile(r"[0-9a-f]{8,64}")

# The rule of wala_blender/models/names.py, which is not imported here; a test compares them.
MODEL_NAME = re.compile(r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9_-])?")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VIEW_NAME = re.compile(r"([a-z]+)_(\d+)\.png")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\.(npy|npz|png)")


@dataclass(frozen=True)
class Request:
    """What to make: request.json without its schema number.

    id: 8–64 lower-case hex digits. scale, steps, fit, one_piece: None = the model's default for the condition. inputs: numbers, texts,
    "inputs/NAME" paths, and lists of these. placement: plain JSON that comes back untouched; the worker never looks at it.
    """

    id: str
    model: str
    condition: str
    inputs: Mapping[str, str | float | list[str | float]]
    seed: int = 0
    scale: float | None = None
    steps: int | None = None
    fit: int | None = None
    one_piece: bool | None = None
    placement: Mapping = field(default_factory=dict)
    created: str = ""


@dataclass(frozen=True)
class Result:
    """A finished job: vertices (V, 3) float32 in model space (+Y up, longest side −0.9…0.9), faces (F, 3) int32 from 0, result.json."""

    vertices: np.ndarray
    faces: np.ndarray
    record: dict


@dataclass(frozen=True)
class View:
    """A picture that a job made on its way: for which condition, from which of the published cameras, and where it lies."""

    condition: str
    index: int
    path: Path


def new_id() -> str:
    """A fresh job id: 32 hex digits."""
    return uuid.uuid4().hex


def write_job(parent: Path | str, request: Request, files: Mapping[str, FileContent]) -> Path:
    """Write the folder parent/<id> and return it; it appears whole or not at all.

    files: name -> array (NAME.npy), dict of arrays (NAME.npz) or bytes (NAME.png), stored under inputs/.
    Raises JobFailed: "job-invalid" (the request, or a file it names is not in ``files``), "job-exists", "disk-full", "cannot-write".
    """
    parent = Path(parent)
    request = dataclasses.replace(request, created=request.created or time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    document = {"schema": SCHEMA, **dataclasses.asdict(request)}
    _parse_request(document, REQUEST)
    for name in files:
        if not _FILE_NAME.fullmatch(name):
            raise JobFailed("job-invalid", f"an input file is called {name!r}; expected NAME.npy, NAME.npz or NAME.png")
    for path in _input_paths(request.inputs):
        if path.name not in files:
            raise JobFailed("job-invalid", f"the request names {path} but no such file was given")

    folder, partial = parent / request.id, parent / f".{request.id}.partial"
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
    request = _parse_request(read_json(path, "job-missing", "job-invalid", "Give the folder of a job that was written completely."), path)
    for name in _input_paths(request.inputs):
        if not (folder / name).is_file():
            raise JobFailed("job-invalid", f"{folder / name} is missing, and {REQUEST} names it", "Send the job again.")
    return request


def read_inputs(folder: Path | str, request: Request) -> dict[str, bytes]:
    """The input files that the request of a job folder names, as ``write_job`` takes them. Raises JobFailed: "job-missing"."""
    try:
        return {path.name: (Path(folder) / path).read_bytes() for path in _input_paths(request.inputs)}
    except OSError as error:
        raise JobFailed("job-missing", f"an input of {folder} cannot be read ({error.strerror})", "Send the job again.") from error


def _parse_request(document: dict, path: Path | str) -> Request:
    schema = document.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise JobFailed("job-invalid", f"{path} has the schema {schema!r}; expected {SCHEMA}", "Send the job again.")
    if schema > SCHEMA:
        message = f"{path} has schema {schema}; this version of WaLa reads up to {SCHEMA}"
        raise JobFailed("job-newer", message, "Update WaLa, or send the job from this version.")
    fields = {item.name: item for item in dataclasses.fields(Request)}
    unknown = sorted(set(document) - set(fields) - {"schema"})
    missing = sorted({"id", "model", "condition", "inputs"} - set(document))
    if unknown or missing:
        words = [f"unknown {', '.join(unknown)}"] * bool(unknown) + [f"missing {', '.join(missing)}"] * bool(missing)
        raise JobFailed("job-invalid", f"{path}: {'; '.join(words)}", "Send the job again.")
    request = Request(**{name: document[name] for name in fields if name in document})
    for name, expected, holds in _RULES:
        if not holds(getattr(request, name)):
            raise JobFailed("job-invalid", f"{path}: {name} is {getattr(request, name)!r}; expected {expected}")
    _input_paths(request.inputs)
    return request


def _items(value: object) -> list:
    return value if isinstance(value, list) else [value]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object, top: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= top


_RULES: tuple[tuple[str, str, Callable[[object], bool]], ...] = (
    ("id", "8 to 64 hex digits", lambda value: isinstance(value, str) and bool(ID.fullmatch(value))),
    ("model", "a model's name", lambda value: isinstance(value, str) and bool(MODEL_NAME.fullmatch(value))),
    ("condition", "a condition's name", lambda value: isinstance(value, str) and bool(_WORD.fullmatch(value))),
    ("inputs", "texts, finite numbers and lists of them by name", lambda value: isinstance(value, Mapping)
        and all(isinstance(name, str) and all(isinstance(one, str) or _is_number(one) for one in _items(item)) for name, item in value.items())),
    ("seed", "a whole number from 0 to 2**63 - 1", lambda value: _is_count(value, 2**63 - 1)),
    ("scale", "null or a number from 0 to 100", lambda value: value is None or _is_number(value) and 0 <= value <= 100),
    ("steps", f"null or a whole number from 1 to {MAX_STEPS}", lambda value: value is None or _is_count(value, MAX_STEPS) and value >= 1),
    ("fit", f"null or a whole number from 0 to {MAX_STEPS}", lambda value: value is None or _is_count(value, MAX_STEPS)),
    ("one_piece", "null, true or false", lambda value: value is None or isinstance(value, bool)),
    ("placement", "an object", lambda value: isinstance(value, Mapping)),
    ("created", "a time as text", lambda value: isinstance(value, str)),
)


def _input_paths(inputs: Mapping[str, str | float | list[str | float]]) -> list[PurePosixPath]:
    """The inputs that name a file, each checked to be inputs/NAME.EXTENSION and nothing that leaves the folder."""
    paths = [PurePosixPath(value) for given in inputs.values() for value in _items(given)
             if isinstance(value, str) and value.startswith("inputs/") and value.endswith((".npy", ".npz", ".png"))]
    for path in paths:
        if len(path.parts) != 2 or not _FILE_NAME.fullmatch(path.name):
            raise JobFailed("job-invalid", f"an input file is called {path}; expected inputs/NAME.npy, .npz or .png")
    return paths


def append_event(folder: Path | str, event: Mapping) -> None:
    """Append one event (JSON, "time" added, seconds since 1970) as one line. Raises JobFailed "disk-full" or "cannot-write"."""
    path = Path(folder) / EVENTS
    line = json.dumps({"time": round(time.time(), 3), **event}, ensure_ascii=False) + "\n"
    try:
        with open(path, "ab") as file:
            file.write(line.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise write_failure(error, path) from error


def read_events(folder: Path | str) -> list[dict]:
    """All whole events so far, oldest first; a line that is being written or was torn by a crash is skipped. [] if there are none."""
    try:
        with open(Path(folder) / EVENTS, "rb") as file:
            text = file.read(MAX_EVENT_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return _parse_events(text)


def last_event(folder: Path | str) -> dict | None:
    """The newest whole event, read from the file's end alone."""
    events = _parse_events(log_tail(Path(folder) / EVENTS, 2))
    return events[-1] if events else None


def _parse_events(text: str) -> list[dict]:
    events = []
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            events.append(event)
    return events


def write_latent(folder: Path | str, latent: np.ndarray) -> None:
    """Keep the sampled latent at once, so that a later stage's failure does not lose it."""
    _write_result_file(folder, LATENT, writer(np.asarray(latent)))


def write_views(folder: Path | str, files: Mapping[str, bytes]) -> None:
    """Keep the pictures that a shape is to be made from, CONDITION_VIEW.png by name, before it is begun. Raises JobFailed."""
    for name, content in files.items():
        if not _VIEW_NAME.fullmatch(name):
            raise JobFailed("result-invalid", f"a view is called {name!r}; expected CONDITION_VIEW.png")
        _write_result_file(folder, name, writer(content))


def read_views(folder: Path | str) -> list[View]:
    """The pictures that were kept, also of a job that failed later; [] where a job made none."""
    found = sorted((Path(folder) / RESULT).glob("*.png"))
    return [View(match[1], int(match[2]), path) for path in found if (match := _VIEW_NAME.fullmatch(path.name))]


def write_result(folder: Path | str, vertices: np.ndarray, faces: np.ndarray, record: Mapping) -> None:
    """Write result/mesh.npz (vertices (V, 3) float32, faces (F, 3) int32), then result.json, whose presence means: complete.

    Raises JobFailed: "result-invalid" (the mesh is empty, non-finite or its faces point nowhere), "disk-full", "cannot-write".
    """
    vertices, faces = np.asarray(vertices, np.float32), np.asarray(faces, np.int32)
    _check_mesh(vertices, faces, "the mesh that was made")
    _write_result_file(folder, MESH, writer({"vertices": vertices, "faces": faces}))
    text = json.dumps(dict(record), indent=1, ensure_ascii=False, allow_nan=False)
    _write_result_file(folder, RECORD, lambda file: file.write(text.encode("utf-8")))


def _write_result_file(folder: Path | str, name: str, write: Callable[[BinaryIO], object]) -> None:
    path = Path(folder) / RESULT / name
    try:
        path.parent.mkdir(exist_ok=True)
        write_file(path, write)
    except OSError as error:
        raise write_failure(error, path) from error


def read_result(folder: Path | str) -> Result:
    """The validated result of a finished job. Raises JobFailed: "result-missing" (not finished), "result-invalid" (damaged)."""
    folder = Path(folder) / RESULT
    record = read_json(folder / RECORD, "result-missing", "result-invalid", "Generate it again.")
    path = folder / MESH
    try:
        with np.load(path, allow_pickle=False) as arrays:
            vertices, faces = arrays["vertices"], arrays["faces"]
    except FileNotFoundError as error:
        raise JobFailed("result-missing", f"{path} is missing", "Generate it again.") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise JobFailed("result-invalid", f"{path} is damaged or not a mesh ({error})", "Generate it again.") from error
    _check_mesh(vertices, faces, str(path))
    return Result(vertices.astype(np.float32, copy=False), faces.astype(np.int32, copy=False), record)


def _check_mesh(vertices: np.ndarray, faces: np.ndarray, name: str) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or vertices.dtype.kind != "f":
        raise JobFailed("result-invalid", f"{name}: vertices are {vertices.dtype} {vertices.shape}; expected float (V, 3)")
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise JobFailed("result-invalid", f"{name}: faces are {faces.dtype} {faces.shape}; expected integers (F, 3)")
    if not len(vertices) or not len(faces):
        raise JobFailed("result-invalid", f"{name} is empty", "Try another seed or another input.")
    if not np.isfinite(vertices).all():
        raise JobFailed("result-invalid", f"{name} has vertices that are not finite numbers", "Try another seed.")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise JobFailed("result-invalid", f"{name}: faces name vertices {faces.min()} to {faces.max()}; there are {len(vertices)}")
