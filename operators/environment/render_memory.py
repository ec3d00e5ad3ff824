"""Handler of render_init: frees the idle worker's GPU memory when a render starts."""

import threading

import bpy
from bpy.app.handlers import persistent

from .. import preferences
from ..jobs import session

PATIENCE = 3.0  # seconds that a render waits for the memory at most


def register() -> None:
    """Add the handler."""
    bpy.app.handlers.render_init.append(make_room)


def unregister() -> None:
    """Remove the handler."""
    bpy.app.handlers.render_init.remove(make_room)


@persistent
def make_room(*_) -> None:
    """Unload the idle worker when a render starts; a worker with a job is left alone.

    From a window, Blender renders in a thread of its own, from which the session must not be used: the session's timer,
    in the main thread, unloads the worker, and the render waits for it.
    """
    if session.current is None or not session.is_resting() or not preferences.preferences().unload_before_render:
        return
    if threading.current_thread() is threading.main_thread():
        session.unload_resting()
    else:
        done = session.current.unload_soon = threading.Event()
        done.wait(PATIENCE)
