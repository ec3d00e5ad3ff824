"""Operator that finishes an existing result again with other settings."""

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty

from ...runtime import jobs, pace
from ...runtime.messages import JobFailed
from ..poll import allowed
from . import panel_state, regenerate, session, sources
from .destination import Destination
from .finish_settings import ADJUST, faces_of, finish_of
from .generate import JobOperator
from .job_queue import Origin, Ticket


def start_again(context, item, finish: dict) -> Ticket:
    """Queue the job that made an object to finish its kept surface again. Raises JobFailed."""
    folder = regenerate.source_of(item)
    if folder is None:
        raise JobFailed("job-missing", f"The surface of “{item.name}” is not kept any more", "Generate it anew")
    queue = session.current.queue
    if not queue.unfinished:
        session.start_worker()
    request = jobs.finish_again(folder, finish)
    origin = Origin(item.name, replaces=sources.references([item])[0])
    ticket = Ticket(request.id, folder, origin, Destination.of(context), pace.Pace({}), finishes_again=True)
    queue.submit(ticket)
    if queue.running == ticket:
        panel_state.start("Finishing")
    session.hurry()
    return ticket


class WALA_OT_finish(JobOperator, bpy.types.Operator):
    """Change the faces, the crispness and the smoothing of the active result, without generating it anew"""

    bl_idname = "wala.finish"
    bl_label = ADJUST

    topology: EnumProperty(
        name="Faces",
        items=[
            ("TRIANGLES", "Triangles", "Triangles within a budget"),
            ("QUADS", "Quads", "Even quads"),
            ("LOW_POLY", "Low Poly", "A few hundred flat faces"),
            ("FULL", "Full", "The surface as the model made it"),
        ],
    )
    faces: IntProperty(name="Count", description="Triangles at most, or about so many quads", default=20_000, min=100)
    low_poly_faces: IntProperty(name="Count", description="Flat faces at most", default=1000, min=50, max=2000)
    crisp: FloatProperty(name="Crisp", description="Nearly flat areas become flat", min=0, max=1, subtype="FACTOR")
    smoothing: IntProperty(name="Smoothing", description="Iterations, which keep the volume", min=0, max=100)

    @classmethod
    def poll(cls, context):
        reason = session.why_not() or session.worker_problem()
        return allowed(cls, reason or regenerate.why_not(context.active_object, "whose mesh you want to change"))

    def ask(self, context, event):
        settings = context.scene.wala
        for name in ("topology", "faces", "low_poly_faces", "crisp", "smoothing"):
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(settings, name))
        # In a window the mesh comes later, and this step of undo is the one that the redo panel repeats.
        return self.execute(context)

    def start(self, context, settings):
        item = context.active_object
        folder = regenerate.source_of(item)
        if folder is None:
            raise JobFailed("job-missing", "The active object is no result whose surface is kept", "Make one active")
        chosen = faces_of(self.topology, self.faces, self.low_poly_faces)
        chosen |= {"crisp": self.crisp, "smoothing": self.smoothing}
        return start_again(context, item, {**finish_of(settings), **chosen})

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "topology")
        if self.topology != "FULL":
            layout.prop(self, "low_poly_faces" if self.topology == "LOW_POLY" else "faces")
        layout.prop(self, "crisp")
        layout.prop(self, "smoothing")


CLASSES = (WALA_OT_finish,)
