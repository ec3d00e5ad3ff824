"""Sources of results: pointers from a result to its input objects, and the results that share them."""

import bpy

from ..scene import compatibility
from .deliver import MARK

# A job's reference to an object: its name, and its session uid if known.
Reference = tuple[str, int | None]


def is_result(item) -> bool:
    """Whether an object, or its mesh, carries the mark of a result. Cheap."""
    return any(owner is not None and owner.get(f"{MARK}ai_generated") for owner in (item, item.data))


def references(items) -> tuple[Reference, ...]:
    """Objects as plain data."""
    return tuple((item.name, getattr(item, "session_uid", None)) for item in items)


def found(source: tuple[Reference, ...]) -> list:
    """The referenced objects that still exist."""
    items = (compatibility.find(bpy.data.objects, name, uid) for name, uid in source)
    return [item for item in items if item is not None]


def remember(result, source: tuple[Reference, ...]) -> None:
    """Store a result's sources in it."""
    result.wala.sources.clear()
    for item in found(source):
        result.wala.sources.add().object = item


def find(result, scene) -> list:
    """The sources of an object that are still in the scene. Cheap."""
    found = (entry.object for entry in result.wala.sources)
    return [item for item in found if item is not None and scene.objects.get(item.name) == item]


def results_of(items, scene) -> list:
    """The results in a scene with exactly these sources; [] for no objects."""
    wanted = set(items)
    if not wanted:
        return []
    return [item for item in scene.objects if len(item.wala.sources) and set(find(item, scene)) == wanted]
