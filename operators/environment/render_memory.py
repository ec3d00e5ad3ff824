"""Handler of render_init: frees the idle worker's GPU memory when a render starts."""

import threading

import bpy
from bpy.app.handlers import persistent

from .. import preferences
from ..jobs import session

PATIENCE = 3.0  # seconds that a render waits for the memory at most


def register() -> None:
    """Listen to renders."""
    bpy.app.handlers.render_init.append(make_room)


def unregister() -> None:
    """Listen no more."""
    bpy.app.handlers.render_init.remove(make_room)


@persistent
def make_room(*_) -> None:
    """A render begins: unload the worker, unless a shape is being made.

    From a window, Blender renders in a thread of its own, where nothing of ours may be touched: the session's timer, in
    the main thread, unloads, and the render waits for that.
    """
    if session.current is None or not session.is_resting() or not preferences.preferences().unload_before_render:
        return
    if threading.current_thread() is threading.main_thread():
        session.unload_resting()
    else:
        done = session.current.unload_soon = threading.Event()
        done.wait(PATIENCE)
