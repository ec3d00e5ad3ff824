"""Request of a job: its fields and their validation."""

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeGuard

from .messages import JobFailed

# 1 had no "fit", 2 neither "one_piece" nor "quality", 3 no "variations", 4 neither "finish" nor "start", 5 neither
# "edit" nor "beside" and "weights", 6 no "colour"
SCHEMA = 7
FINISH_SCHEMA = 5  # from here on surfaces are finished; older jobs, which are still read, want them as extracted
AS_EXTRACTED = {"topology": "full"}
COLOUR_SCHEMA = 7  # from here on shapes are coloured; older jobs, which are still read, want none
STARTS = ("input", "surface")
QUALITIES = ("draft", "normal", "best")
MAX_STEPS = 10_000
MAX_VARIATIONS = 64
MAX_DEPTH = 32
ID = re.compile(r"[0-9a-f]{8,64}")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\.(npy|npz|png)")

# The rule of wala_blender/models/names.py, which is not imported here; a test compares them.
MODEL_NAME = re.compile(
    r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9_-])?"
)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Request:
    """What to make: request.json without its schema number.

    id: 8–64 lower-case hex digits. scale, steps, fit, one_piece: None = the model's default for the condition. inputs:
    numbers, texts, "inputs/NAME" paths, and lists of these. quality: one of QUALITIES. variations: how many shapes, of
    this seed and the next ones. finish: what becomes of the extracted surface, by the names of the library's Finish;
    what is left out is the library's default. colour: whether the shape is coloured; None: the model's default. edit:
    the shape to start from, as the library's read_edit takes it, {} for none; its files are inputs too. beside: inputs
    of further conditions by their names; weights: of conditions by name, 1 where there is none. start: "surface"
    finishes the surfaces that an earlier run kept, and does nothing else. placement: plain JSON that comes back
    untouched; the worker never looks at it.
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
    quality: str = "normal"
    variations: int = 1
    finish: Mapping[str, str | float | bool | None] = field(default_factory=dict)
    edit: Mapping[str, str | float | list[str | float]] = field(default_factory=dict)
    colour: bool | None = None
    start: str = "input"
    beside: Mapping[str, Mapping[str, str | float | list[str | float]]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    placement: Mapping = field(default_factory=dict)
    created: str = ""

    def files(self) -> list[PurePosixPath]:
        """The files of all inputs. Raises JobFailed, see input_paths."""
        return [path for values in self.all_inputs() for path in input_paths(values)]

    def all_inputs(self) -> list[Mapping[str, str | float | list[str | float]]]:
        """The inputs of the condition, of the conditions beside it, and of the edit."""
        return [self.inputs, *self.beside.values(), self.edit]


def parse_request(document: dict, path: Path | str) -> Request:
    """The request in a document that came from ``path``. Raises JobFailed: "job-invalid", "job-newer"."""
    schema = document.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise JobFailed(
            "job-invalid", f"{path} has the schema {shown(schema)}; expected {SCHEMA}", "Send the job again."
        )
    if schema > SCHEMA:
        message = f"{path} has schema {shown(schema)}; this version of WaLa reads up to {SCHEMA}"
        raise JobFailed("job-newer", message, "Update WaLa, or send the job from this version.")
    if schema < FINISH_SCHEMA:
        document = {"finish": AS_EXTRACTED, **document}
    if schema < COLOUR_SCHEMA:
        document = {"colour": False, **document}
    fields = {item.name: item for item in dataclasses.fields(Request)}
    unknown = sorted(set(document) - set(fields) - {"schema"})
    missing = sorted({"id", "model", "condition", "inputs"} - set(document))
    if unknown or missing:
        words = [f"unknown {shown(', '.join(unknown))}"] * bool(unknown) + [f"missing {', '.join(missing)}"] * bool(
            missing
        )
        raise JobFailed("job-invalid", f"{path}: {'; '.join(words)}", "Send the job again.")
    request = Request(**{name: document[name] for name in fields if name in document})
    for name, expected, holds in _RULES:
        value = getattr(request, name)
        if not holds(value):
            raise JobFailed("job-invalid", f"{path}: {name} is {shown(value)}; expected {expected}")
    request.files()
    return request


def shown(value: object) -> str:
    """A value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def input_paths(inputs: Mapping[str, str | float | list[str | float]]) -> list[PurePosixPath]:
    """The inputs that name a file, each checked to be inputs/NAME.EXTENSION and nothing that leaves the folder."""
    paths = [
        PurePosixPath(value)
        for entry in inputs.values()
        for value in _items(entry)
        if isinstance(value, str) and value.startswith("inputs/") and value.endswith((".npy", ".npz", ".png"))
    ]
    for path in paths:
        if len(path.parts) != 2 or not FILE_NAME.fullmatch(path.name):
            raise JobFailed(
                "job-invalid", f"an input file is called {shown(str(path))}; expected inputs/NAME.npy, .npz or .png"
            )
    return paths


def _items(value: object) -> list:
    return value if isinstance(value, list) else [value]


def _is_number(value: object) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        # An integer of some hundred digits.
        return False


def _is_count(value: object, top: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= top


def _is_text(value: object) -> bool:
    """Whether it is text without lone surrogates, which no file takes, and without NUL."""
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_input(value: object) -> bool:
    return all(_is_text(one) or _is_number(one) for one in _items(value))


def _are_inputs(value: object) -> bool:
    return isinstance(value, Mapping) and all(_is_text(name) and _is_input(item) for name, item in value.items())


def _is_plain(value: object, depth: int = MAX_DEPTH) -> bool:
    """Whether it is JSON of finite numbers, within the nesting limit."""
    if isinstance(value, (Mapping, list, tuple)):
        parts = value.values() if isinstance(value, Mapping) else value
        return depth > 0 and all(_is_plain(part, depth - 1) for part in parts)
    return value is None or isinstance(value, (bool, str)) or _is_number(value)


_RULES: tuple[tuple[str, str, Callable[[object], bool]], ...] = (
    ("id", "8 to 64 hex digits", lambda value: isinstance(value, str) and bool(ID.fullmatch(value))),
    ("model", "a model's name", lambda value: isinstance(value, str) and bool(MODEL_NAME.fullmatch(value))),
    ("condition", "a condition's name", lambda value: isinstance(value, str) and bool(_WORD.fullmatch(value))),
    ("inputs", "texts, finite numbers and lists of them by name", _are_inputs),
    (
        "beside",
        "inputs by the names of conditions",
        lambda value: (
            isinstance(value, Mapping) and all(_is_text(name) and _are_inputs(of) for name, of in value.items())
        ),
    ),
    (
        "weights",
        "numbers from 0 to 1 by name",
        lambda value: (
            isinstance(value, Mapping)
            and all(_is_text(name) and _is_number(weight) and 0 <= weight <= 1 for name, weight in value.items())
        ),
    ),
    ("edit", "texts, finite numbers and lists of them by name", _are_inputs),
    ("seed", "a whole number from 0 to 2**63 - 1", lambda value: _is_count(value, 2**63 - 1)),
    (
        "scale",
        "null or a number from 0 to 100",
        lambda value: value is None or (_is_number(value) and 0 <= value <= 100),
    ),
    (
        "steps",
        f"null or a whole number from 1 to {MAX_STEPS}",
        lambda value: value is None or (_is_count(value, MAX_STEPS) and value >= 1),
    ),
    (
        "fit",
        f"null or a whole number from 0 to {MAX_STEPS}",
        lambda value: value is None or _is_count(value, MAX_STEPS),
    ),
    ("one_piece", "null, true or false", lambda value: value is None or isinstance(value, bool)),
    ("quality", f"one of {', '.join(QUALITIES)}", lambda value: value in QUALITIES),
    ("colour", "null, true or false", lambda value: value is None or isinstance(value, bool)),
    (
        "variations",
        f"a whole number from 1 to {MAX_VARIATIONS}",
        lambda value: _is_count(value, MAX_VARIATIONS) and value >= 1,
    ),
    (
        "finish",
        "texts, finite numbers, true, false and null by name",
        lambda value: (
            isinstance(value, Mapping)
            and all(
                _is_text(name) and (item is None or isinstance(item, bool) or _is_text(item) or _is_number(item))
                for name, item in value.items()
            )
        ),
    ),
    ("start", f"one of {', '.join(STARTS)}", lambda value: value in STARTS),
    (
        "placement",
        "an object of texts and finite numbers",
        lambda value: isinstance(value, Mapping) and _is_plain(value),
    ),
    ("created", "a time as text", _is_text),
)
