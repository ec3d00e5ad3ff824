"""Installation of models: fetch, add a folder, verify, convert, remove."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from ..errors import CheckpointError, DownloadError, ModelError, OutputError
from ..files import file_digest
from . import hub
from .checkpoint import load_components, read_metadata, save_components
from .lagem import COMPONENT, checkpoint_among, load_autoencoder
from .licences import AUTODESK, Licence, as_stated, check_accepted, make_models_folder
from .loading import assemble, weights_name
from .names import is_name
from .published_args import read_args
from .published_config import published_settings
from .published_model import LARGE
from .records import (
    CHECKPOINT,
    CONVERTED,
    FILES,
    RECORD,
    SETTINGS,
    FileRecord,
    Installed,
    claimed,
    condition_in,
    installed_rows,
    known_row,
    own_folder,
    read_record,
    require,
    write_record,
)
from .registry import MODELS, ModelRow, Published, published_row

log = logging.getLogger(__name__)

OnBytes = Callable[[int, int], None]
SPARE = 200_000_000  # bytes left free on the disk
HALF_PRECISION = dict.fromkeys(LARGE, torch.bfloat16)


def fetch(
    row: ModelRow,
    models: Path,
    online_access: bool,
    on_bytes: OnBytes,
    endpoint: str | None = None,
    token: str | None = None,
) -> Installed:
    """Downloads a model of the registry into the models folder, verifies and converts it; existing files are not
    fetched again.

    ``online_access``: the user's permission. ``on_bytes(so far, all)`` is called often, and may raise to stop: the next
    call resumes. endpoint, token: None takes huggingface_hub's, from the environment. Raises ModelError (nothing to
    fetch, licence not accepted, another program fetches it), DownloadError, OutputError (disk full).
    """
    if row.published is None or row.published.repository is None:
        raise ModelError(f"the model {row.name} is not on the hub", "It is here already, or was added from a folder.")
    check_accepted(row.licence, models)
    if not online_access:
        raise DownloadError(
            "online access is switched off", "Allow it, or bring the files and add their folder: wala models add FOLDER"
        )
    with claimed(row.name, models):
        return _convert(_fetch(row, models, on_bytes, endpoint, token), row, models)


def _fetch(row: ModelRow, models: Path, on_bytes: OnBytes, endpoint: str | None, token: str | None) -> Installed:
    folder, published = own_folder(row.name, models), published_of(row)
    licence, files = row.licence, []
    if published.format == "lagem":
        found, checkpoint = look_up(row, endpoint, token)
        licence, files = as_stated(licence, found.licence), [checkpoint]
    else:
        files = _remote_files(published, endpoint, token)
    installed = _former(row.name, models)
    records = _intact(installed, files[0].commit)
    missing = [file for file in files if file.own_name not in records]
    if missing or installed is None:
        make_models_folder(folder)
        _drop_old_parts(folder, missing)
        _check_space(folder, missing)
        total, done = sum(file.size for file in missing), 0
        for file in missing:
            pinned = published.checksums.get(file.name)
            digest, checked_by = hub.download(
                file, folder, lambda so_far, before=done: on_bytes(before + so_far, total), endpoint, token, pinned
            )
            records[file.own_name] = FileRecord(file.size, digest, checked_by)
            done += file.size
        installed = Installed(row.name, folder, next(iter(row.conditions)), licence, files[0].commit, records)
        write_record(installed, models)
    return installed


def published_of(row: ModelRow) -> Published:
    """What is known of a published model. Raises ModelError for one that is not."""
    if row.published is None:
        raise ModelError(f"the model {row.name} was not published", "It needs no files of a hub's.")
    return row.published


def look_up(
    row: ModelRow, endpoint: str | None = None, token: str | None = None
) -> tuple[hub.Repository, hub.RemoteFile]:
    """The hub's data on a model of LaGeM's format: its repository, and the checkpoint there. Raises ModelError,
    DownloadError."""
    repository = published_of(row).repository or ""
    found = hub.look_into(repository, endpoint, token)
    return found, hub.look_up(repository, checkpoint_among(found.files, repository), found.commit, endpoint, token)


def _former(name: str, models: Path) -> Installed | None:
    """What an earlier fetch has left; None where the record cannot be used."""
    try:
        return read_record(name, models)
    except ModelError as error:
        log.warning("%s; the model is fetched anew", error.message)
        return None


def _intact(installed: Installed | None, commit: str) -> dict[str, FileRecord]:
    """The files that are there already, of this commit and of their whole size."""
    if installed is None or installed.commit != commit:
        return {}
    damaged = {path for path, _ in damaged_files(installed, by_size=True)}
    return {name: record for name, record in installed.files.items() if installed.source / name not in damaged}


def _remote_files(published: Published, endpoint: str | None, token: str | None) -> list[hub.RemoteFile]:
    """The small file first: a repository of another kind is noticed at once. A repository's files are all of one
    commit."""
    first = hub.look_up(published.repository, SETTINGS, endpoint=endpoint, token=token)
    extras = [hub.look_up(repository, name, endpoint=endpoint, token=token) for repository, name in published.extras]
    return [first, *extras, hub.look_up(published.repository, CHECKPOINT, first.commit, endpoint, token)]


def _drop_old_parts(folder: Path, files: list[hub.RemoteFile]) -> None:
    current = {hub.part_of(file, folder) for file in files}
    for part in set(folder.glob(".*.part")) - current:
        part.unlink()


def _check_space(folder: Path, files: list[hub.RemoteFile]) -> None:
    """Raises OutputError unless what is still to come, and the converted file of half that size, have room."""
    there = sum(part.stat().st_size for part in (hub.part_of(file, folder) for file in files) if part.exists())
    size = sum(file.size for file in files)
    needed, free = size - there + size // 2 + SPARE, shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"{folder} has {free / 1e9:.1f} GB free, the model needs {needed / 1e9:.1f} GB",
            "Make room, or set WALA_MODELS to a folder on another disk",
        )


def add(
    source: Path, models: Path, name: str | None = None, condition: str | None = None, licence: Licence = AUTODESK
) -> Installed:
    """Adds a folder with args.json and checkpoint.ckpt (or model.safetensors, converted elsewhere), which stays where
    it is.

    ``name``: of a row of the registry, if it is that model, or a new one (None: the folder's name). ``condition``: for
    what the settings do not contain, such as that images are sketches. Raises ModelError, CheckpointError.
    """
    source = Path(os.path.realpath(source))
    name = name_for(source, name)
    row = MODELS.get(name)
    if row is not None and row.published is None:
        raise ModelError(f"{name} is the name of a model that is always here", "Choose another: --name NAME")
    same = next(
        (other for other in (*MODELS, *installed_rows(models)[0]) if other != name and other.lower() == name.lower()),
        None,
    )
    if same is not None:
        raise ModelError(f"{name} is the same name as {same}, but for capitals", "Choose another: --name NAME")
    own = _local_files(source, row)
    condition = next(iter(row.conditions)) if row else condition or condition_in(source)
    licence = row.licence if row else licence
    check_accepted(licence, models)
    files = {file: FileRecord((source / file).stat().st_size, file_digest(source / file)) for file in own}
    installed = Installed(name, source, condition, licence, files=files)
    row = row or published_row(name, name, condition, Published(None, 0), licence)
    with claimed(name, models):
        if row.makes != "views":
            _networks(installed, row)  # checked before it is added
        write_record(installed, models)
        return _convert(installed, row, models)


def _local_files(source: Path, row: ModelRow | None) -> list[str]:
    """The files of a model in a folder. Raises ModelError where one is missing, CheckpointError for settings that
    cannot be read."""
    if row is not None and published_of(row).format == "lagem":
        names = [path.name for path in sorted(source.iterdir()) if path.is_file()]
        return [CONVERTED] if names == [CONVERTED] else [checkpoint_among(names, str(source))]
    found = next((file for file in (CHECKPOINT, CONVERTED) if (source / file).is_file()), None)
    if found is None:
        raise ModelError(f"{source} has no {CHECKPOINT}", f"Give the folder with {CHECKPOINT} and {SETTINGS}.")
    read_args(source / SETTINGS)
    extras = [file for _, file in published_of(row).extras if (source / file).is_file()] if row else []
    return [SETTINGS, found, *extras]


def name_for(source: Path, name: str | None) -> str:
    """The name under which a folder is added: the one given, or the folder's. Raises ModelError for what is no folder,
    or no name."""
    if not os.path.isdir(source):
        raise ModelError(f"{source} is not a folder", f"Give the folder with {CHECKPOINT} and {SETTINGS}.")
    own = Path(os.path.realpath(source)).name
    name = name or (own.lower() if own.lower() in MODELS else own)
    if not is_name(name):
        raise ModelError(
            f"{name!r} cannot be a model's name",
            "Give one: --name NAME, of 1 to 64 letters a-z, digits, spaces, dashes, dots.",
        )
    return name


def _networks(installed: Installed, row: ModelRow) -> dict[str, torch.nn.Module]:
    """Component name → network with the original file's weights in the precision that is kept. Raises
    CheckpointError."""
    published = published_of(row)
    if published.format == "lagem":
        return {COMPONENT: load_autoencoder(installed.source / weights_name(installed))}
    autoencoder, generator = assemble(
        published_settings(read_args(installed.source / SETTINGS)), installed.condition, published
    )
    components = {"autoencoder": autoencoder, **generator.components()}
    load_components(installed.source / weights_name(installed), components, HALF_PRECISION)
    return components


def convert(name: str, models: Path) -> Installed:
    """Writes model.safetensors, the large networks in bfloat16, beside the original; in the models folder if that
    cannot be written, or contains another program's file of that name.

    Only once: an existing converted file stays. Raises CheckpointError, OutputError.
    """
    row = known_row(name, models)
    with claimed(name, models):
        return _convert(require(row, models), row, models)


def _convert(installed: Installed, row: ModelRow, models: Path) -> Installed:
    if (
        weights_name(installed) == CONVERTED
        or row.makes == "views"
        or (installed.converted and installed.converted.is_file())
    ):
        return installed
    is_free = os.access(installed.source, os.W_OK) and not (installed.source / CONVERTED).exists()
    folder = installed.source if is_free else own_folder(installed.name, models)
    save_components(
        folder / CONVERTED,
        _networks(installed, row),
        {"model": installed.name, "licence": installed.licence.name},
        dtype=None,
    )
    file = FileRecord((folder / CONVERTED).stat().st_size, file_digest(folder / CONVERTED))
    installed = replace(installed, converted=folder / CONVERTED, converted_file=file)
    write_record(installed, models)
    return installed


def damaged_files(installed: Installed, by_size: bool = False) -> Iterator[tuple[Path, str]]:
    """(path, what is wrong) of every file of a model that is not as it was; by_size: only missing and cut ones, without
    reading them."""
    files = [(installed.source / name, record) for name, record in installed.files.items()]
    if installed.converted and installed.converted_file:
        files.append((installed.converted, installed.converted_file))
    for path, record in files:
        if not path.is_file():
            yield path, "is missing"
        elif (size := path.stat().st_size) != record.size:
            yield path, f"has {size} bytes, expected {record.size}"
        elif not by_size and (digest := file_digest(path)) != record.sha256:
            yield path, f"has the checksum {digest[:16]}…, expected {record.sha256[:16]}…"


def verify(name: str, models: Path) -> list[Path]:
    """Reads every file of an installed model again; returns them. Raises CheckpointError that names what is not as it
    was."""
    installed = require(known_row(name, models), models)
    damaged = [f"{path} {words}" for path, words in damaged_files(installed)]
    if damaged:
        raise CheckpointError(
            "; ".join(damaged), f"Remove the model and fetch or add it again: wala models remove {name}"
        )
    return [
        *(installed.source / file for file in installed.files),
        *([installed.converted] if installed.converted else []),
    ]


def remove(name: str, models: Path) -> list[Path]:
    """Deletes what fetch, add and convert made of a model; returns what else lies in its folder and stays. An added
    folder keeps its own files.

    Raises ModelError where there is nothing of it, OutputError.
    """
    folder = own_folder(name, models)
    if not os.path.lexists(folder / RECORD) and not (name in MODELS and folder.is_dir()):
        require(known_row(name, models), models)  # raises if it is unknown or not installed
    with claimed(name, models):
        try:
            installed = read_record(name, models)
        except ModelError:
            installed = None  # a record that cannot be read is a reason to remove the model
        try:
            if (
                installed is not None
                and installed.converted is not None
                and installed.converted.parent != folder
                and _is_ours(installed)
            ):
                installed.converted.unlink()
            return _emptied(folder, installed)
        except OSError as error:
            what = error.filename or folder
            raise OutputError(
                f"{what} could not be deleted ({error.strerror})", "Close what uses it, then remove it again"
            ) from error


def _is_ours(installed: Installed) -> bool:
    """Whether the converted file beside an added folder's own files is the one that ``convert`` wrote."""
    if (
        installed.converted is None
        or installed.converted_file is None
        or not installed.converted.is_file()
        or installed.converted.is_symlink()
        or installed.converted.stat().st_size != installed.converted_file.size
    ):
        return False
    return (
        read_metadata(installed.converted).get("model") == installed.name
        and file_digest(installed.converted) == installed.converted_file.sha256
    )


def _emptied(folder: Path, installed: Installed | None) -> list[Path]:
    """Deletes the files of a model's own folder that are made here, and the folder if that was all; returns what is
    left."""
    if folder.is_symlink():
        left = [folder.resolve()]
        folder.unlink()
        return left
    own = {RECORD, f"{CONVERTED}.part"} | (
        FILES if installed is None else set(installed.files) if installed.source == folder else set()
    )
    if installed is not None and installed.converted is not None and installed.converted.parent == folder:
        own.add(CONVERTED)
    left = []
    for path in sorted(
        folder.iterdir(), key=lambda path: (path.name == RECORD, path.name)
    ):  # the record last, so that an interrupted removal can be repeated
        is_part = path.name.startswith(".") and path.name.endswith(".part")
        if (path.name in own or is_part) and (path.is_symlink() or not path.is_dir()):
            path.unlink()
        else:
            left.append(path)
    if not left:
        folder.rmdir()
    return left
