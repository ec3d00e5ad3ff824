"""`wala models …`: list, fetch, add, verify, convert, remove."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ModelError
from . import installing, licences
from .installed import Installed, installed_rows, known_row, models_folder, read_record
from .licences import AUTODESK, Licence
from .table import MODELS, ModelRow

EVENT_INTERVAL = 0.2  # seconds between two events of --json
GIGABYTE = 1e9


def list_models(options: argparse.Namespace) -> int:
    """`wala models` and `wala models list`."""
    folder = models_folder()
    added, problems = installed_rows(folder)
    described = [_described(row, folder, problems.get(row.name)) for row in (*MODELS.values(), *added.values())]
    described += [_unusable(name, problem) for name, problem in problems.items() if name not in MODELS]
    if options.json:
        print(json.dumps(described))
        return 0
    for row in described:
        print(f"{row['name']}: {row['title']}")
        for name, defaults in row["conditions"].items():
            scale = "no guidance" if defaults["scale"] is None else f"scale {defaults['scale']:g}"
            handed_on = f", makes {row['makes']} for {row['shape_model']}" if row["shape_model"] else ""
            print(f"    {name:8} {scale}, {defaults['steps']} steps{handed_on}")
        if row["memory"]:
            whole, in_turns, processor = (row["memory"][name] / GIGABYTE for name in ("cuda", "cuda_low", "cpu"))
            print(f"    needs about {whole:.1f} GB of graphics memory, {in_turns:.1f} GB in low-memory mode; {processor:.1f} GB on the CPU")
        if row["problem"]:
            print(f"    cannot be used: {row['problem']}")
            continue
        print(f"    licence {row['licence']}{', non-commercial' if row['non_commercial'] else ''}; {_state(row)}")
    print(f"models folder: {folder}")
    return 0


def _described(row: ModelRow, folder: Path, problem: str | None) -> dict:
    """What there is to say of a model, as plain data. ``installed``: where its files are, None where it can be fetched; ``problem``: why what
    is there cannot be used."""
    published = row.published
    made = read_record(row.name, folder) if published and not problem else None
    place = row.weights if published is None else made and made.source
    if published is None and not row.weights.exists():
        place = None
    memory = {"cuda": published.memory(), "cuda_low": published.memory(in_turns=True), "cpu": published.memory(4)} if published else None
    return {
        "name": row.name, "title": row.title, "memory": memory,
        "licence": row.licence.name, "non_commercial": row.licence.non_commercial, "link": row.licence.link, "terms": row.licence.terms,
        "accepted": licences.is_accepted(row.licence, folder),
        "conditions": {name: {"scale": defaults.scale, "steps": defaults.steps} for name, defaults in row.conditions.items()},
        "prompted": list(row.prompted), "views": list(published.views) if published else [],
        "makes": row.makes, "shape_model": published and published.shape_model,
        "repository": published.repository if published else None, "size": published.size if published else None,
        "installed": str(place) if place else None, "converted": str(made.converted) if made and made.converted else None,
        "problem": problem, "checked": _checked_words(made) if made else None,
    }


def _unusable(name: str, problem: str) -> dict:
    """The same of a model of which nothing is known but its name, as its record cannot be used."""
    return {"name": name, "title": name, "memory": None, "licence": "not known", "non_commercial": True, "link": "", "terms": None, "accepted": True,
            "conditions": {}, "prompted": [], "views": [], "makes": "shapes", "shape_model": None, "repository": None, "size": None,
            "installed": None, "converted": None, "problem": problem, "checked": None}


def _checked_words(made: Installed) -> str:
    """What the checksums of a model's files were compared with when they came."""
    by = {file.checked_by for file in made.files.values()}
    if by == {"table"}:
        return "checked against the known checksums"
    names = ", ".join(name for name, file in made.files.items() if file.checked_by == ("" if "" in by else "hub"))
    if "" in by:
        return f"not checked: there is no checksum to compare {names} with"
    return f"checked against the hub's own checksums; not checked against known ones: there are none of {names}"


def _state(row: dict) -> str:
    if row["installed"]:
        return f"installed: {row['converted'] or row['installed']}" + (f"; {row['checked']}" if row["checked"] else "")
    if row["repository"] is None:
        return "its weights are missing"
    return f"not fetched, about {row['size'] / GIGABYTE:.1f} GB: wala models fetch {row['name']}"


def fetch(options: argparse.Namespace) -> int:
    """`wala models fetch NAME`."""
    folder = models_folder()
    row = known_row(options.name, folder)
    _ask(row.licence, row.name, folder, options.accept_licence)
    with (_events() if options.json else _bar(row.name)) as on_bytes:
        # Whoever gives this command asks for the download; HF_HUB_OFFLINE still forbids it.
        made = installing.fetch(row, folder, True, on_bytes)
    words = _checked_words(made)
    print(json.dumps({"event": "done", "folder": str(made.source), "note": words}) if options.json else f"{row.name}: fetched, in {made.source}; {words}")
    return 0


def add(options: argparse.Namespace) -> int:
    """`wala models add FOLDER`."""
    folder = models_folder()
    licence = Licence(options.licence, "", options.non_commercial) if options.licence else AUTODESK
    _ask(licence, installing.name_for(options.folder, options.name), folder, options.accept_licence)
    made = installing.add(options.folder, folder, options.name, options.condition, licence)
    print(f"{made.name}: takes {made.condition}; licence {made.licence.name}; reads {made.converted or made.source}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """`wala models verify NAME`."""
    for path in installing.verify(options.name, models_folder()):
        print(f"{path}: as it was when it came")
    return 0


def convert(options: argparse.Namespace) -> int:
    """`wala models convert NAME`."""
    made = installing.convert(options.name, models_folder())
    print(f"{made.name}: {made.converted or made.source}")
    return 0


def remove(options: argparse.Namespace) -> int:
    """`wala models remove NAME`."""
    left = installing.remove(options.name, models_folder())
    print(f"{options.name}: removed" + (f"; not made here, and so left: {', '.join(map(str, left))}" if left else ""))
    return 0


def _ask(licence: Licence, model: str, folder: Path, accepted: bool) -> None:
    """Shows a licence that must be accepted before the first model under it, and asks on a terminal. Raises ModelError without consent."""
    if licences.is_accepted(licence, folder):
        return
    print(f"{model} is under the licence {licence.name!r}.\n{licence.terms}\nThe whole text: {licence.link}", file=sys.stderr)
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
                bar.total, bar.initial = total, done  # what was there already says nothing of the speed
            bar.update(done - bar.n)
        yield on_bytes


@contextmanager
def _events() -> Iterator[Callable[[int, int], None]]:
    """A JSON object a line on standard output, for a program that shows the progress: bytes so far, all, bytes a second."""
    started, first, told = time.monotonic(), None, 0.0

    def on_bytes(done: int, total: int) -> None:
        nonlocal first, told
        now = time.monotonic()
        first = done if first is None else first
        if now - told >= EVENT_INTERVAL or done == total:
            told, speed = now, (done - first) / max(now - started, 1e-3)
            left = round((total - done) / speed, 1) if speed > 0 else None
            print(json.dumps({"event": "bytes", "done": done, "total": total, "seconds_left": left}), flush=True)
    yield on_bytes
