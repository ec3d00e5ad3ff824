"""List of models as plain data: every model with its state."""

from pathlib import Path

from . import licences
from .records import Installed, installed_rows, models_folder, read_record
from .registry import MODELS, ModelRow


def describe_models(folder: Path | str | None = None) -> list[dict]:
    """All available models as plain data: name, title, conditions with their defaults, licence, memory, location;
    ``folder``: the models folder."""
    folder = models_folder(folder)
    added, problems = installed_rows(folder)
    described = [_described(row, folder, problems.get(row.name)) for row in (*MODELS.values(), *added.values())]
    return described + [_unusable(name, problem) for name, problem in problems.items() if name not in MODELS]


def _described(row: ModelRow, folder: Path, problem: str | None) -> dict:
    """Description of a model, as plain data. ``installed``: the folder of its files, None if it can be fetched;
    ``problem``: why the installed files cannot be used."""
    published = row.published
    installed = read_record(row.name, folder) if published and not problem else None
    licence = installed.licence if installed else row.licence
    place = row.weights if published is None else installed and installed.source
    if published is None and not row.weights.exists():
        place = None
    memory = (
        {"cuda": published.memory(), "cuda_low": published.memory(sequential_offload=True), "cpu": published.memory(4)}
        if published
        else None
    )
    return {
        "name": row.name,
        "version": row.version,
        "title": row.title,
        "memory": memory,
        "licence": licence.name,
        "non_commercial": licence.non_commercial,
        "link": row.licence.link,
        "terms": row.licence.terms,
        "accepted": licences.is_accepted(row.licence, folder),
        "conditions": {
            name: {"scale": defaults.scale, "steps": defaults.steps} for name, defaults in row.conditions.items()
        },
        "prompted": list(row.prompted),
        "views": list(published.views) if published else [],
        "makes": row.makes,
        "cascade": row.cascade,
        "shape_model": published and published.shape_model,
        "repository": published.repository if published else None,
        "size": published.size if published else None,
        "installed": str(place) if place else None,
        "converted": str(installed.converted) if installed and installed.converted else None,
        "problem": problem,
        "checked": describe_check(installed) if installed else None,
    }


def _unusable(name: str, problem: str) -> dict:
    """Description of a model whose record cannot be used: only its name is known."""
    return {
        "name": name,
        "version": None,
        "title": name,
        "memory": None,
        "licence": "not known",
        "non_commercial": True,
        "link": "",
        "terms": None,
        "accepted": True,
        "conditions": {},
        "prompted": [],
        "views": [],
        "makes": "shapes",
        "cascade": False,
        "shape_model": None,
        "repository": None,
        "size": None,
        "installed": None,
        "converted": None,
        "problem": problem,
        "checked": None,
    }


def describe_check(installed: Installed) -> str:
    """What the checksums of a model's files were compared with when they came."""
    by = {file.checked_by for file in installed.files.values()}
    if by == {"table"}:
        return "checked against the known checksums"
    names = ", ".join(name for name, file in installed.files.items() if file.checked_by == ("" if "" in by else "hub"))
    if "" in by:
        return f"not checked: there is no checksum to compare {names} with"
    return f"checked against the hub's own checksums; not checked against known ones: there are none of {names}"
