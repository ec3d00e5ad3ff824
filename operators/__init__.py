"""Blender's operators: capture, jobs, delivery. Knows the order of registration; bpy comes in with register(), not before."""


def register() -> None:
    """Add the operators, the keys and the session's timer."""
    import bpy

    from . import generate, keys, library, maps, session, worker

    for cls in (*generate.CLASSES, *maps.CLASSES, *worker.CLASSES, *library.CLASSES):
        bpy.utils.register_class(cls)
    keys.register()
    session.register()


def unregister() -> None:
    """Take everything away again, the worker process included."""
    import bpy

    from . import generate, keys, library, maps, session, worker

    session.unregister()
    keys.unregister()
    for cls in reversed((*generate.CLASSES, *maps.CLASSES, *worker.CLASSES, *library.CLASSES)):
        bpy.utils.unregister_class(cls)
