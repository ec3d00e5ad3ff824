"""Update of a result from the current state of its sources: a job whose mesh replaces the old one."""

import bpy

from ...runtime.messages import JobFailed
from ..poll import unchangeable
from . import sources, submit
from .edit import update_edit
from .fingerprint import images_of
from .job_queue import Ticket


def why_not(context, item) -> str:
    """Why a result cannot be updated, "" if it can. Cheap."""
    if item is None or not item.wala.fingerprint:
        return "Make a result active that was made from a blockout, a sketch, a picture or another mesh"
    if reason := unchangeable(item):
        return reason
    settings = item.wala.settings
    if len(sources.find(item, context.scene)) < len(item.wala.sources) or not (
        len(item.wala.sources) or images_of(settings)
    ):
        return "What it was made from is gone"
    return ""


def start(context, item, is_draft: bool = False) -> Ticket:
    """Capture the current sources, with the result's own settings and seed; for a draft, in draft quality. Raises
    JobFailed."""
    reason = why_not(context, item)
    if reason:
        raise JobFailed("bad-input", reason)
    found = sources.find(item, context.scene)
    if item.wala.settings.edit:
        return update_edit(context, item, found, is_draft)
    override = {"selected_objects": found, "active_object": found[0]} if found else {}
    with context.temp_override(**override):
        return submit.start(bpy.context, item.wala.settings, item, is_draft)
