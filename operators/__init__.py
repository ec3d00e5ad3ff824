"""Operators of the extension: capture, jobs, delivery. bpy is imported by register(), not before."""


def _classes() -> tuple:
    from .environment import report, worker_operators
    from .jobs import (
        edit,
        finish,
        generate,
        history_operators,
        presets,
        queue_operators,
        unknown_words,
        variation_operators,
        vary_details,
    )
    from .models import depth_map_list, model_operators

    owners = (
        generate,
        finish,
        edit,
        vary_details,
        presets,
        history_operators,
        queue_operators,
        unknown_words,
        variation_operators,
        depth_map_list,
        worker_operators,
        report,
        model_operators,
    )
    return tuple(cls for owner in owners for cls in owner.CLASSES)


def register() -> None:
    """Register the operators, the keys, the session's timer and the handlers."""
    import bpy

    from . import keymap
    from .environment import render_memory
    from .jobs import assets, generate, session, vary_details

    for cls in _classes():
        bpy.utils.register_class(cls)
    generate.attach()
    vary_details.attach()
    keymap.register()
    session.register()
    render_memory.register()
    assets.register()


def unregister() -> None:
    """Undo register(), the worker process included."""
    import bpy

    from . import keymap
    from .environment import render_memory
    from .jobs import assets, generate, session, vary_details

    assets.unregister()
    render_memory.unregister()
    session.unregister()
    keymap.unregister()
    vary_details.detach()
    generate.detach()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
