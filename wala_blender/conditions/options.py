"""Options of `wala generate` that several conditions share, each with the raw input it becomes.

Only the standard library is imported here, so that `wala --help` answers at once.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

from ..arguments import number
from ..errors import InputError

BACKGROUNDS = ("keep", "remove")
NEAR_VALUES = ("auto", "light", "dark")
LONGEST_PROMPT = 10_000  # letters


@dataclass(frozen=True)
class Option:
    """A further option of `wala generate` that some conditions take.

    --``name`` takes ``count`` values as argparse counts them, each through ``convert``, and becomes the raw input
    ``becomes``. ``check(value)`` gives that raw input as the conditions take it, also where it comes from a job folder
    or from Python; it raises InputError.
    """

    name: str
    becomes: str
    metavar: str
    help: str
    convert: Callable[[str], object]
    check: Callable[[object], object]
    count: str | None = None


def one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    """A reader for argparse: one of the names."""

    def convert(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(names)}")
        return text

    return convert


def check_prompt(value: object) -> str:
    """A prompt of one letter at least. Raises InputError."""
    if not isinstance(value, str) or not value.strip():
        raise InputError("the prompt is empty", "Say what to make, for example: a chair")
    if len(value) > LONGEST_PROMPT:
        raise InputError(
            f"the prompt has {len(value)} letters, expected {LONGEST_PROMPT} at most", "Say it in fewer words"
        )
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InputError("the prompt has bytes that are no text (UTF-8)", "Type it again")
    return value


def _degrees(name: str, limit: float) -> Callable[[object], float]:
    def check(value: object) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
            or abs(value) > limit
        ):
            raise InputError(f"the {name} is {value!r}, expected degrees from -{limit} to {limit}")
        return float(value)

    return check


def share(name: str) -> Callable[[object], float]:
    """A check of a number from 0 to 1."""

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise InputError(f"{name} is {value!r}, expected a number from 0 to 1")
        return float(value)

    return check


def _check_views(value: object) -> list[int]:
    if (
        not isinstance(value, list)
        or not value
        or any(isinstance(view, bool) or not isinstance(view, int) for view in value)
    ):
        raise InputError(f"the views are {value!r}, expected a list of view indices", "For example [3, 6, 10, 26]")
    return value


def _check_background(value: object) -> str:
    if value not in BACKGROUNDS:
        raise InputError(f"the background is {value!r}, expected {' or '.join(BACKGROUNDS)}")
    return value


def _check_near(value: object) -> str:
    if value not in NEAR_VALUES:
        raise InputError(f"near is {value!r}, expected {' or '.join(NEAR_VALUES)}")
    return value


camera = number(int, 0, 54, "a camera's number from 0 to 54")

AZIMUTH = Option(
    "azimuth",
    "azimuth",
    "DEGREES",
    "from which side a mesh is seen: 0 is the front (+Z), 90 its right (+X)",
    number(float, -360, 360, "an angle from -360 to 360 degrees"),
    _degrees("azimuth", 360),
)
ELEVATION = Option(
    "elevation",
    "elevation",
    "DEGREES",
    "how far above the horizon the sketch, picture or look at a mesh is from (default: the model's; 0)",
    number(float, -90, 90, "an angle from -90 to 90 degrees"),
    _degrees("elevation", 90),
)
HOLD = Option(
    "hold",
    "hold",
    "SHARE",
    "how much of a blockout's surface is kept, from 0, its cells alone, to 1, its faces (default: the model's)",
    number(float, 0, 1, "a number from 0 to 1"),
    share("hold"),
)
ORIGINALITY = Option(
    "originality",
    "originality",
    "SHARE",
    "how far words depart from the training shape of that name that they start from, from 0, that shape, to 1, all new "
    "(default: the model's; a model without such shapes starts from noise)",
    number(float, 0, 1, "a number from 0 to 1"),
    share("originality"),
)
CAMERAS = Option(
    "cameras",
    "views",
    "N",
    "which of the published cameras, 0 to 54, the pictures are from or look at the mesh (default: the model's)",
    camera,
    _check_views,
    "+",
)
BACKGROUND = Option(
    "background",
    "background",
    "|".join(BACKGROUNDS),
    "remove: a picture's background of one colour becomes black (default: keep; the starter always removes it)",
    one_of(BACKGROUNDS),
    _check_background,
)
NEAR = Option(
    "near",
    "near",
    "|".join(NEAR_VALUES),
    "how near a depth map's surface looks (default auto: what the map looks like)",
    one_of(NEAR_VALUES),
    _check_near,
)
PROMPT = Option(
    "prompt",
    "prompt",
    "WORDS",
    'what it is, beside any other input: "a chair" (the starter alone reads both)',
    str,
    check_prompt,
)
SHARED = (AZIMUTH, ELEVATION, CAMERAS, BACKGROUND, NEAR, HOLD, ORIGINALITY, PROMPT)
