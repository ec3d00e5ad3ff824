"""A prompt, standing at the 3D cursor. Knows the settings and the cursor; nothing about words."""

from .plain import AT_THE_CURSOR, Capture, Choice, bad_input

MISSING = "Type what to make, for example “a chair”"


def choose(context, settings) -> Choice:
    """Whether there is anything to make a shape from."""
    return AT_THE_CURSOR if settings.prompt.strip() else Choice(missing=MISSING)


def capture(context, settings) -> Capture:
    """The prompt and the cursor's place. Raises JobFailed for an empty prompt."""
    prompt = " ".join(settings.prompt.split())
    if not prompt:
        raise bad_input("The prompt is empty", MISSING)
    location = list(context.scene.cursor.location)
    return Capture(prompt, {"prompt": prompt}, {"kind": "point", "location": location})
