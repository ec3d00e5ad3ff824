"""Thumbnails of the active result's variations, as icons in the panel."""

import bpy
import bpy.utils.previews

from ...runtime import variations
from . import panel_state, regenerate


class Thumbnails:
    """Icons of one job's variations at a time, loaded from its folder when its result becomes active."""

    def __init__(self) -> None:
        self._previews = bpy.utils.previews.new()
        self._shown: tuple[str, ...] = ()

    def show(self, item) -> None:
        """Show the variations of an object in the panel; none for None, another object, or a job whose folder is
        gone."""
        folder = regenerate.source_of(item) if item is not None and item.wala.variations > 1 else None
        paths = tuple(map(str, variations.thumbnails(folder))) if folder is not None else ()
        if paths != self._shown:
            self._previews.clear()
            for path in paths:
                self._previews.load(path, path, "IMAGE")
            self._shown = paths
        panel_state.show_thumbnails([self._previews[path].icon_id for path in paths])

    def close(self) -> None:
        """Free the icons."""
        bpy.utils.previews.remove(self._previews)
