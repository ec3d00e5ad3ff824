"""Change detection on the active result's sources: the panel shows when they have changed since."""

import logging

import bpy
from bpy.app.handlers import persistent

from ...runtime.messages import JobFailed
from ..scene import compatibility
from . import panel_state, sources
from .fingerprint import VARY, fingerprint, images_of, region_of

log = logging.getLogger(__name__)


class SourceFollower:
    """Compares fingerprints, only after a change of the sources, and not during a stroke."""

    def __init__(self) -> None:
        self._result: tuple = ()
        self._followed: frozenset[str] = frozenset()
        self._is_changed = False

    def note(self, names: set[str]) -> None:
        """Record the names of changed data."""
        self._is_changed = self._is_changed or not self._followed.isdisjoint(names)

    def poll(self, context) -> None:
        """Compare if needed, and update the panel. Cheap otherwise."""
        item = context.view_layer.objects.active
        result = _state(item) if item is not None and item.wala.fingerprint else ()
        if result == self._result and not self._is_changed:
            return
        if compatibility.is_mid_gesture():
            return
        self._result, self._is_changed = result, False
        self._followed = frozenset(names_of(item, context.scene)) if result else frozenset()
        panel_state.show(outdated=describe_change(context, item) if result else "")


def _state(result) -> tuple:
    """Values whose change requires a comparison: the active result, and which of its pictures are painted on."""
    pictures = tuple(image.is_dirty for image in images_of(result.wala.settings))
    return result.name, result.wala.fingerprint, pictures


def names_of(item, scene) -> list[str]:
    """Names in the depsgraph's updates when the sources change."""
    owners = sources.find(item, scene)
    data = [owner.data for owner in owners if owner.data is not None]
    settings = item.wala.settings
    region = region_of(settings) if settings.edit == VARY else None
    return [owner.name for owner in (*owners, *data, *images_of(settings), *filter(None, [region]))]


def describe_change(context, item) -> str:
    """A sentence where the sources of a result have changed since it was made, "" where not, or where they are gone."""
    found = sources.find(item, context.scene)
    if len(found) < len(item.wala.sources) or not (found or images_of(item.wala.settings)):
        return ""
    if any(not owner.visible_get() for owner in found):
        return ""  # what is hidden is not evaluated, and cannot be edited either
    try:
        now = fingerprint(context, item.wala.settings, found)
    except (JobFailed, RuntimeError) as error:
        log.debug("no fingerprint: %s", error)
        return ""
    if now == item.wala.fingerprint:
        return ""
    names = [owner.name for owner in (*found, *images_of(item.wala.settings))]
    return f"“{names[0]}” has changed" if len(names) == 1 else "What it was made from has changed"


def register() -> None:
    """Add the handler of changes."""
    bpy.app.handlers.depsgraph_update_post.append(note_changes)


def unregister() -> None:
    """Remove the handler."""
    bpy.app.handlers.depsgraph_update_post.remove(note_changes)


@persistent
def note_changes(scene, depsgraph) -> None:
    """Record the names of changed data; nothing is compared during Blender's evaluation."""
    from . import session

    if session.current is not None:
        names = {update.id.name for update in depsgraph.updates}
        session.current.source_follower.note(names)
        session.current.live.note(names)
        session.current.preview.note()
