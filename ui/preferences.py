"""Preferences of the add-on; the operators read them."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from .library import draw_library
from .panels import draw_lines, draw_worker

DEVICES = (
    ("auto", "Automatic", "The fastest device there is"),
    ("cuda", "NVIDIA GPU", "A graphics card through CUDA"),
    ("cpu", "Processor", "Slower, and works everywhere"),
)

LOW_MEMORY = (
    ("auto", "Automatic", "When the device's memory does not suffice otherwise"),
    ("on", "On", "Always: slower, with less memory"),
    ("off", "Off", "Never: a model that is too large says so"),
)


class WalaPreferences(bpy.types.AddonPreferences):
    """Where the worker is and what it may use."""

    bl_idname = __package__.rpartition(".")[0]

    worker_python: StringProperty(
        name="Worker Python",
        subtype="FILE_PATH",
        description="A Python that has PyTorch. Empty: the environment that Set Up Worker builds",
    )
    device: EnumProperty(name="Device", description="Where the model runs", items=DEVICES, default="auto")
    low_memory: EnumProperty(
        name="Low Memory",
        description="Whether a model's parts take turns on the device",
        items=LOW_MEMORY,
        default="auto",
    )
    models_folder: StringProperty(
        name="Models Folder",
        subtype="DIR_PATH",
        description="Where fetched models lie. Empty: $WALA_MODELS, or your folder for applications' data. "
        "Press Refresh after a change",
    )
    log_folder: StringProperty(
        name="Log Folder", subtype="DIR_PATH", description="Where the worker's log goes. Empty: Blender's user files"
    )
    idle_minutes: IntProperty(
        name="Unload After Minutes",
        min=0,
        soft_max=120,
        default=15,
        description="Stop the worker and free its memory after this many idle minutes. 0: never",
    )
    unload_before_render: BoolProperty(
        name="Unload Before a Render",
        default=True,
        description="Leave the memory to a render that begins while no shape is being made",
    )

    start_with_panel: BoolProperty(
        name="Start Worker with the Panel",
        default=True,
        description="Start the worker and load the model as soon as the panel is seen, so that the first shape comes "
        "sooner. Off: when Generate is pressed",
    )

    history_size: IntProperty(
        name="History Size",
        min=0,
        soft_min=100,
        soft_max=20_000,
        default=2000,
        description="Megabytes of finished jobs that are kept, with what they were made from: 5 to 10 each. The oldest go first",
    )

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        for name in (
            "worker_python",
            "device",
            "low_memory",
            "start_with_panel",
            "idle_minutes",
            "unload_before_render",
            "models_folder",
            "log_folder",
            "history_size",
        ):
            layout.prop(self, name)
        draw_worker(layout, context)
        draw_library(layout, context.window_manager.wala)
        draw_lines(
            layout, "Shapes made here are AI-generated and are marked so in their custom properties.", "INFO", 90
        )


CLASSES = (WalaPreferences,)
