"""Keys of the 3D view: Ctrl Enter generates, Escape cancels. Both pass the event through when there is nothing to do.

Escape is pressed for many reasons: it cancels a job, never a set-up that has been downloading for minutes.
"""

import bpy

ITEMS = (("wala.generate", "RET", True, {}), ("wala.cancel", "ESC", False, {"only_jobs": True}))
_added = []


def register() -> None:
    """Add the keys to Blender's add-on keymap; background mode has none."""
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is None:
        return
    keymap = configuration.keymaps.new(name="3D View Generic", space_type="VIEW_3D")
    for operator, key, ctrl, values in ITEMS:
        item = keymap.keymap_items.new(operator, key, "PRESS", ctrl=ctrl)
        for name, value in values.items():
            setattr(item.properties, name, value)
        _added.append((keymap, item))


def unregister() -> None:
    """Remove the keys."""
    for keymap, item in _added:
        keymap.keymap_items.remove(item)
    _added.clear()
