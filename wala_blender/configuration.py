"""Configuration files (JSON, TOML) ↔ frozen dataclasses, with unknown keys and wrong types as errors."""

import dataclasses
import json
import typing
from functools import partial
from pathlib import Path
from typing import TypeVar

from .errors import InputError
from .files import read_small
from .renamed_settings import with_current_names

MAX_BYTES = 2**20
READ = "read"  # key of a field's metadata: reader of its values if the type is not enough, (value, where) → value
Settings = TypeVar("Settings")


def read_settings(kind: type[Settings], file: Path | str) -> Settings:
    """The settings in a .json or .toml file; missing keys keep their defaults.

    Raises InputError: no such file, unreadable in the format of its suffix, an unknown key (it names the known ones), a
    value of the wrong type.
    """
    return from_plain(kind, read_values(Path(file)), Path(file).name)


def read_values(file: Path) -> object:
    """Content of a .json or .toml file, unchecked. Raises InputError."""
    try:
        text = read_small(file, MAX_BYTES).decode()
        if file.suffix == ".json":
            return json.loads(text)
        if file.suffix == ".toml":
            import tomllib  # from Python 3.11 on; not needed for JSON

            return tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"the configuration {file} cannot be read ({error})", "Give a .json or .toml file.") from error
    except ImportError as error:
        raise InputError("TOML needs Python 3.11 or newer", "Give the configuration as .json.") from error
    raise InputError(f"{file.name} is neither .json nor .toml", "Give such a file.")


def from_plain(kind: type[Settings], values: object, where: str) -> Settings:
    """Settings from JSON and TOML values: tables, lists, numbers, strings. ``where`` names the source in errors.

    Former names are read with a warning."""
    if not isinstance(values, dict):
        raise InputError(f"{where}: expected a table of settings, got {values!r}", "Give names and values.")
    values = with_current_names(kind, values, where)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}", f"Known are: {', '.join(fields)}.")
    types = typing.get_type_hints(kind)
    arguments = {
        name: fields[name].metadata.get(READ, partial(_value, types[name]))(value, f"{where}: {name}")
        for name, value in values.items()
    }
    try:
        return kind(**arguments)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"{where}: {error}", f"Known are: {', '.join(fields)}.") from error


def _value(kind: object, value: object, where: str) -> object:
    if dataclasses.is_dataclass(kind):
        return from_plain(kind, value, where)
    outer, inner = typing.get_origin(kind), typing.get_args(kind)
    if outer is None and kind is float and type(value) is int:
        return float(value)
    if outer is None and type(value) is kind:
        return value
    if outer is tuple and isinstance(value, list):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            return tuple(_value(one, part, where) for one, part in zip(kinds, value))
    if outer is dict and isinstance(value, dict):
        return {name: _value(inner[1], part, f"{where}.{name}") for name, part in value.items()}
    if type(None) in inner:
        return None if value is None else _value(next(one for one in inner if one is not type(None)), value, where)
    words = getattr(kind, "__name__", str(kind)) if outer is None else str(kind)
    raise InputError(f"{where} is {value!r}, expected {words}", "Correct the configuration.")


def write_settings(settings: object, file: Path) -> None:
    """As JSON, which read_settings reads again."""
    file.write_text(json.dumps(dataclasses.asdict(settings), indent=1) + "\n", encoding="utf-8")
