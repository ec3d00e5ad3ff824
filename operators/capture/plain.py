"""Results of choosing and capturing an input, as plain data, with shared checks."""

from dataclasses import dataclass, field

import numpy as np

from ...runtime.messages import JobFailed


@dataclass(frozen=True)
class Choice:
    """Input of a shape as currently selected: ``items``, objects of Blender for use at once; ``summary``, a sentence
    about them; ``missing``: what the artist has to provide first, "" if nothing."""

    items: tuple = ()
    summary: str = ""
    missing: str = ""


AT_THE_CURSOR = Choice(summary="The shape stands on the 3D cursor")


@dataclass(frozen=True)
class Capture:
    """A job's input. ``inputs``, ``files`` and ``placement`` go into the job folder; ``title`` names the result's
    object; ``source``: names and session uids of the input objects; ``view``: the camera pose of the capture, as
    View.to_plain(), None where it does not matter."""

    title: str
    inputs: dict
    placement: dict
    files: dict = field(default_factory=dict)
    source: tuple = ()
    view: dict | None = None


def bad_input(message: str, hint: str) -> JobFailed:
    """JobFailed for an unusable input: what is wrong, and what to do about it."""
    return JobFailed("bad-input", message, hint)


def require_finite(points: np.ndarray, owner: str) -> None:
    """Raises JobFailed unless every coordinate is finite. points: (N, D); owner: their object, as the beginning of a
    sentence."""
    broken = int(np.count_nonzero(~np.isfinite(points).all(axis=1)))
    if broken:
        raise bad_input(
            f"{owner} has {broken} of {len(points)} points whose coordinates are not numbers",
            "Delete those points, or the modifier that makes them",
        )
