"""User interface: properties, preferences, panels. bpy is imported by register(), not before."""


def register() -> None:
    """Add the property groups, the preferences and the panels."""
    import bpy

    from . import history, library, panels, preferences, properties

    for cls in (*properties.CLASSES, *preferences.CLASSES, *library.CLASSES, *panels.CLASSES, *history.CLASSES):
        bpy.utils.register_class(cls)
    properties.attach()


def unregister() -> None:
    """Take them away again."""
    import bpy

    from . import history, library, panels, preferences, properties

    properties.detach()
    for cls in reversed(
        (*properties.CLASSES, *preferences.CLASSES, *library.CLASSES, *panels.CLASSES, *history.CLASSES)
    ):
        bpy.utils.unregister_class(cls)
