"""Licences of models' weights and outputs, and the record of accepted ones. The callers ask for acceptance."""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError, OutputError
from ..files import read_small, write_whole

ACCEPTED = "licences.json"  # in the models folder: licence → when, and for which model first
MAX_BYTES = 2**20


@dataclass(frozen=True)
class Licence:
    """``terms``: what must be accepted before the first download, None for nothing."""

    name: str
    link: str
    non_commercial: bool = False
    terms: str | None = None


CC0 = Licence("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/")
AUTODESK = Licence(
    "Autodesk Non-Commercial (3D Generative) v1.0",
    "https://huggingface.co/ADSKAILab/WaLa-SV-1B/blob/main/LICENSE.md",
    non_commercial=True,
    terms="The weights, and every shape made with them, are for non-commercial use only. Shapes made with them must be marked as\n"
    "AI-generated where they are shown or passed on; their custom properties and files' metadata say so, and must stay.",
)


LAGEM = Licence(
    "LaGeM's weights, as their page says",
    "https://huggingface.co/Zbalpha/LaGeM",
    non_commercial=True,
    terms="LaGeM's code is under the MIT licence. What licence its weights have, and which files there are, was not known when this was\n"
    "written: the hub is asked, and its answer shown, when they are fetched. Until then take them for non-commercial. They were trained on\n"
    "Objaverse, whose models are under many licences. Read the page first.",
)
PERMISSIVE = frozenset({"mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "unlicense"})


def as_stated(licence: Licence, stated: str) -> Licence:
    """A row's licence combined with the hub's statement (``stated``, its short name or ""): what that does not state
    stays unknown."""
    name = f"{stated}, as the hub states" if stated else f"{licence.name} (the hub states none)"
    return Licence(name, licence.link, stated.lower() not in PERMISSIVE, licence.terms)


def make_models_folder(folder: Path) -> None:
    """Create the models folder if it is missing. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the models folder {folder} cannot be made ({error.strerror or error})",
            "Set WALA_MODELS to another folder",
        ) from error


def _read(folder: Path) -> dict:
    try:
        content = json.loads(read_small(folder / ACCEPTED, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def is_accepted(licence: Licence, folder: Path) -> bool:
    """Whether someone accepted the licence for this models folder, or there is nothing to accept."""
    return licence.terms is None or licence.name in _read(folder)


def accept(licence: Licence, model: str, folder: Path) -> None:
    """Record that the licence was accepted now. Raises OutputError."""
    make_models_folder(folder)
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    text = json.dumps(
        _read(folder) | {licence.name: {"accepted": when, "model": model, "link": licence.link}}, indent=2
    )
    write_whole(folder / ACCEPTED, lambda stream: stream.write(text.encode()))


def check_accepted(licence: Licence, folder: Path) -> None:
    """Raises ModelError where the licence still has to be accepted."""
    if not is_accepted(licence, folder):
        raise ModelError(
            f"the licence {licence.name!r} has not been accepted yet",
            f"Read {licence.link}, then say --accept-licence.",
        )
