"""Catalog of models as plain data, without bpy.

It starts with the starter, which is part of the extension; the worker's list replaces it once it has been read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GIGABYTE = 1e9


@dataclass(frozen=True)
class Model:
    """``conditions`` by the names a job's request has for them; ``prompted``: those that a prompt may come beside;
    ``shape_model``: name of the model that makes a shape of this one's views, "" for one that makes shapes itself.

    ``size``: bytes of its files, 0 for one that comes with the extension. ``terms``: what has to be accepted before it
    is fetched, "" for nothing. ``problem``: why what is on this computer cannot be used, "" where it can. ``cascade``:
    whether it makes a mesh's details anew.
    """

    name: str
    title: str
    conditions: tuple[str, ...]
    prompted: tuple[str, ...] = ()
    shape_model: str = ""
    is_installed: bool = True
    can_fetch: bool = False
    can_remove: bool = False
    size: int = 0
    memory: str = ""
    licence: str = ""
    non_commercial: bool = False
    link: str = ""
    terms: str = ""
    problem: str = ""
    cascade: bool = False

    @property
    def is_offered(self) -> bool:
        """Whether a shape can be made with it now."""
        return self.is_installed and (not self.shape_model or _is_installed(self.shape_model))


def _is_installed(name: str) -> bool:
    return name in KNOWN and KNOWN[name].is_installed


_PROMPTED = ("sketch", "image", "depth", "depths", "voxels", "points")
STARTER = Model("starter", "Starter", ("text", *_PROMPTED, "none"), _PROMPTED)
LEVEL_WEIGHTS = Path(__file__).resolve().parents[2] / "wala_blender" / "models" / "levels" / "model.safetensors"
# of Vary Details, before the worker's list has been read
LEVELS = Model("levels", "Levels", ("mesh",), is_installed=LEVEL_WEIGHTS.is_file(), cascade=True)
KNOWN: dict[str, Model] = {STARTER.name: STARTER}


def learn(rows: Sequence[Mapping]) -> None:
    """Replace the catalog by the output of `wala models list --json`. Raises KeyError, TypeError or ValueError for an
    invalid list."""
    found = [_model(row) for row in rows]
    KNOWN.clear()
    KNOWN.update({model.name: model for model in (STARTER, *found)})


def _model(row: Mapping) -> Model:
    is_installed = bool(row["installed"])
    return Model(
        row["name"],
        row["title"],
        tuple(row["conditions"]),
        tuple(row.get("prompted", ())),
        row["shape_model"] or "",
        is_installed,
        can_fetch=bool(row["repository"]) and not is_installed,
        can_remove=bool(row.get("problem")) or (is_installed and row["size"] is not None),
        size=int(row["size"] or 0),
        memory=_memory(row["memory"]),
        licence=row["licence"],
        non_commercial=bool(row["non_commercial"]),
        link=row["link"],
        terms="" if row["accepted"] else row["terms"] or "",
        problem=row.get("problem") or "",
        cascade=bool(row.get("cascade")),
    )


def _memory(numbers: Mapping | None) -> str:
    if not numbers:
        return ""
    whole, offloaded, processor = (f"{numbers[name] / GIGABYTE:.1f} GB" for name in ("cuda", "cuda_low", "cpu"))
    return f"about {whole} on a graphics card, {offloaded} in low-memory mode; {processor} on the processor"


def takes_prompt_beside(name: str, condition: str) -> bool:
    """Whether a model takes a prompt beside an input."""
    return name in KNOWN and condition in KNOWN[name].prompted


def why_not(name: str, condition: str) -> str:
    """Why a model cannot make a shape from a condition, "" if it can. Cheap."""
    model = LEVELS if name == LEVELS.name and name not in KNOWN else KNOWN.get(name)
    if model is None:
        return f"There is no model “{name}”: choose another one"
    if model.problem:
        return f"The model “{model.title}” cannot be used: {model.problem}"
    if not model.is_installed and name == LEVELS.name:
        return (
            f"The weights of the model “{model.title}” are not part of this version: see the documentation on training"
        )
    if not model.is_installed:
        return f"The model “{model.title}” is not on this computer: fetch it in the add-on's preferences, or choose another one"
    if not model.is_offered:
        return f"The model “{model.title}” needs {model.shape_model} as well: fetch it in the add-on's preferences, or choose another one"
    if condition not in model.conditions:
        return f"The model “{model.title}” does not take this input: choose another one, or another model"
    return ""


def details_model(chosen: str) -> str:
    """Name of the model that makes details anew: the chosen one where it takes meshes, else the shipped one."""
    return chosen if chosen in KNOWN and "mesh" in KNOWN[chosen].conditions else LEVELS.name


def has_details() -> bool:
    """Whether there is any model that makes details anew. Cheap."""
    return any(model.cascade and model.is_offered for model in (LEVELS, *KNOWN.values()))


def why_not_details(name: str) -> str:
    """Why a model cannot make a mesh's details anew, "" if it can. Cheap."""
    reason = why_not(name, "mesh")
    if reason or name not in KNOWN or KNOWN[name].cascade:
        return reason
    return f"The model “{KNOWN[name].title}” has no cascade: it makes a mesh again, and cannot vary its details. Choose another model"
