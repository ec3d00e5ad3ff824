"""Entry point of the Blender extension: registration."""


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
