"""Condition "mesh": a mesh, reconstructed from a model's latents, of which some levels may be made anew."""

from pathlib import Path

from ...arguments import number
from ...errors import InputError
from ..options import Option, one_of, share
from ..spec import CliOption, ConditionSpec, Implementation, Readers

KEEPS = ("all", "structure+major", "structure", "nothing")  # levels of the latents that are kept, one less each
LEVEL_NAMES = ("z3", "z2", "z1")  # arrays of a file of latents, the coarsest level first


def _check_resolution(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= 1025:
        raise InputError(f"the resolution is {value!r}, expected a whole number of points a side", "257 or 129.")
    return value


def _check_keep(value: object) -> str:
    if value not in KEEPS:
        raise InputError(f"keep is {value!r}, expected {', '.join(KEEPS[:-1])} or {KEEPS[-1]}")
    return str(value)


def _read_latents(path: Path) -> dict:
    """The levels (M, C) float32 of a job's latents.npz, and their frame: center and scale (4,)."""
    import numpy as np

    from ...array_files import read_npz

    *levels, frame = read_npz(path, *LEVEL_NAMES, "frame")
    for array, dimensions in (*((level, 2) for level in levels), (frame, 1)):
        if array.ndim != dimensions or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise InputError(f"{path.name}: {array.dtype} {array.shape} is no level of latents", "Send the mesh alone.")
    if len(frame) != 4 or not frame[3] > 0:
        raise InputError(f"{path.name}: the frame is {frame}, expected a center and a scale", "Send the mesh alone.")
    return {"latents": {"levels": levels, "frame": frame}}


def _latents_readers() -> Readers:
    return {".npz": _read_latents}


RESOLUTION = Option(
    "resolution",
    "resolution",
    "129|257",
    "points a side of the grid that a reconstruction is read on: 129 takes a third of the time (default: the model's)",
    number(int, 2, 1025, "129 or 257"),
    _check_resolution,
)
KEEP = Option(
    "keep",
    "keep",
    "|".join(KEEPS),
    "levels of a mesh's latents that stay; the finer ones are made anew, by a model that has a cascade (default: all)",
    one_of(KEEPS),
    _check_keep,
)
STRENGTH = Option(
    "strength",
    "strength",
    "SHARE",
    "how far the levels that are made anew depart from the mesh's own, from 0, not at all, to 1, all new (default: 1)",
    number(float, 0, 1, "a number from 0 to 1"),
    share("strength"),
)
SPEC = ConditionSpec(
    name="mesh",
    order=9,
    needs=("mesh",),
    cli=CliOption("mesh", "a mesh, to be made again from a model's latents", lambda path: {"mesh": path}),
    load=Implementation,
    options=(RESOLUTION, KEEP, STRENGTH),
    files={"latents": _latents_readers},
)
