"""Keys of the 3D view: Ctrl Enter generates, Escape cancels. Both operators' polls let the key go on when they have nothing to do."""

import bpy

ITEMS = (("wala.generate", "RET", True), ("wala.cancel", "ESC", False))
_added = []


def register() -> None:
    """Add them where Blender keeps add-ons' keys; there are none in background mode."""
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is None:
        return
    keymap = configuration.keymaps.new(name="3D View Generic", space_type="VIEW_3D")
    _added.extend((keymap, keymap.keymap_items.new(operator, key, "PRESS", ctrl=ctrl)) for operator, key, ctrl in ITEMS)


def unregister() -> None:
    """Take them away again."""
    for keymap, item in _added:
        keymap.keymap_items.remove(item)
    _added.clear()
