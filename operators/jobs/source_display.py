"""Display of sources and earlier results while a newer result takes their place.

A source is drawn as wire, or hidden, as long as one of its results is visible, and displayed as before once there is
none. The earlier display is stored in the source itself, so that undo and saved files keep both together.
"""

import contextlib
from collections.abc import Iterator

import bpy

from ..scene.compatibility import GREASE_PENCIL_TYPES
from . import sources

KEEP, WIRE, HIDE = "KEEP", "WIRE", "HIDE"


def cover(result, scene, display: str, is_edit: bool = False) -> None:
    """Change the display of a new result's sources, and hide earlier results in the same place. ``is_edit``: it takes
    the place of a mesh that it was made from, which is hidden, a result itself or not."""
    items = sources.find(result, scene)
    for other in sources.results_of(items, scene):
        if other != result and _is_in_place(other):
            _hide(other, scene, True)
    for item in items:
        if display != KEEP and item.wala.covered == KEEP and (is_edit or not sources.is_result(item)):
            _change(item, scene, HIDE if display == HIDE or is_edit else WIRE)


def _is_in_place(result) -> bool:
    """Whether a result is where it was delivered, not moved away by the artist."""
    here = (*result.location, result.rotation_euler[2])
    return all(abs(a - b) < 1e-5 * max(1.0, abs(b)) for a, b in zip(here, result.wala.anchor, strict=True))


def _change(item, scene, display: str) -> None:
    if display == HIDE:
        _hide(item, scene, True)
    elif item.type in GREASE_PENCIL_TYPES:
        return  # line objects are drawn as wire already
    else:
        item.wala.display_before = item.display_type
        item.display_type = "WIRE"
    item.wala.covered = display


def restore(item, scene) -> None:
    """Restore the earlier display of a source."""
    if item.wala.covered == HIDE:
        _hide(item, scene, False)
    elif item.wala.covered == WIRE and item.display_type == "WIRE":
        item.display_type = item.wala.display_before
    item.wala.covered = KEEP


class SourceWatch:
    """Restores the display of sources once none of their results is visible."""

    def __init__(self) -> None:
        self._state = (0, 0)

    def poll(self, scene) -> None:
        """Check a scene, if objects were added or removed since the last time. Cheap otherwise."""
        state = (scene.as_pointer(), len(scene.objects))
        if state != self._state:
            self._state = state
            restore_uncovered(scene)


def restore_uncovered(scene) -> None:
    """Restore the display of sources without a visible result."""
    covered = [item for item in scene.objects if item.wala.covered != KEEP]
    if not covered:
        return
    shown = [item for item in scene.objects if len(item.wala.sources) and _is_shown(item, scene)]
    kept = {source for result in shown for source in sources.find(result, scene)}
    for item in covered:
        if item not in kept:
            restore(item, scene)


@contextlib.contextmanager
def sources_shown(scene) -> Iterator[None]:
    """Show hidden sources during a capture."""
    hidden = [item for item in scene.objects if item.wala.covered == HIDE and not _is_shown(item, scene)]
    for item in hidden:
        _hide(item, scene, False)
    try:
        if hidden:
            bpy.context.view_layer.update()
        yield
    finally:
        for item in hidden:
            _hide(item, scene, True)


def _is_shown(item, scene) -> bool:
    return any(not item.hide_get(view_layer=layer) for layer in _layers(item, scene))


def _hide(item, scene, is_hidden: bool) -> None:
    for layer in _layers(item, scene):
        item.hide_set(is_hidden, view_layer=layer)


def _layers(item, scene) -> list:
    return [layer for layer in scene.view_layers if item.name in layer.objects]
