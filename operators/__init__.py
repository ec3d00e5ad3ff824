"""Blender's operators: capture, jobs, delivery. Knows the order of registration; bpy comes in with register(), not
before."""


def register() -> None:
    """Add the operators, the keys, the session's timer and the handlers."""
    import bpy

    from . import keymap
    from .environment import render_memory, worker_operators
    from .jobs import assets, generate, session
    from .models import depth_map_list, model_operators

    for cls in (*generate.CLASSES, *depth_map_list.CLASSES, *worker_operators.CLASSES, *model_operators.CLASSES):
        bpy.utils.register_class(cls)
    generate.attach()
    keymap.register()
    session.register()
    render_memory.register()
    assets.register()


def unregister() -> None:
    """Take everything away again, the worker process included."""
    import bpy

    from . import keymap
    from .environment import render_memory, worker_operators
    from .jobs import assets, generate, session
    from .models import depth_map_list, model_operators

    assets.unregister()
    render_memory.unregister()
    session.unregister()
    keymap.unregister()
    generate.detach()
    for cls in reversed(
        (*generate.CLASSES, *depth_map_list.CLASSES, *worker_operators.CLASSES, *model_operators.CLASSES)
    ):
        bpy.utils.unregister_class(cls)
