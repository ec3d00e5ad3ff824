"""Update of a result from what it was made from, as that is now: a job whose mesh takes the old one's place."""

import bpy

from ...runtime.messages import JobFailed
from ..poll import allowed
from . import session, sources, submit
from .fingerprint import images_of
from .generate import JobOperator


def why_not(context, item) -> str:
    """Why a result cannot be updated, "" when it can. Cheap."""
    if item is None or not item.wala.fingerprint:
        return "Make a result active that was made from a blockout, a sketch or a picture"
    if item.library is not None or item.data.library is not None:
        return "The result is in a linked file"
    if item.mode != "OBJECT":
        return "Leave Edit Mode first"
    settings = item.wala.settings
    if len(sources.find(item, context.scene)) < len(item.wala.sources) or not (
        len(item.wala.sources) or images_of(settings)
    ):
        return "What it was made from is gone"
    return ""


def start(context, item):
    """Capture the sources as they are now, with the result's own settings and seed. Returns the ticket. Raises
    JobFailed."""
    reason = why_not(context, item)
    if reason:
        raise JobFailed("bad-input", reason)
    found = sources.find(item, context.scene)
    override = {"selected_objects": found, "active_object": found[0]} if found else {}
    with context.temp_override(**override):
        return submit.start(bpy.context, item.wala.settings, item)


class WALA_OT_update(JobOperator, bpy.types.Operator):
    """Make the active result anew from its blockout, sketch or picture as it is now, in place: name, transform,
    materials, modifiers, parent and collections stay"""

    bl_idname = "wala.update"
    bl_label = "Update"

    @classmethod
    def poll(cls, context):
        return allowed(cls, session.why_not() or why_not(context, context.active_object) or session.worker_problem())

    def start(self, context, settings):
        return start(context, context.active_object)


CLASSES = (WALA_OT_update,)
