"""Commands of `wala` that start from meshes: vary and blend."""

import argparse
from pathlib import Path

from ..arguments import number
from ..errors import InputError

MESH_FILES = ".glb, .gltf, .obj, .ply, .stl or .off"
VARY = {
    "help": "a mesh, or a part of it, made anew",
    "description": (
        "Varies a mesh: from a touch-up to a new shape, by its strength; all of it, or what lies in a box or a sphere. The options of "
        "`wala generate` say what it is to become; without any of them, whatever the model makes of it."
    ),
}
BLEND = {
    "help": "a mesh between two others",
    "description": "Blends two meshes by their latents, in the place of the first.",
}
_share = number(float, 0, 1, "a number from 0 to 1")
_coordinate = number(float, -1e9, 1e9, "a coordinate")


def add_vary(parser: argparse.ArgumentParser) -> None:
    """Options of `wala vary` alone."""
    parser.add_argument("shape", type=Path, metavar="MESH", help=MESH_FILES)
    parser.add_argument(
        "--strength",
        dest="edit_strength",  # a mesh made again has a strength too
        type=_share,
        metavar="S",
        help="from 0, the mesh as it is, to 1, a new shape (default: 0.5, of a region 1)",
    )
    region = parser.add_mutually_exclusive_group()
    region.add_argument(
        "--box",
        type=_coordinate,
        nargs=6,
        metavar=("X", "Y", "Z", "X", "Y", "Z"),
        help="make anew only what lies between these two corners, in the mesh's coordinates",
    )
    region.add_argument(
        "--sphere",
        type=_coordinate,
        nargs=4,
        metavar=("X", "Y", "Z", "RADIUS"),
        help="make anew only what lies in this sphere",
    )
    _add_details(parser)
    parser.set_defaults(run="editing:vary")


def add_blend(parser: argparse.ArgumentParser) -> None:
    """Options of `wala blend` alone."""
    parser.add_argument("shape", type=Path, metavar="MESH", help=MESH_FILES)
    parser.add_argument("other", type=Path, metavar="OTHER", help="the mesh to blend it with")
    parser.add_argument(
        "--mix", type=_share, default=0.5, metavar="M", help="share of the other (default: %(default)s)"
    )
    parser.add_argument(
        "--strength",
        dest="edit_strength",
        type=_share,
        default=0.0,
        metavar="S",
        help="how far the model then makes a shape of its own of the blend (default: %(default)s)",
    )
    _add_details(parser)
    parser.set_defaults(run="editing:blend")


def _add_details(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-details",
        action="store_true",
        help="the model's surface everywhere, also where it agrees with the mesh's own",
    )


def region_of(options: argparse.Namespace) -> dict:
    """The region's part of an edit as plain data. Raises InputError."""
    if options.box:
        low, high = options.box[:3], options.box[3:]
        sides, middle = [(b - a) / 2 for a, b in zip(low, high)], [(a + b) / 2 for a, b in zip(low, high)]
        shape = "box"
    elif options.sphere:
        middle, sides, shape = options.sphere[:3], [options.sphere[3]] * 3, "sphere"
    else:
        return {}
    if min(sides) <= 0:
        raise InputError(f"the {shape} has no size", "Give the lower corner first, and a radius above 0.")
    rows = [[side if row == column else 0.0 for column in range(3)] for row, side in enumerate(sides)]
    flat = [value for row, shift in zip(rows, middle) for value in (*row, shift)]
    return {"region": shape, "region_matrix": [*flat, 0.0, 0.0, 0.0, 1.0]}


def vary(options: argparse.Namespace) -> int:
    """`wala vary`."""
    region = region_of(options)
    default = 1.0 if region else 0.5
    strength = default if options.edit_strength is None else options.edit_strength
    return _edited(options, {"mesh": options.shape}, {"strength": strength, **region})


def blend(options: argparse.Namespace) -> int:
    """`wala blend`."""
    files = {"mesh": options.shape, "other": options.other}
    return _edited(options, files, {"strength": options.edit_strength, "mix": options.mix})


def _edited(options: argparse.Namespace, files: dict[str, object], values: dict) -> int:
    from ..shape_editing import read_edit
    from .generate import generate, in_one_folder

    named, folder = in_one_folder(files)
    edit = read_edit({**named, **values, "details": int(not options.no_details)}, folder)
    return generate(options, edit, [Path(str(path)) for path in files.values()])
