"""The table of conditions: their names, the raw inputs they need, and how the command line is given them. Knows no
arrays and no networks.

A new condition is a row here, its encoder and prepare in the table of the model that takes it, and on Blender's side a
row with its capture and one of the panel. Nothing here imports more than the standard library, so that `wala --help`
answers at once.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..arguments import number
from ..errors import InputError


@dataclass(frozen=True)
class Option:
    """A further option of `wala generate` that some conditions take: --``name``, which becomes the raw input
    ``becomes``."""

    name: str
    becomes: str
    metavar: str
    help: str
    convert: Callable[[str], object]
    count: str | None = None


@dataclass(frozen=True)
class Row:
    """A condition. ``needs``: one of these raw inputs (conditions/inputs.py has them all), () for none at all.

    --``option`` takes ``count`` values as argparse counts them (0: it is a switch), each through ``convert``; ``read``
    turns them into raw inputs, files as paths. ``also``: names of the further options it takes.
    """

    name: str
    needs: tuple[str, ...]
    option: str
    help: str
    read: Callable[..., dict]
    metavar: str = "FILE"
    convert: type = Path
    count: int | str | None = None
    also: tuple[str, ...] = ()


def _is_mesh(path: Path) -> bool:
    from ..geometry.meshes import READABLE

    return path.suffix.lower() in READABLE


def _mesh_or(name: str) -> Callable[[Path], dict]:
    return lambda path: {"mesh" if _is_mesh(path) else name: path}


def _mesh_or_images(paths: list[Path]) -> dict:
    return {"mesh": paths[0]} if len(paths) == 1 and _is_mesh(paths[0]) else {"images": paths}


BACKGROUNDS = ("keep", "remove")
NEAR = ("auto", "light", "dark")


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(names)}")
        return text

    return convert


camera = number(int, 0, 54, "a camera's number from 0 to 54")

OPTIONS = (
    Option(
        "azimuth",
        "azimuth",
        "DEGREES",
        "from which side a mesh is seen: 0 is the front (+Z), 90 its right (+X)",
        number(float, -360, 360, "an angle from -360 to 360 degrees"),
    ),
    Option(
        "elevation",
        "elevation",
        "DEGREES",
        "how far above the horizon the sketch, picture or look at a mesh is from (default: the model's; 0)",
        number(float, -90, 90, "an angle from -90 to 90 degrees"),
    ),
    Option(
        "cameras",
        "views",
        "N",
        "which of the published cameras, 0 to 54, the pictures are from or look at the mesh (default: the model's)",
        camera,
        "+",
    ),
    Option(
        "background",
        "background",
        "|".join(BACKGROUNDS),
        "remove: a picture's background of one colour becomes black (default: keep; the starter always removes it)",
        _one_of(BACKGROUNDS),
    ),
    Option(
        "near",
        "near",
        "|".join(NEAR),
        "how near a depth map's surface looks (default auto: what the map looks like)",
        _one_of(NEAR),
    ),
    Option(
        "prompt", "prompt", "WORDS", 'what it is, beside any other input: "a chair" (the starter alone reads both)', str
    ),
)

TABLE: dict[str, Row] = {
    row.name: row
    for row in (
        Row("text", ("prompt",), "text", 'what to make: "a chair"', lambda prompt: {"prompt": prompt}, "PROMPT", str),
        Row(
            "sketch",
            ("polylines", "image"),
            "sketch",
            "a picture of dark lines on a light background",
            lambda path: {"image": path},
            "IMAGE",
            also=("elevation", "prompt"),
        ),
        Row(
            "image",
            ("image",),
            "image",
            "a picture of the thing on black, or cut out",
            lambda path: {"image": path},
            "IMAGE",
            also=("elevation", "cameras", "background", "prompt"),
        ),
        Row(
            "depth",
            ("image", "mesh"),
            "depth",
            "a depth map (PNG, TIFF, EXR, .npy), near light or a distance; or a mesh",
            _mesh_or("image"),
            also=("azimuth", "elevation", "cameras", "near", "prompt"),
        ),
        Row(
            "depths",
            ("images", "mesh"),
            "depths",
            "four or six depth maps from the published cameras; or a mesh for them to look at",
            _mesh_or_images,
            count="+",
            also=("cameras", "near", "prompt"),
        ),
        Row(
            "views",
            ("images",),
            "views",
            "four pictures of the thing on black, or cut out, from the published cameras",
            lambda paths: {"images": paths},
            "IMAGE",
            count="+",
            also=("cameras", "background"),
        ),
        Row(
            "voxels",
            ("occupancy", "mesh"),
            "voxels",
            '0 and 1, best 16³: .npy, .vox, .binvox, or .json with "resolution" and "occupancy"; or a mesh of a blockout',
            _mesh_or("occupancy"),
            also=("prompt",),
        ),
        Row(
            "points",
            ("points",),
            "points",
            "points of the surface: .npy, .ply, .xyz, .pts, .csv, .txt, .asc, .pcd, or a mesh",
            lambda path: {"points": path},
            also=("prompt",),
        ),
        Row("none", (), "unconditional", "whatever the model makes of nothing", lambda given: {}, count=0),
    )
}


def check_inputs(condition: str, inputs: Mapping) -> None:
    """Raises InputError when a condition of the table lacks its raw input; a condition of a model's own passes."""
    needs = _needs(condition)
    if needs and not any(name in inputs for name in needs):
        raise InputError(f"{condition} needs {' or '.join(needs)}, and there is {', '.join(inputs) or 'no input'}")


def has_prompt_beside(condition: str, inputs: Mapping) -> bool:
    """Whether words came with an input that is none."""
    return "prompt" in inputs and "prompt" not in _needs(condition)


def _needs(condition: str) -> tuple[str, ...]:
    return TABLE[condition].needs if condition in TABLE else ()
