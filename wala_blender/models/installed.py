"""Where fetched and added models live, and what is written down about each. Knows folders and records; not the hub, nor any tensor.

The models folder is $WALA_MODELS, or ``models`` in this user's folder for the application's data. In it every model has a folder of its
name with ``installed.json``, the record below. A fetched model's files lie there too; an added one's stay where they are.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import ModelError
from ..files import write_whole
from .folder import is_model_folder, read_row
from .licences import Licence
from .published import condition_of, read_args
from .table import MODELS, ModelRow, Published, find_row, published_row

log = logging.getLogger(__name__)

MODELS_VARIABLE = "WALA_MODELS"
RECORD, CHECKPOINT, SETTINGS, CONVERTED = "installed.json", "checkpoint.ckpt", "args.json", "model.safetensors"
SCHEMA = 1
_AGAIN = "Remove the model and fetch or add it again."


def models_folder(given: Path | str | None = None) -> Path:
    """The folder that is ``given``, else $WALA_MODELS, else this user's own; it need not exist."""
    if chosen := given or os.environ.get(MODELS_VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "WaLa/models"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/WaLa/models"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "wala/models"


@dataclass(frozen=True)
class FileRecord:
    """``size`` in bytes, ``sha256`` in hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Installed:
    """A model that is there. ``source``: the folder of ``files`` (name → size and checksum); ``converted``: the safetensors file made of
    them, with its checksum, None before the conversion. ``commit`` of the hub's repository, None for an added folder."""

    name: str
    source: Path
    condition: str
    licence: Licence
    commit: str | None = None
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    converted: Path | None = None
    converted_file: FileRecord | None = None


def own_folder(name: str, models: Path) -> Path:
    """The folder of a model's own in the models folder. Raises ModelError for what cannot be a model's name."""
    if not name or name != name.strip() or set(name) & set('/\\:*?"<>|') or name.startswith("."):
        raise ModelError(f"{name!r} cannot be a model's name", "Use letters, digits, spaces and dashes.")
    return models / name


def read_record(name: str, models: Path) -> Installed | None:
    """What is written down about a model; None where it is not installed. Raises ModelError for a record that cannot be read."""
    path = own_folder(name, models) / RECORD
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ModelError(f"{path} is of version {content['schema']}, this one reads {SCHEMA}", "Update WaLa, or " + _AGAIN)
        converted, file = content["converted"], content["converted_file"]
        return Installed(name, Path(content["source"]), content["condition"], Licence(**content["licence"]), content["commit"],
                         {key: FileRecord(**value) for key, value in content["files"].items()},
                         converted and Path(converted), file and FileRecord(**file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} cannot be read ({type(error).__name__}: {error})", _AGAIN) from error


def write_record(made: Installed, models: Path) -> None:
    """Raises OutputError."""
    folder = own_folder(made.name, models)
    folder.mkdir(parents=True, exist_ok=True)
    content = {"schema": SCHEMA} | asdict(made) | {"source": str(made.source), "converted": made.converted and str(made.converted)}
    write_whole(folder / RECORD, lambda stream: stream.write(json.dumps(content, indent=2).encode()))


def known_row(name: str, models: Path) -> ModelRow:
    """The row of a name: of the table, or of an added folder; or of a trained model's folder. Raises ModelError that lists what there is."""
    if is_model_folder(Path(name)):
        return read_row(Path(name))
    rows = added_rows(models)
    return rows[name] if name in rows else find_row(name, also=rows)


def added_rows(models: Path) -> dict[str, ModelRow]:
    """The rows of installed models that the table does not have; one whose record cannot be read is warned about."""
    rows = {}
    for name in sorted(path.parent.name for path in models.glob(f"*/{RECORD}")) if models.is_dir() else ():
        try:
            if name not in MODELS:
                rows[name] = _row_of(read_record(name, models))
        except ModelError as error:
            log.warning("%s", error)
    return rows


def _row_of(made: Installed) -> ModelRow:
    parameters = sum(file.size for name, file in made.files.items() if name == CHECKPOINT) // 4
    return published_row(made.name, made.name, made.condition, Published(None, parameters), made.licence)


def condition_in(folder: Path) -> str:
    """The condition of the model in a folder, as its settings say. Raises CheckpointError."""
    return condition_of(read_args(folder / SETTINGS))


def require(name: str, models: Path) -> Installed:
    """The installed model of a name. Raises ModelError that says how to get it."""
    row = known_row(name, models)
    made = read_record(name, models)
    if made is None:
        raise ModelError(f"the model {row.name} is not installed", f"Fetch it: wala models fetch {row.name}")
    return made
