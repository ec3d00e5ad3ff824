"""Text prompt, with the result at the 3D cursor."""

from bpy.props import StringProperty

from ..capture.plain import AT_THE_CURSOR, Capture, Choice, bad_input
from ..capture.spec import CaptureSpec, draw_field

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
    return Capture(prompt, {"prompt": prompt}, {"kind": "point", "location": location})


class Properties:
    """Of the settings."""

    prompt: StringProperty(name="Prompt", description="What to make, in a few English words", default="a chair")


SPEC = CaptureSpec(
    identifier="TEXT",
    number=2,
    order=2,
    condition="text",
    title="Text",
    description="From words",
    icon="FONT_DATA",
    choose=choose,
    capture=capture,
    draw=draw_field("prompt"),
    properties=Properties,
)
