"""Property groups shared by interface and operators: the artist's settings and the state of the session. Data only.

`scene.wala` and `object.wala` are saved with the file. `window_manager.wala` is the session's and never saved.
"""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..operators.conditions import CAPTURES, poll_soon


def _skip_one_step(self, context) -> None:
    """Skip the invalid value 1: from 0 the arrows go to 2 and back."""
    if self.steps == 1:
        self.steps = 0 if self.steps_before > 1 else 2
    self.steps_before = self.steps


def _follow_model(self, context) -> None:
    """Select the model's first condition if it does not take the current one."""
    model = context.window_manager.wala.models.get(self.model)
    taken = model.conditions.split() if model else []
    if taken and CAPTURES[self.condition].condition not in taken:
        self.condition = next((row.identifier for row in CAPTURES.values() if row.condition in taken), self.condition)


INPUTS = tuple(row.properties for row in CAPTURES.values() if row.properties)  # with the properties of each input


class WalaSettings(*INPUTS, bpy.types.PropertyGroup):
    """What the next shape is made from; in a result, what that was made from. ``view``: there, the eye that its input
    was seen by, as JSON; ``edit``: there, "vary" or "blend" if it is an edited mesh."""

    model: StringProperty(
        name="Model", description="Which model makes the shape", default="starter", update=_follow_model
    )
    condition: EnumProperty(
        name="From",
        description="What the shape is made from",
        default="SKETCH",
        items=[(row.identifier, row.title, row.description, row.icon, row.number) for row in CAPTURES.values()],
    )
    subject: StringProperty(
        name="What It Is",
        description="What the sketch, the blockout or the picture is of, in a few English words, such as "
        "“a chair”. It may stay empty",
        options={"ANIMATABLE", "TEXTEDIT_UPDATE"},
        update=poll_soon,
    )
    seed: IntProperty(
        name="Seed", description="The same input and seed make the same shape; another seed makes a variation", min=0
    )
    randomise_seed: BoolProperty(name="Random Seed", description="Take a new seed each time", default=False)
    scale: FloatProperty(
        name="Guidance",
        description="How closely the shape follows the input. 0: the model's own setting",
        min=0.0,
        soft_max=10.0,
        max=100.0,
        precision=1,
    )
    steps: IntProperty(
        name="Steps",
        description="Denoising steps, 2 or more: more are slower and may be finer. 0: the model's own setting",
        min=0,
        soft_max=100,
        max=1000,
        update=_skip_one_step,
    )
    quality: EnumProperty(
        name="Quality",
        default="NORMAL",
        description="How long to try",
        items=[
            ("DRAFT", "Draft", "Half of the model's steps: a first look"),
            ("NORMAL", "Normal", "The model's own settings"),
            (
                "BEST",
                "Best",
                "Several seeds, of which the one is kept that agrees best with the input; about twice as long",
            ),
        ],
    )
    preview: BoolProperty(
        name="Preview",
        default=False,
        description="Show what the model gets: the lines of a sketch, the 16³ cells of a blockout, the depth map, the "
        "points",
        update=poll_soon,
    )
    live: BoolProperty(
        name="Live",
        default=False,
        description="After each edit of a result's blockout or sketch, make a quick draft in the result's place. "
        "Update makes it in full quality",
    )
    variations: IntProperty(
        name="Variations",
        description="How many shapes to make at once, of this seed and the next ones; the panel shows them side by side",
        default=1,
        min=1,
        max=16,
    )
    fit: BoolProperty(
        name="Fit to Input",
        default=True,
        description="Move the finished shape onto the blockout, points or depth maps that it is "
        "made from, with models that gain by it. Off: a freer shape, and faster",
    )
    one_piece: BoolProperty(
        name="One Piece",
        default=True,
        description="Leave out the loose bits that the starter makes beside a shape, but where "
        "the blockout is itself of several parts. Off: every piece that is more than dust stays",
    )
    colour: BoolProperty(
        name="Colour",
        default=True,
        description="Give the shape colours: those of the picture that it is made from, else by its form and the words. "
        "Name the main one in the prompt: a red mushroom. Only the starter does it by itself",
    )
    topology: EnumProperty(
        name="Faces",
        default="TRIANGLES",
        description="What the mesh is made of",
        items=[
            ("TRIANGLES", "Triangles", "Triangles within a budget: fewer where the surface is flat"),
            ("QUADS", "Quads", "Even quads, for sculpting and subdividing. Takes some seconds more"),
            ("LOW_POLY", "Low Poly", "A few hundred flat faces"),
            ("FULL", "Full", "The surface as the model made it: 100,000 to 700,000 small triangles"),
        ],
    )
    faces: IntProperty(
        name="Count",
        description="Triangles at most, or about so many quads",
        default=20_000,
        min=100,
        soft_max=200_000,
        max=5_000_000,
    )
    low_poly_faces: IntProperty(
        name="Count", description="Flat faces at most", default=1000, min=50, soft_min=500, max=2000
    )
    crisp: FloatProperty(
        name="Crisp",
        description="Make nearly flat areas flat, and the edges between them sharp. For box-like things: round ones become faceted",
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    smoothing: IntProperty(
        name="Smoothing", description="Iterations of smoothing, which keep the volume", min=0, soft_max=30, max=100
    )
    symmetry: EnumProperty(
        name="Symmetry",
        default="OFF",
        description="Mirror the larger half of the shape, exactly",
        items=[
            ("OFF", "Off", "As it is"),
            ("X", "X", "Left like right, as the shape is seen from the front"),
            ("Y", "Y", "Back like front"),
            ("Z", "Z", "Bottom like top"),
        ],
    )
    flat_base: BoolProperty(
        name="Flat Base", default=False, description="Cut the lowest 2 % level, so that the shape stands by itself"
    )
    hollow: BoolProperty(name="Hollow", default=False, description="A cavity inside, for printing")
    wall: FloatProperty(
        name="Wall",
        description="How thick the wall is, as a share of the shape's longest side",
        default=0.05,
        min=0.005,
        max=0.25,
        precision=3,
        subtype="FACTOR",
    )
    unwrap: BoolProperty(
        name="UV Map", default=False, description="Unwrap the mesh. Quads: use UV, Smart UV Project afterwards"
    )
    origin: EnumProperty(
        name="Origin",
        default="BASE",
        description="Where the object's origin is",
        items=[
            ("BASE", "Base", "In the middle of its lowest side"),
            ("MIDDLE", "Middle", "In the middle of the shape"),
        ],
    )
    also: EnumProperty(
        name="And",
        description="A second input, of another kind. The shape lies where the first one is",
        items=[
            ("NONE", "Nothing", "The first input alone"),
            *(
                (row.identifier, row.title, row.description, row.icon, row.number + 1)
                for row in CAPTURES.values()
                if row.condition in ("sketch", "image", "depth", "voxels", "points")
            ),
        ],
    )
    own_weight: FloatProperty(
        name="First", description="How much the first input counts", default=1.0, min=0.0, max=1.0, subtype="FACTOR"
    )
    also_weight: FloatProperty(
        name="Second", description="How much the second input counts", default=1.0, min=0.0, max=1.0, subtype="FACTOR"
    )
    words_weight: FloatProperty(
        name="What It Is", description="How much the words count", default=1.0, min=0.0, max=1.0, subtype="FACTOR"
    )
    strength: FloatProperty(
        name="Strength",
        description="How much of the mesh is made anew: from touching it up to reinventing it",
        default=0.6,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    region_strength: FloatProperty(
        name="Strength",
        description="How much of the region is made anew: 1 keeps nothing of it",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    edit_guide: EnumProperty(
        name="Guide",
        description="What the mesh is to become",
        items=[
            ("WORDS", "Words", "A few English words, or none: then whatever the model makes of it"),
            ("SOURCE", "Its Source", "The sketch, the blockout or the words that the result was made from"),
        ],
    )
    edit_words: StringProperty(
        name="Words",
        description="What the mesh is to become, such as “a chair”. It may stay empty",
        options={"ANIMATABLE", "TEXTEDIT_UPDATE"},
        update=poll_soon,
    )
    edit_region: EnumProperty(
        name="Region",
        description="Which part of the mesh is made anew",
        items=[
            ("ALL", "All", "The whole mesh"),
            ("EMPTY", "Empty", "What lies in a cube or sphere empty"),
            ("FACES", "Faces", "The neighbourhood of the faces that are selected in Edit Mode"),
        ],
    )
    region: PointerProperty(
        name="Region",
        description="A cube or sphere empty: what lies in it is made anew",
        type=bpy.types.Object,
        poll=lambda self, item: item.type == "EMPTY" and item.empty_display_type in ("CUBE", "SPHERE"),
    )
    region_radius: FloatProperty(
        name="Reach",
        description="How far around the selected faces, as a share of the shape's longest side",
        default=0.1,
        min=0.02,
        max=0.5,
        subtype="FACTOR",
    )
    mix: FloatProperty(
        name="Mix", description="Share of the other mesh in a blend", default=0.5, min=0.0, max=1.0, subtype="FACTOR"
    )
    detail_keep: EnumProperty(
        name="Keep",
        description="What of the mesh stays, while the rest is made anew",
        default="STRUCTURE",
        items=[
            ("MAJOR", "Structure and Major Details", "Fine details are made anew"),
            ("STRUCTURE", "Structure", "Major and fine details are made anew"),
            ("NOTHING", "Nothing", "All is made anew, as far as Strength says"),
        ],
    )
    detail_strength: FloatProperty(
        name="Strength",
        description="How far what is made anew departs from the mesh: 0 not at all, 1 keeps nothing of it",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    detail_variants: IntProperty(
        name="Variants",
        description="How many to make at once; the panel shows them side by side",
        default=4,
        min=1,
        max=8,
    )
    take_results: BoolProperty(
        name="Use Results",
        default=False,
        description="Make shapes from selected results themselves. Off: from what those results were made from",
    )
    steps_before: IntProperty(options={"HIDDEN"})
    view: StringProperty(options={"HIDDEN"})
    edit: StringProperty(options={"HIDDEN"})
    source_display: EnumProperty(
        name="Source",
        default="WIRE",
        description="How the blockout or sketch is displayed while a result of it is seen. It comes back when that is deleted",
        items=[
            ("KEEP", "Keep", "As it is"),
            ("WIRE", "Wire", "As wire; sketches stay as they are"),
            ("HIDE", "Hide", "Not at all"),
        ],
    )
    mark_as_asset: BoolProperty(
        name="Mark as Asset",
        default=False,
        description="Put each shape into this file's asset browser, with where it comes from",
    )


class WalaSource(bpy.types.PropertyGroup):
    """An object that a result was made from."""

    object: PointerProperty(type=bpy.types.Object)


class WalaObject(bpy.types.PropertyGroup):
    """What an object has to do with results. Of a result: what it was made from, with
    which settings, the input's fingerprint, where it was delivered (location and
    rotation about Z), how many variations its job has, and which of them is seen. Of a source: how it is displayed
    while a result is seen, and how it was before."""

    sources: CollectionProperty(type=WalaSource)
    settings: PointerProperty(type=WalaSettings)
    fingerprint: StringProperty()
    anchor: FloatVectorProperty(size=4)
    variations: IntProperty()
    variation: IntProperty()
    covered: EnumProperty(items=[("KEEP", "", ""), ("WIRE", "", ""), ("HIDE", "", "")], default="KEEP")
    display_before: StringProperty(default="TEXTURED")


class WalaJob(bpy.types.PropertyGroup):
    """A job of the queue; its name is its id."""

    title: StringProperty()
    state: StringProperty()
    problem: StringProperty()


class WalaHistoryEntry(bpy.types.PropertyGroup):
    """A finished job; its name is the title. ``is_waiting``: it was finished when nobody took it; ``icon``: of its
    thumbnail, 0 for none."""

    job: StringProperty()
    words: StringProperty()
    condition: StringProperty()
    when: StringProperty()
    icon: IntProperty()
    is_waiting: BoolProperty()
    has_settings: BoolProperty()


class WalaUnknownWord(bpy.types.PropertyGroup):
    """A word that the model does not know; its name is the word. ``field``: the setting that has it; ``nearest``: known
    ones, separated by spaces."""

    field: StringProperty()
    nearest: StringProperty()


class WalaThumbnail(bpy.types.PropertyGroup):
    """A variation's picture."""

    icon: IntProperty()


class WalaModel(bpy.types.PropertyGroup):
    """A model; ``conditions``: what it takes, separated by spaces; ``prompted``: those that words may come beside.
    ``offered``: a shape can be made with it now."""

    title: StringProperty()
    conditions: StringProperty()
    prompted: StringProperty()
    offered: BoolProperty()
    installed: BoolProperty()
    can_fetch: BoolProperty()
    can_remove: BoolProperty()
    size: StringProperty()
    memory: StringProperty()
    licence: StringProperty()
    problem: StringProperty()


class WalaSession(bpy.types.PropertyGroup):
    """What this session is doing. Written by the operators' timer, read by the panels."""

    busy: BoolProperty(options={"SKIP_SAVE"})
    progress: FloatProperty(min=0.0, max=1.0, options={"SKIP_SAVE"})
    message: StringProperty(options={"SKIP_SAVE"})
    problem: StringProperty(options={"SKIP_SAVE"})
    hint: StringProperty(options={"SKIP_SAVE"})
    detail: StringProperty(options={"SKIP_SAVE"})
    ready: StringProperty(options={"SKIP_SAVE"})
    outdated: StringProperty(options={"SKIP_SAVE"})
    worker_state: StringProperty(default="STOPPED", options={"SKIP_SAVE"})
    worker_problem: StringProperty(options={"SKIP_SAVE"})
    queue: CollectionProperty(type=WalaJob, options={"SKIP_SAVE"})
    thumbnails: CollectionProperty(type=WalaThumbnail, options={"SKIP_SAVE"})
    unknown_words: CollectionProperty(type=WalaUnknownWord, options={"SKIP_SAVE"})
    history: CollectionProperty(type=WalaHistoryEntry, options={"SKIP_SAVE"})
    history_index: IntProperty(name="Result", options={"SKIP_SAVE"})
    waiting: IntProperty(options={"SKIP_SAVE"})
    preview_icon: IntProperty(options={"SKIP_SAVE"})
    preview_note: StringProperty(options={"SKIP_SAVE"})
    models: CollectionProperty(type=WalaModel, options={"SKIP_SAVE"})
    model_index: IntProperty(name="Model", options={"SKIP_SAVE"})
    models_busy: BoolProperty(options={"SKIP_SAVE"})
    models_progress: FloatProperty(min=0.0, max=1.0, options={"SKIP_SAVE"})
    models_message: StringProperty(options={"SKIP_SAVE"})
    models_problem: StringProperty(options={"SKIP_SAVE"})


CLASSES = (
    *(cls for row in CAPTURES.values() for cls in row.classes),
    WalaSettings,
    WalaSource,
    WalaObject,
    WalaJob,
    WalaHistoryEntry,
    WalaUnknownWord,
    WalaThumbnail,
    WalaModel,
    WalaSession,
)


def attach() -> None:
    """Add the groups to the scene and the window manager, and clear the state of an older session."""
    bpy.types.Scene.wala = PointerProperty(type=WalaSettings)
    bpy.types.Object.wala = PointerProperty(type=WalaObject)
    bpy.types.WindowManager.wala = PointerProperty(type=WalaSession)


def detach() -> None:
    """Remove the groups."""
    del bpy.types.WindowManager.wala
    del bpy.types.Object.wala
    del bpy.types.Scene.wala
