"""What results were made from: names in the results themselves, session uids for as long as this Blender runs."""

import json

import bpy

from ..scene import compatibility
from .deliver import MARK

SOURCE = f"{MARK}source"  # a result's custom property: a JSON list of objects' names

# An object's name, and its session uid where it is known.
Reference = tuple[str, int | None]

_of_results: dict[
    int, tuple[Reference, ...]
] = {}  # by the results' session uids: an object that was renamed since is found by its uid


def forget() -> None:
    """The session is over."""
    _of_results.clear()


def is_result(item) -> bool:
    """Whether an object, or its mesh, carries the mark of a result. Cheap."""
    return any(owner is not None and owner.get(f"{MARK}ai_generated") for owner in (item, item.data))


def references(items) -> tuple[Reference, ...]:
    """Objects as plain data."""
    return tuple((item.name, getattr(item, "session_uid", None)) for item in items)


def remember(result, source: tuple[Reference, ...]) -> None:
    """Note what a new result was made from."""
    if not source:
        return
    result[SOURCE] = json.dumps([name for name, _ in source], ensure_ascii=False)
    if getattr(result, "session_uid", None) is not None:
        _of_results[result.session_uid] = source


def remembered(result) -> tuple[Reference, ...]:
    """What a result was made from; () when it is not known. Cheap."""
    known = _of_results.get(getattr(result, "session_uid", None))
    if known is not None:
        return known
    try:
        names = json.loads(result.get(SOURCE, "[]"))
    except (TypeError, ValueError):
        return ()
    return tuple((name, None) for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def find(result, scene) -> list:
    """The objects that a result was made from, those of them that are still in the scene."""
    found = (compatibility.find(bpy.data.objects, name, uid) for name, uid in remembered(result))
    return [item for item in found if item is not None and scene.objects.get(item.name) == item]
