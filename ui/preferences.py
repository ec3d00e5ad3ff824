"""The add-on's preferences. Knows the choices of an installation; the operators read them."""

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from .panels import draw_lines, draw_worker

DEVICES = (
    ("auto", "Automatic", "The fastest device there is"),
    ("cuda", "NVIDIA GPU", "A graphics card through CUDA"),
    ("cpu", "Processor", "Slower, and works everywhere"),
)


class WalaPreferences(bpy.types.AddonPreferences):
    """Where the worker is and what it may use."""

    bl_idname = __package__.rpartition(".")[0]

    worker_python: StringProperty(name="Worker Python", subtype="FILE_PATH",
                                  description="A Python that has PyTorch. Empty: the environment that Set Up Worker builds")
    device: EnumProperty(name="Device", description="Where the model runs", items=DEVICES, default="auto")
    log_folder: StringProperty(name="Log Folder", subtype="DIR_PATH",
                               description="Where the worker's log goes. Empty: Blender's user files")
    idle_minutes: IntProperty(name="Unload After Minutes", min=0, soft_max=120, default=15,
                              description="Stop the worker and free its memory after this many idle minutes. 0: never")

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        for name in ("worker_python", "device", "idle_minutes", "log_folder"):
            layout.prop(self, name)
        draw_worker(layout, context)
        draw_lines(layout, "Shapes made here are AI-generated and are marked so in their custom properties.", "INFO", 90)


CLASSES = (WalaPreferences,)
