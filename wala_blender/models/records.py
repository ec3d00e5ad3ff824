"""Models folder: fetched and added models, with a record of each.

The models folder is $WALA_MODELS, or ``models`` in the user's application data folder. Every model has a folder of its
name in it, with ``installed.json``, the record below. A fetched model's files lie there too; an added one's stay where
they are.

Content of the models folder may be damaged, of a newer version, or another program's: a record is trusted only as far
as it was checked.
"""

import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..conditions.specs import PUBLISHED_DEFAULTS
from ..errors import ModelError, OutputError, first_line
from ..files import read_small, write_whole
from .licences import Licence, make_models_folder
from .names import check_name, is_name
from .published_args import condition_of, read_args
from .registry import MODELS, ModelRow, Published, find_row, published_row
from .trained_model import is_model_folder, read_row

log = logging.getLogger(__name__)

MODELS_VARIABLE = "WALA_MODELS"
RECORD, CHECKPOINT, SETTINGS, CONVERTED = "installed.json", "checkpoint.ckpt", "args.json", "model.safetensors"
# Every file that a model can consist of, beside the record.
FILES = frozenset(
    {
        CHECKPOINT,
        SETTINGS,
        CONVERTED,
        *(file for row in MODELS.values() if row.published for _, file in row.published.extras),
    }
)
LAGEM_CHECKPOINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\.pth")
LOCKS = ".locks"
SCHEMA = 1
MAX_RECORD_BYTES = 2**20
# Where a file's checksum came from: the table of models; the hub that sent the file; nowhere, it is only known since
# then.
CHECKED_BY = ("table", "hub", "")
_AGAIN = "Remove the model and fetch or add it again."


def models_folder(folder: Path | str | None = None) -> Path:
    """``folder``, else $WALA_MODELS, else this user's own; it need not exist."""
    if chosen := folder or os.environ.get(MODELS_VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "WaLa/models"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/WaLa/models"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "wala/models"


@dataclass(frozen=True)
class FileRecord:
    """``size`` in bytes, ``sha256`` in hexadecimal, ``checked_by``: one of CHECKED_BY."""

    size: int
    sha256: str
    checked_by: str = ""


@dataclass(frozen=True)
class Installed:
    """A model that is there. ``source``: the folder of ``files`` (name → size and checksum); ``converted``: the
    safetensors file made of them, with its checksum, None before the conversion. ``commit`` of the hub's repository,
    None for an added folder."""

    name: str
    source: Path
    condition: str
    licence: Licence
    commit: str | None = None
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    converted: Path | None = None
    converted_file: FileRecord | None = None


def has_weights(name: str) -> bool:
    """Whether a file of a model is one of its weights, by its name."""
    return name in (CHECKPOINT, CONVERTED) or LAGEM_CHECKPOINT.fullmatch(name) is not None


def own_folder(name: str, models: Path) -> Path:
    """The folder of a model's own in the models folder. Raises ModelError for what cannot be a model's name."""
    return models / check_name(name)


@contextlib.contextmanager
def claimed(name: str, models: Path) -> Iterator[None]:
    """Exclusive lock for changing a model; the system releases it when its holder dies.

    Raises ModelError where another one has it, OutputError for a models folder that cannot be written.
    """
    from filelock import FileLock, Timeout

    check_name(name)
    make_models_folder(models)
    try:
        lock = FileLock(models / LOCKS / f"{name}.lock")
        for attempt in range(3):  # whoever ends may remove the folder of locks before a new one is made in it
            try:
                (models / LOCKS).mkdir(exist_ok=True)
                lock.acquire(timeout=0)
                break
            except FileNotFoundError:
                if attempt == 2:
                    raise
    except Timeout as error:
        raise ModelError(
            f"another program is fetching or changing {name} in {models}", "Wait until it has finished."
        ) from error
    except NotImplementedError:
        log.info("%s cannot be locked", models)  # some network drives have no locks
        lock = None
    except OSError as error:
        raise OutputError(
            f"the models folder {models} cannot be written ({error.strerror or error})",
            "Set WALA_MODELS to another folder",
        ) from error
    try:
        yield
    finally:
        if lock is not None:
            with contextlib.suppress(OSError):  # Windows keeps what is open
                os.unlink(lock.lock_file)
            lock.release()
            with contextlib.suppress(OSError):  # others' locks lie there
                (models / LOCKS).rmdir()


def read_record(name: str, models: Path) -> Installed | None:
    """The record of a model; None if it is not installed. Raises ModelError for a record that cannot be used."""
    folder = own_folder(name, models)
    path = folder / RECORD
    try:
        content = json.loads(read_small(path, MAX_RECORD_BYTES))
        schema = content["schema"]
        if type(schema) is int and schema > SCHEMA:
            raise ModelError(f"{path} is of version {schema}, this one reads {SCHEMA}", "Update WaLa. Or: " + _AGAIN)
        if type(schema) is not int or schema != SCHEMA:
            raise ValueError(f"the schema is {schema!r}, expected {SCHEMA}")
        return _checked(name, folder, content)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ModelError(f"{path} cannot be read ({type(error).__name__}: {first_line(error)})", _AGAIN) from error


def _checked(name: str, folder: Path, content: dict) -> Installed:
    """The record of a model whose own folder this is. Raises ValueError, KeyError, TypeError."""
    licence = Licence(**content["licence"])
    commit, condition, converted, file = (
        content[key] for key in ("commit", "condition", "converted", "converted_file")
    )
    source = _source(folder, content["source"], commit)
    _words("licence", licence.name, 200)
    _words("licence's link", licence.link, 2000, allow_empty=True)
    if type(licence.non_commercial) is not bool or not (licence.terms is None or isinstance(licence.terms, str)):
        raise ValueError("the licence's terms have the wrong type")
    if condition not in (MODELS[name].conditions if name in MODELS else PUBLISHED_DEFAULTS):
        raise ValueError(f"the condition is {condition!r}")
    files = content["files"]
    if (
        not isinstance(files, dict)
        or not any(map(has_weights, files))
        or not all(name in FILES or has_weights(name) for name in files)
    ):
        raise ValueError(f"the files are {files!r}")
    installed = Installed(name, source, condition, licence, commit, {key: _file(value) for key, value in files.items()})
    return (
        installed
        if converted is None
        else replace(installed, converted=_converted(folder, source, converted), converted_file=_file(file))
    )


def _source(folder: Path, source: str, commit: str | None) -> Path:
    """A fetched model's files are in its own folder, wherever that was moved; an added one's where they were."""
    if commit is not None:
        _words("commit", commit, 100)
        return folder
    path = Path(_words("source", source, 4096))
    if not path.is_absolute():
        raise ValueError(f"the source is {source!r}, expected a whole path")
    return path


def _converted(folder: Path, source: Path, converted: str) -> Path:
    path = Path(_words("converted file", converted, 4096))
    for own in (source, folder):
        if path == own / CONVERTED or (own == folder and path.parts[-2:] == (folder.name, CONVERTED)):
            return own / CONVERTED
    raise ValueError(f"the converted file is {converted!r}, in neither of the model's folders")


def _words(what: str, value: object, longest: int, allow_empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or allow_empty) or len(value) > longest or not _printable(value):
        raise ValueError(f"the {what} is {value!r}")
    return value


def _printable(text: str) -> bool:
    """Whether a terminal shows it as it is; a name of bytes that are no UTF-8 is none of its business."""
    return all(character.isprintable() or "\udc80" <= character <= "\udcff" for character in text)


def _file(value: dict) -> FileRecord:
    file = FileRecord(**value)
    if (
        type(file.size) is not int
        or not 0 <= file.size < 2**50
        or not re.fullmatch("[0-9a-f]{64}", file.sha256)
        or file.checked_by not in CHECKED_BY
    ):
        raise ValueError(f"a file's record is {value!r}")
    return file


def write_record(installed: Installed, models: Path) -> None:
    """Raises OutputError."""
    folder = own_folder(installed.name, models)
    make_models_folder(folder)
    content = (
        {"schema": SCHEMA}
        | asdict(installed)
        | {"source": str(installed.source), "converted": installed.converted and str(installed.converted)}
    )
    write_whole(folder / RECORD, lambda stream: stream.write(json.dumps(content, indent=2).encode()))


def known_row(name: str, models: Path) -> ModelRow:
    """The row of a name: of the table, or of an added folder; of a trained model's folder where it is given as a path,
    with a separator.

    A name is never a folder: what lies in the working folder takes no model's place. Raises ModelError that lists what
    there is.
    """
    if is_path(name):
        if not is_model_folder(Path(name)):
            raise ModelError(
                f"{name} is not the folder of a trained model", "It has an about.json and a model.safetensors."
            )
        return read_row(Path(name))
    if name in MODELS:
        return MODELS[name]
    if is_name(name) and (installed := read_record(name, models)) is not None:
        return _row_of(installed)
    try:
        return find_row(name, also=installed_rows(models)[0])
    except ModelError as error:
        if is_name(name) and is_model_folder(Path(name)):
            raise ModelError(
                error.message, f"For the folder of that name give {os.path.join(os.curdir, name)}"
            ) from error
        raise


def is_path(name: str) -> bool:
    """Whether it is written as a path, rather than as a model's name."""
    return os.sep in name or bool(os.altsep and os.altsep in name)


def installed_rows(models: Path) -> tuple[dict[str, ModelRow], dict[str, str]]:
    """The rows of installed models that the table does not have; and by name what is wrong with each one whose record
    cannot be used, the table's among them."""
    rows, problems = {}, {}
    for name in _installed_names(models):
        try:
            installed = read_record(name, models)
            if installed is not None and name not in MODELS:
                rows[name] = _row_of(installed)
        except ModelError as error:
            problems[name] = str(error)
    return rows, problems


def added_rows(models: Path) -> dict[str, ModelRow]:
    """The rows alone; one whose record cannot be used is warned about."""
    rows, problems = installed_rows(models)
    for problem in problems.values():
        log.warning("%s", problem)
    return rows


def _installed_names(models: Path) -> list[str]:
    """The folders with a record, by name; those that have no model's name are none."""
    try:
        names = sorted(os.listdir(models))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        log.warning("the models folder %s cannot be read (%s)", models, error.strerror)
        return []
    return [name for name in names if is_name(name) and os.path.lexists(models / name / RECORD)]


def _row_of(installed: Installed) -> ModelRow:
    parameters = sum(file.size for name, file in installed.files.items() if name == CHECKPOINT) // 4
    return published_row(
        installed.name, installed.name, installed.condition, Published(None, parameters), installed.licence
    )


def condition_in(folder: Path) -> str:
    """The condition of the model in a folder, from its settings. Raises CheckpointError."""
    return condition_of(read_args(folder / SETTINGS))


def require(row: ModelRow, models: Path) -> Installed:
    """The installed model of a row. Raises ModelError with instructions to get it."""
    installed = read_record(row.name, models) if is_name(row.name) else None
    if installed is None:
        raise ModelError(f"the model {row.name} is not installed", f"Fetch it: wala models fetch {row.name}")
    return installed
