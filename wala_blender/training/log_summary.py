"""Summary of a run's log.jsonl over time, as a Markdown table."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError

PARTS = 10
_PLACES = ("minutes", "samples")


def read_log(run: Path) -> list[dict]:
    """Lines of a run's log. Raises InputError where there is none, or nothing in it."""
    file = run / "log.jsonl"
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []
    if not lines:
        raise InputError(f"{file} is missing or empty", "Give the folder of a run that has trained for a minute.")
    return lines


def curve(lines: Sequence[dict], parts: int = PARTS) -> list[dict]:
    """A row for each of ``parts`` equal stretches of a run's minutes: "minutes" and "samples" at its end, and every
    number's mean over it."""
    ends = np.linspace(0, lines[-1]["minutes"], parts + 1)[1:]
    place = np.searchsorted(ends, [line["minutes"] for line in lines]).clip(max=parts - 1)
    rows = []
    for part in range(parts):
        inside = [line for line, at in zip(lines, place) if at == part]
        names = dict.fromkeys(name for line in inside for name in line if name not in _PLACES)
        if inside:
            rows.append(
                {name: inside[-1][name] for name in _PLACES}
                | {name: float(np.mean([line[name] for line in inside if name in line])) for name in names}
            )
    return rows


def table_of(curves: dict[str, list[dict]], numbers: Sequence[str] | None) -> list[str]:
    """Lines of a Markdown table of runs' curves by name; of all their numbers, or of these. Raises InputError for one
    that no run has."""
    rows = [(run, row) for run, curve in curves.items() for row in curve]
    known = list(dict.fromkeys(name for _, row in rows for name in row if name not in _PLACES))
    for name in numbers or ():
        if name not in known:
            raise InputError(f"no run has a number {name!r}", f"There are: {', '.join(known)}.")
    names = list(numbers or known)
    lines = [["run", *_PLACES, *names], ["---", *["---:"] * (len(names) + len(_PLACES))]]
    lines += [
        [
            run,
            f"{row['minutes']:.1f}",
            f"{row['samples']:,}",
            *(f"{row[name]:.4f}" if name in row else "" for name in names),
        ]
        for run, row in rows
    ]
    return [f"| {' | '.join(line)} |" for line in lines]
