"""Results of choosing and capturing an input, as plain data, with shared checks."""

from dataclasses import dataclass, field

import numpy as np

from ...runtime.messages import JobFailed


@dataclass(frozen=True)
class Choice:
    """What a shape would be made from now: ``items``, objects of Blender for use at once; ``words``, a sentence that
    says so. ``missing``: what the artist has to give first, "" when nothing is missing."""

    items: tuple = ()
    words: str = ""
    missing: str = ""


AT_THE_CURSOR = Choice(words="The shape stands on the 3D cursor")


@dataclass(frozen=True)
class Capture:
    """A job's input. ``inputs``, ``files`` and ``placement`` go into the job folder; ``title`` names the object to
    come; ``source``: names and session uids of the objects it is from; ``view``: the eye that these were seen by, as
    View.to_plain() gives it, None where no eye counts."""

    title: str
    inputs: dict
    placement: dict
    files: dict = field(default_factory=dict)
    source: tuple = ()
    view: dict | None = None


def bad_input(message: str, hint: str) -> JobFailed:
    """An input that cannot be used: what is wrong, and what to do about it."""
    return JobFailed("bad-input", message, hint)


def require_finite(points: np.ndarray, owner: str) -> None:
    """Raises JobFailed unless every coordinate is a number. points: (N, D); owner: whose they are, to begin a sentence
    with."""
    broken = int(np.count_nonzero(~np.isfinite(points).all(axis=1)))
    if broken:
        raise bad_input(
            f"{owner} has {broken} of {len(points)} points whose coordinates are not numbers",
            "Delete those points, or the modifier that makes them",
        )
