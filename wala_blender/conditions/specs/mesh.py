"""Condition "mesh": a mesh, reconstructed from a model's latents."""

from ...arguments import number
from ...errors import InputError
from ..options import Option
from ..spec import CliOption, ConditionSpec, Implementation


def _check_resolution(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= 1025:
        raise InputError(f"the resolution is {value!r}, expected a whole number of points a side", "257 or 129.")
    return value


RESOLUTION = Option(
    "resolution",
    "resolution",
    "129|257",
    "points a side of the grid that a reconstruction is read on: 129 takes a third of the time (default: 257)",
    number(int, 2, 1025, "129 or 257"),
    _check_resolution,
)
SPEC = ConditionSpec(
    name="mesh",
    order=9,
    needs=("mesh",),
    cli=CliOption("mesh", "a mesh, to be made again from a model's latents", lambda path: {"mesh": path}),
    load=Implementation,
    options=(RESOLUTION,),
)
