"""What the artist sees: properties, preferences, panels. Knows the order of registration; bpy comes in with register(),
not before."""


def register() -> None:
    """Add the property groups, the preferences and the panels."""
    import bpy

    from . import library, panels, preferences, properties

    for cls in (*properties.CLASSES, *preferences.CLASSES, *library.CLASSES, *panels.CLASSES):
        bpy.utils.register_class(cls)
    properties.attach()


def unregister() -> None:
    """Take them away again."""
    import bpy

    from . import library, panels, preferences, properties

    properties.detach()
    for cls in reversed((*properties.CLASSES, *preferences.CLASSES, *library.CLASSES, *panels.CLASSES)):
        bpy.utils.unregister_class(cls)
