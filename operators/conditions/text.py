"""Text prompt, with the result at the 3D cursor."""

from bpy.props import FloatProperty, StringProperty

from ..capture.plain import AT_THE_CURSOR, Capture, Choice, bad_input
from ..capture.spec import CaptureSpec

MISSING = "Type what to make, for example “a chair”"


def choose(context, settings) -> Choice:
    """Whether a prompt is set."""
    return AT_THE_CURSOR if settings.prompt.strip() else Choice(missing=MISSING)


def capture(context, settings) -> Capture:
    """The prompt and the cursor's location. Raises JobFailed for an empty prompt."""
    prompt = " ".join(settings.prompt.split())
    if not prompt:
        raise bad_input("The prompt is empty", MISSING)
    location = list(context.scene.cursor.location)
    inputs = {"prompt": prompt, "originality": round(settings.originality, 3)}
    return Capture(prompt, inputs, {"kind": "point", "location": location})


def poll_soon(settings, context) -> None:
    """Update of the properties that the session's timer looks at."""
    from ..jobs import session  # which imports this package

    session.hurry()


def draw(layout, settings) -> None:
    """The prompt, and how new the shape is to be."""
    layout.prop(settings, "prompt", text="")
    layout.prop(settings, "originality", slider=True)


class Properties:
    """Of the settings."""

    prompt: StringProperty(
        name="Prompt",
        description="What to make, in a few English words",
        default="a chair",
        options={"ANIMATABLE", "TEXTEDIT_UPDATE"},
        update=poll_soon,
    )
    originality: FloatProperty(
        name="Originality",
        description="How far the shape departs from the training shape of that name that it starts from: at 0 it is that shape, at 1 all new",
        default=0.3,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )


SPEC = CaptureSpec(
    identifier="TEXT",
    number=2,
    order=3,
    condition="text",
    title="Text",
    description="From words",
    icon="FONT_DATA",
    choose=choose,
    capture=capture,
    draw=draw,
    properties=Properties,
)
