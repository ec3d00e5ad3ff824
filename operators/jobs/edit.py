"""Operators that edit meshes with the model: vary one or a region of it, blend two."""

from dataclasses import replace

import bpy
import numpy as np

from ...runtime import jobs
from ...runtime.messages import JobFailed
from ..capture import edited
from ..capture.plain import bad_input
from ..models import catalog
from ..poll import allowed
from . import regenerate, session, source_display, sources, stored_settings, submit
from .fingerprint import BLEND, VARY, of_edit
from .finish_settings import finish_of
from .generate import JobOperator, take_seed
from .job_queue import Origin, Ticket

GAP = 1.25  # between a blend and the meshes it was made from, in its own width


def why_not(item) -> str:
    """Why an object cannot be edited with the model, "" if it can. Cheap."""
    if item is None or item.type != "MESH" or not len(item.data.polygons):
        return "Make a mesh active"
    return "Leave Sculpt Mode first" if item.mode not in ("OBJECT", "EDIT") else ""


def why_not_guided(settings, item) -> str:
    """Why the model cannot be guided as chosen, "" if it can. Cheap."""
    if settings.edit_guide == "SOURCE":
        found = regenerate.source_of(item)
        return "" if found else "What the mesh was made from is not kept: choose Words"
    return catalog.why_not(settings.model, "text" if settings.edit_words.strip() else "none")


def region_missing(settings) -> str:
    """What has to be done for the chosen region, "" if nothing. Cheap."""
    if settings.edit_region == "EMPTY" and (settings.region is None or not edited.is_region(settings.region)):
        return "Choose a cube or sphere empty as the region"
    return ""


def second_of(context):
    """The selected mesh that the active one is blended with; None unless there is exactly one."""
    others = [item for item in context.selected_objects if item != context.active_object and item.type == "MESH"]
    return others[0] if len(others) == 1 else None


def guide(settings, item) -> tuple[dict, dict]:
    """What of a request guides an edit, and its files. Raises JobFailed."""
    if settings.edit_guide == "SOURCE":
        folder = regenerate.source_of(item)
        if folder is None:
            raise bad_input("What the mesh was made from is not kept", "Choose Words")
        old = replace(jobs.read_request(folder), edit={})
        names = ("condition", "inputs", "beside", "weights")
        return {name: getattr(old, name) for name in names}, jobs.read_inputs(folder, old)
    words = " ".join(settings.edit_words.split())
    return {"condition": "text", "inputs": {"prompt": words}} if words else {"condition": "none", "inputs": {}}, {}


def start_edit(
    context, settings, items: tuple, values: dict, files: dict, placement: dict, replaced=None, is_draft: bool = False
) -> Ticket:
    """Queue a job that edits the first of ``items``, the meshes that it is made from. values: of the request's edit;
    replaced, is_draft: as of submit.start. Raises JobFailed without queueing."""
    guided, more = guide(settings, items[0])
    submit.require_model(settings.model, guided["condition"])
    if replaced is None:
        take_seed(settings)
    request = jobs.Request(
        jobs.new_id(),
        settings.model,
        **guided,
        seed=submit.seed_of(settings, replaced),
        scale=(settings.scale or None) if guided["condition"] != "none" else None,
        steps=None if is_draft else settings.steps or None,
        one_piece=None if settings.one_piece else False,
        quality="draft" if is_draft else settings.quality.lower(),
        variations=settings.variations if replaced is None else 1,
        finish=finish_of(settings),
        colour=None if settings.colour else False,
        edit={"mesh": "inputs/edited.npz", "frame": edited.IN_MODEL_SPACE, **values},
        placement=placement,
    )
    kind = BLEND if "other" in values else VARY
    origin = Origin(
        items[0].name if replaced is None else replaced.name,
        sources.references(items),
        stored_settings.to_plain(settings) | {"edit": kind},
        of_edit(context, kind, settings, items),
        sources.references([replaced])[0] if replaced is not None else (),
        is_draft,
    )
    return submit.submit(context, request, {**more, **files}, origin)


def vary(context, settings, item, replaced=None, is_draft: bool = False) -> Ticket:
    """Queue a job that makes a mesh, or a region of it, anew. Raises JobFailed."""
    vertices, faces = edited.mesh_of(context, item)
    space = edited.model_space(item, vertices, regenerate.source_of(item))
    region, files = {}, {"edited.npz": arrays(space, vertices, faces)}
    if settings.edit_region == "EMPTY":
        if missing := region_missing(settings):
            raise bad_input("There is no region", missing)
        region = edited.region_of_empty(item, settings.region, space)
    elif settings.edit_region == "FACES":
        region, more = edited.region_of_faces(item, space, settings.region_radius * edited.MODEL_SIZE)
        files |= more
    values = {"strength": round(settings.region_strength if region else settings.strength, 3), **region}
    placement = edited.placement_of(item, space)
    return start_edit(context, settings, (item,), values, files, placement, replaced, is_draft)


def blend(context, settings, item, other, replaced=None, is_draft: bool = False) -> Ticket:
    """Queue a job that makes a shape between two meshes. Raises JobFailed."""
    vertices, faces = edited.mesh_of(context, item)
    space = edited.model_space(item, vertices, regenerate.source_of(item))
    more_vertices, more_faces = edited.mesh_of(context, other)
    own = edited.model_space(other, more_vertices, regenerate.source_of(other))
    files = {"edited.npz": arrays(space, vertices, faces), "other.npz": arrays(own, more_vertices, more_faces)}
    values = {"other": "inputs/other.npz", "mix": round(settings.mix, 3), "strength": 0.0}
    (low, high), (_, other_high) = edited.world_box(item), edited.world_box(other)
    aside = max(high[0], other_high[0]) - high[0] + GAP * (high[0] - low[0])
    placement = edited.placement_of(item, space, np.array([aside, 0.0, 0.0]))
    return start_edit(context, settings, (item, other), values, files, placement, replaced, is_draft)


def update_edit(context, result, items: list, is_draft: bool = False) -> Ticket:
    """Queue the edit that made a result once more, of its meshes as they are now. Raises JobFailed."""
    settings = result.wala.settings
    with source_display.sources_shown(context.scene):
        start = blend if settings.edit == BLEND else vary
        return start(context, settings, *items, replaced=result, is_draft=is_draft)


def arrays(space: edited.ModelSpace, vertices: np.ndarray, faces: np.ndarray) -> dict:
    """A mesh as a job's file."""
    return {"vertices": space.to_model(vertices), "faces": faces.astype(np.int32)}


class EditOperator(JobOperator):
    """Base of operators that edit the active mesh."""

    @classmethod
    def poll(cls, context):
        settings, item = getattr(context.scene, "wala", None), context.active_object
        if settings is None:
            return allowed(cls, "There is no scene")
        reason = session.why_not() or why_not(item) or cls.missing(context, settings, item)
        return allowed(cls, reason or why_not_guided(settings, item) or session.worker_problem())


class WALA_OT_vary(EditOperator, bpy.types.Operator):
    """Make the active mesh anew, as far as Strength says: all of it, or what lies in the region"""

    bl_idname = "wala.vary"
    bl_label = "Vary"

    @classmethod
    def missing(cls, context, settings, item) -> str:
        return region_missing(settings)

    def start(self, context, settings):
        return vary(context, settings, context.active_object)


class WALA_OT_blend(EditOperator, bpy.types.Operator):
    """Make a shape between the active mesh and the other selected one, beside them"""

    bl_idname = "wala.blend"
    bl_label = "Blend"

    @classmethod
    def missing(cls, context, settings, item) -> str:
        return "" if second_of(context) is not None else "Select two meshes"

    def start(self, context, settings):
        item, other = context.active_object, second_of(context)
        if other is None:
            raise JobFailed("bad-input", "There are not two meshes", "Select two meshes")
        return blend(context, settings, item, other)


class WALA_OT_add_region(bpy.types.Operator):
    """Add a cube empty around the upper half of the active mesh, and choose it as the region to make anew"""

    bl_idname = "wala.add_region"
    bl_label = "Add Region"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return allowed(cls, why_not(context.active_object))

    def execute(self, context):
        settings = context.scene.wala
        settings.region = edited.add_region(context, context.active_object)
        settings.edit_region = "EMPTY"
        return {"FINISHED"}


CLASSES = (WALA_OT_vary, WALA_OT_blend, WALA_OT_add_region)
