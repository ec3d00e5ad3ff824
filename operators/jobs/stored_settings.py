"""Settings as plain data that outlives the scene, and back; stored in jobs and results."""

import bpy

from ..scene import compatibility


def to_plain(settings) -> dict:
    """A `scene.wala` group: values by name; an object or an image as (its collection in bpy.data, name, session
    uid)."""
    plain: dict = {}
    for name, kind in _properties(settings):
        value = getattr(settings, name)
        if kind == "POINTER":
            plain[name] = _reference(value)
        elif kind == "COLLECTION":
            plain[name] = [to_plain(entry) for entry in value]
        else:
            plain[name] = value
    return plain


def restore(settings, plain: dict) -> None:
    """Set a group to the values of to_plain(); references to deleted data are cleared."""
    for name, kind in _properties(settings):
        if name not in plain:
            continue
        if kind == "POINTER":
            setattr(settings, name, _found(plain[name]))
        elif kind == "COLLECTION":
            entries = getattr(settings, name)
            entries.clear()
            for entry in plain[name]:
                restore(entries.add(), entry)
        else:
            setattr(settings, name, plain[name])


def _properties(group) -> list[tuple[str, str]]:
    return [
        (item.identifier, item.type)
        for item in group.bl_rna.properties
        if not item.is_readonly or item.type == "COLLECTION"
    ]


def _reference(owner) -> tuple | None:
    if owner is None:
        return None
    collection = "objects" if isinstance(owner, bpy.types.Object) else "images"
    return collection, owner.name, getattr(owner, "session_uid", None)


def _found(reference: tuple | None):
    if reference is None:
        return None
    collection, name, uid = reference
    return compatibility.find(getattr(bpy.data, collection), name, uid)
