"""`wala models …`: fetch, add, verify, convert, remove."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ModelError, shown
from ..models import install, licences
from ..models.licences import AUTODESK, Licence
from ..models.listing import describe_check
from ..models.records import known_row, models_folder
from ..models.registry import MODELS, ModelRow

EVENT_INTERVAL = 0.2  # seconds between two events of --json


def fetch(options: argparse.Namespace) -> int:
    """`wala models fetch NAME`."""
    folder = models_folder()
    row = known_row(options.name, folder)
    if row.published and row.published.format == "lagem":
        _show(row)
    _ask(row.licence, row.name, folder, options.accept_licence)
    with _events() if options.json else _bar(row.name) as on_bytes:
        # The command itself is the permission to download; HF_HUB_OFFLINE still forbids it.
        installed = install.fetch(row, folder, True, on_bytes)
    words = "; ".join(
        filter(
            None,
            (
                describe_check(installed),
                f"licence: {installed.licence.name}" if installed.licence != row.licence else "",
            ),
        )
    )
    print(
        json.dumps({"event": "done", "folder": str(installed.source), "note": words})
        if options.json
        else f"{row.name}: fetched, in {installed.source}; {words}"
    )
    return 0


def _show(row: ModelRow) -> None:
    """Print the hub's data on a model of which only the repository is known."""
    found, checkpoint = install.look_up(row)
    others = [name for name in found.files if name != checkpoint.name]
    print(
        f"{install.published_of(row).repository}, as the hub has it now:\n"
        f"  licence stated: {found.licence or 'none'}\n"
        f"  to be fetched:  {checkpoint.name}, {checkpoint.size / 1e9:.2f} GB\n"
        f"  also there:     {shown(', '.join(others)) or 'nothing'}",
        file=sys.stderr,
    )


def add(options: argparse.Namespace) -> int:
    """`wala models add FOLDER`."""
    folder = models_folder()
    name = install.name_for(options.folder, options.name)
    licence = (
        Licence(options.licence, "", options.non_commercial)
        if options.licence
        else MODELS[name].licence
        if name in MODELS
        else AUTODESK
    )
    _ask(licence, name, folder, options.accept_licence)
    installed = install.add(options.folder, folder, options.name, options.condition, licence)
    print(
        f"{installed.name}: takes {installed.condition}; licence {installed.licence.name}; reads {installed.converted or installed.source}"
    )
    return 0


def verify(options: argparse.Namespace) -> int:
    """`wala models verify NAME`."""
    for path in install.verify(options.name, models_folder()):
        print(f"{path}: as it was when it came")
    return 0


def convert(options: argparse.Namespace) -> int:
    """`wala models convert NAME`."""
    installed = install.convert(options.name, models_folder())
    print(f"{installed.name}: {installed.converted or installed.source}")
    return 0


def remove(options: argparse.Namespace) -> int:
    """`wala models remove NAME`."""
    left = install.remove(options.name, models_folder())
    print(f"{options.name}: removed" + (f"; not made here, and so left: {', '.join(map(str, left))}" if left else ""))
    return 0


def _ask(licence: Licence, model: str, folder: Path, accepted: bool) -> None:
    """Show a licence that must be accepted before the first model under it, and ask on a terminal. Raises ModelError
    without consent."""
    if licences.is_accepted(licence, folder):
        return
    print(
        f"{model} is under the licence {licence.name!r}.\n{licence.terms}\nThe whole text: {licence.link}",
        file=sys.stderr,
    )
    if not accepted and sys.stdin.isatty():
        accepted = input("Do you accept it? [y/N] ").strip().lower() in ("y", "yes")
        if not accepted:
            raise ModelError("the licence was not accepted, nothing was fetched")
    if accepted:
        licences.accept(licence, model, folder)
    licences.check_accepted(licence, folder)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """Bytes, speed and time left on standard error where that is a terminal."""
    from tqdm import tqdm

    with tqdm(total=0, disable=None, leave=False, desc=name, unit="B", unit_scale=True) as bar:

        def on_bytes(done: int, total: int) -> None:
            if not bar.total:
                bar.total, bar.initial = total, done  # earlier bytes do not count for the speed
            bar.update(done - bar.n)

        yield on_bytes


@contextmanager
def _events() -> Iterator[Callable[[int, int], None]]:
    """A JSON object a line on standard output, for a program that shows the progress: bytes so far, all, bytes a
    second."""
    started, first, reported = time.monotonic(), None, 0.0

    def on_bytes(done: int, total: int) -> None:
        nonlocal first, reported
        now = time.monotonic()
        first = done if first is None else first
        if now - reported >= EVENT_INTERVAL or done == total:
            reported, speed = now, (done - first) / max(now - started, 1e-3)
            left = round((total - done) / speed, 1) if speed > 0 else None
            print(json.dumps({"event": "bytes", "done": done, "total": total, "seconds_left": left}), flush=True)

    yield on_bytes
