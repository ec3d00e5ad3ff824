"""Operator that makes a mesh's details anew with a model of levels: its structure stays."""

import bpy
import numpy as np

from ...runtime import jobs, variations
from ...runtime.messages import JobFailed
from ..capture import edited
from ..models import catalog
from ..poll import allowed
from . import edit, regenerate, session, sources, stored_settings, submit
from .finish_settings import finish_of
from .generate import JobOperator, take_seed
from .job_queue import Origin

KEEPS = {"MAJOR": "structure+major", "STRUCTURE": "structure", "NOTHING": "nothing"}  # choice → the request's
SAME = 1e-3  # difference of coordinates in model space up to which a mesh is still the result's


def attach() -> None:
    """Add `window_manager.wala_details`: whether there is a model that makes details anew, for the panel."""
    bpy.types.WindowManager.wala_details = bpy.props.BoolProperty(get=lambda _: catalog.has_details())


def detach() -> None:
    """Remove it."""
    del bpy.types.WindowManager.wala_details


def latents_of(item, vertices: np.ndarray) -> tuple[edited.ModelSpace, bytes] | None:
    """Model space of the job that made an object, and the latents of its mesh that the job kept; None for another
    object, and where the mesh has changed since. vertices (V, 3): of the object, in its own coordinates."""
    folder = regenerate.source_of(item)
    if folder is None:
        return None
    own = variations.folder_of(folder, item.wala.variation)
    latents = jobs.read_levels(own)
    if latents is None:
        return None
    try:
        result = jobs.read_result(own).vertices
        space = edited.space_of_job(folder, item.wala.variation)
    except JobFailed:
        return None
    now = space.to_model(vertices)
    unchanged = now.shape == result.shape and np.abs(now - result).max() <= SAME
    return (space, latents) if unchanged else None


class WALA_OT_vary_details(JobOperator, bpy.types.Operator):
    """Make the details of the active mesh anew, and keep its structure as Keep says"""

    bl_idname = "wala.vary_details"
    bl_label = "Vary Details"

    @classmethod
    def poll(cls, context):
        settings = getattr(context.scene, "wala", None)
        if settings is None:
            return allowed(cls, "There is no scene")
        reason = session.why_not() or edit.why_not(context.active_object)
        reason = reason or catalog.why_not_details(catalog.details_model(settings.model))
        return allowed(cls, reason or session.worker_problem())

    def start(self, context, settings):
        item, model = context.active_object, catalog.details_model(settings.model)
        reason = catalog.why_not_details(model)
        if reason:
            raise JobFailed("bad-model", reason)
        vertices, faces = edited.mesh_of(context, item)
        inputs = {
            "mesh": "inputs/mesh.npz",
            "keep": KEEPS[settings.detail_keep],
            "strength": round(settings.detail_strength, 3),
        }
        files: dict = {}
        kept = latents_of(item, vertices)
        if kept is None:
            space = edited.ModelSpace.of_box(vertices, np.array(item.matrix_world))
        else:
            space, files["latents.npz"] = kept
            inputs["latents"] = "inputs/latents.npz"
        files["mesh.npz"] = edit.arrays(space, vertices, faces)
        take_seed(settings)
        request = jobs.Request(
            jobs.new_id(),
            model,
            "mesh",
            inputs,
            seed=settings.seed,
            one_piece=None if settings.one_piece else False,
            variations=settings.detail_variants,
            finish=finish_of(settings),
            placement=edited.placement_of(item, space),
        )
        origin = Origin(item.name, sources.references((item,)), stored_settings.to_plain(settings))
        return submit.submit(context, request, files, origin)


CLASSES = (WALA_OT_vary_details,)
