"""Getting models: fetch, add a folder, check, convert, remove. Knows the order of things; how files arrive is hub's, what is in them loading's."""

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
from .checkpoint import load_components, save_components
from .installed import CHECKPOINT, CONVERTED, SETTINGS, FileRecord, Installed, condition_in, known_row, own_folder, read_record, require, write_record
from .licences import AUTODESK, Licence, check_accepted
from .loading import assemble, weights_name
from .published import published_settings, read_args
from .released import LARGE
from .table import MODELS, ModelRow, Published, published_row

log = logging.getLogger(__name__)

OnBytes = Callable[[int, int], None]
SPARE = 200_000_000  # bytes left free on the disk
HALF_PRECISION = dict.fromkeys(LARGE, torch.bfloat16)


def fetch(row: ModelRow, models: Path, online_access: bool, on_bytes: OnBytes, endpoint: str | None = None, token: str | None = None) -> Installed:
    """Downloads a model of the table into the models folder, checks it, and converts it; what is there already is not fetched again.

    ``online_access``: whether the person allows it. ``on_bytes(so far, all)`` is called often, and may raise to stop: the next call goes on.
    endpoint, token: None takes huggingface_hub's, from the environment.
    Raises ModelError (nothing to fetch, licence not accepted), DownloadError, OutputError (disk full).
    """
    if row.published is None or row.published.repository is None:
        raise ModelError(f"the model {row.name} is not on the hub", "It is here already, or was added from a folder.")
    check_accepted(row.licence, models)
    if not online_access:
        raise DownloadError("online access is switched off", "Allow it, or bring the files and add their folder: wala models add FOLDER")
    folder = own_folder(row.name, models)
    files = _remote_files(row.published, endpoint, token)
    records = _intact(read_record(row.name, models), files[0].commit)
    missing = [file for file in files if file.name not in records]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _drop_old_parts(folder, missing)
        _check_space(folder, missing)
        total, done = sum(file.size for file in missing), 0
        for file in missing:
            digest = hub.download(file, folder, lambda so_far, before=done: on_bytes(before + so_far, total), endpoint, token)
            records[file.name] = FileRecord(file.size, digest)
            done += file.size
        write_record(Installed(row.name, folder, next(iter(row.conditions)), row.licence, files[0].commit, records), models)
    return convert(row.name, models)


def _intact(made: Installed | None, commit: str) -> dict[str, FileRecord]:
    """The files that are there already, of this commit and of their whole size."""
    if made is None or made.commit != commit:
        return {}
    damaged = {path for path, _ in damaged_files(made, by_size=True)}
    return {name: record for name, record in made.files.items() if made.source / name not in damaged}


def _remote_files(published: Published, endpoint: str | None, token: str | None) -> list[hub.RemoteFile]:
    """The small file first: a repository of another kind is noticed at once. A repository's files are all of one commit."""
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
        raise OutputError(f"{folder} has {free / 1e9:.1f} GB free, the model needs {needed / 1e9:.1f} GB",
                          "Make room, or set WALA_MODELS to a folder on another disk")


def add(source: Path, models: Path, name: str | None = None, condition: str | None = None, licence: Licence = AUTODESK) -> Installed:
    """Takes in a folder with args.json and checkpoint.ckpt (or model.safetensors, converted elsewhere), which stays where it is.

    ``name``: of a row of the table, if it is that model, or a new one (None: the folder's name). ``condition``: what the settings do not
    tell, such as that images are sketches. Raises ModelError, CheckpointError.
    """
    source = source.resolve()
    if not source.is_dir():
        raise ModelError(f"{source} is not a folder", f"Give the folder with {CHECKPOINT} and {SETTINGS}.")
    name = name or (source.name.lower() if source.name.lower() in MODELS else source.name)
    own_folder(name, models)
    row = MODELS.get(name)
    if row is not None and row.published is None:
        raise ModelError(f"{name} is the name of a model that is always here", "Choose another: --name NAME")
    found = next((file for file in (CHECKPOINT, CONVERTED) if (source / file).is_file()), None)
    if found is None:
        raise ModelError(f"{source} has no {CHECKPOINT}", f"Give the folder with {CHECKPOINT} and {SETTINGS}.")
    condition = next(iter(row.conditions)) if row else condition or condition_in(source)
    licence = row.licence if row else licence
    check_accepted(licence, models)
    extras = [file for _, file in row.published.extras if (source / file).is_file()] if row else []
    files = {file: FileRecord((source / file).stat().st_size, file_digest(source / file)) for file in (SETTINGS, found, *extras)}
    made = Installed(name, source, condition, licence, files=files)
    row = row or published_row(name, name, condition, Published(None, 0), licence)
    if row.makes == "shapes":
        _networks(made, row)  # before it is taken in: does it fit?
    write_record(made, models)
    return convert(name, models)


def _networks(made: Installed, row: ModelRow) -> dict[str, torch.nn.Module]:
    """Component name → network with the original file's weights in the precision that is kept. Raises CheckpointError."""
    autoencoder, generator = assemble(published_settings(read_args(made.source / SETTINGS)), made.condition, row.published)
    components = {"autoencoder": autoencoder, **generator.components()}
    load_components(made.source / weights_name(made), components, HALF_PRECISION)
    return components


def convert(name: str, models: Path) -> Installed:
    """Writes model.safetensors, the large networks in bfloat16, beside the original; in the models folder where that cannot be written, or
    holds such a file of somebody else's.

    Once: what is converted already stays. Raises CheckpointError, OutputError.
    """
    made, row = require(name, models), known_row(name, models)
    if weights_name(made) == CONVERTED or row.makes != "shapes" or (made.converted and made.converted.is_file()):
        return made
    is_free = os.access(made.source, os.W_OK) and not (made.source / CONVERTED).exists()
    folder = made.source if is_free else own_folder(name, models)
    save_components(folder / CONVERTED, _networks(made, row), {"model": name, "licence": made.licence.name}, dtype=None)
    file = FileRecord((folder / CONVERTED).stat().st_size, file_digest(folder / CONVERTED))
    made = replace(made, converted=folder / CONVERTED, converted_file=file)
    write_record(made, models)
    return made


def damaged_files(made: Installed, by_size: bool = False) -> Iterator[tuple[Path, str]]:
    """(path, what is wrong) of every file of a model that is not as it was; by_size: only missing and cut ones, without reading them."""
    files = [(made.source / name, record) for name, record in made.files.items()]
    for path, record in files + ([(made.converted, made.converted_file)] if made.converted else []):
        if not path.is_file():
            yield path, "is missing"
        elif (size := path.stat().st_size) != record.size:
            yield path, f"has {size} bytes, expected {record.size}"
        elif not by_size and (digest := file_digest(path)) != record.sha256:
            yield path, f"has the checksum {digest[:16]}…, expected {record.sha256[:16]}…"


def verify(name: str, models: Path) -> list[Path]:
    """Reads every file of an installed model again; returns them. Raises CheckpointError that names what is not as it was."""
    made = require(name, models)
    damaged = [f"{path} {words}" for path, words in damaged_files(made)]
    if damaged:
        raise CheckpointError("; ".join(damaged), f"Remove the model and fetch or add it again: wala models remove {name}")
    return [*(made.source / file for file in made.files), *([made.converted] if made.converted else [])]


def remove(name: str, models: Path) -> None:
    """Deletes a model's folder in the models folder, and what was converted; an added folder keeps its own files. Raises OutputError."""
    folder = own_folder(name, models)
    if not folder.is_dir():
        require(name, models)  # says that it is unknown, or not installed
    try:
        made = read_record(name, models)
    except ModelError:
        made = None  # a record that cannot be read is a reason to remove the model
    try:
        if made is not None and made.converted is not None:
            made.converted.unlink(missing_ok=True)
        shutil.rmtree(folder)
    except OSError as error:
        what = error.filename or folder
        raise OutputError(f"{what} could not be deleted ({error.strerror})", "Close what uses it, then remove it again") from error
