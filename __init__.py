"""WaLa: from a sketch, a blockout or a word to a mesh. The Blender extension's entry; it knows only what there is to
register."""


def register() -> None:
    """Blender switches the extension on."""
    from . import operators, ui

    ui.register()
    operators.register()


def unregister() -> None:
    """Blender switches the extension off."""
    from . import operators, ui

    operators.unregister()
    ui.unregister()
