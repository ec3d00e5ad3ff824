"""Blender's operators: capture, jobs, delivery. Knows the order of registration; bpy comes in with register(), not before."""


def register() -> None:
    """Add the operators, the keys, the session's timer and the handlers."""
    import bpy

    from . import assets, generate, keys, library, maps, rendering, session, worker

    for cls in (*generate.CLASSES, *maps.CLASSES, *worker.CLASSES, *library.CLASSES):
        bpy.utils.register_class(cls)
    generate.attach()
    keys.register()
    session.register()
    rendering.register()
    assets.register()


def unregister() -> None:
    """Take everything away again, the worker process included."""
    import bpy

    from . import assets, generate, keys, library, maps, rendering, session, worker

    assets.unregister()
    rendering.unregister()
    session.unregister()
    keys.unregister()
    generate.detach()
    for cls in reversed((*generate.CLASSES, *maps.CLASSES, *worker.CLASSES, *library.CLASSES)):
        bpy.utils.unregister_class(cls)
