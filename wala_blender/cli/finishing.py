"""The options that finish a surface, for `wala generate`, and the command `wala finish`."""

import argparse
import json
from pathlib import Path

from ..arguments import number
from ..errors import InputError
from ..finishing.settings import DEFAULT_FACES, HOLLOW_RANGE, MAX_SMOOTHING, SYMMETRIES, Finish

FULL = "full"
MESH, SURFACE = ("result/mesh.npz", "result/result.json"), ("result/surface.npz", "result/surface.json")
_count = number(int, 1, 5_000_000, f"a whole number above 0, or {FULL!r}")


def _faces(text: str) -> int | str:
    return FULL if text == FULL else int(_count(text))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that become a Finish."""
    group = parser.add_argument_group("mesh")
    group.add_argument(
        "--faces",
        type=_faces,
        metavar="N",
        help=(
            f"at most so many triangles, about so many quads; {FULL}: the surface as extracted (default: {DEFAULT_FACES['triangles']:,}; "
            f"with --quads {DEFAULT_FACES['quads']:,}, with --low-poly {DEFAULT_FACES['low-poly']:,})"
        ),
    )
    kind = group.add_mutually_exclusive_group()
    kind.add_argument("--quads", action="store_true", help="quads instead of triangles")
    kind.add_argument("--low-poly", action="store_true", help="few flat faces, 2,000 at most")
    group.add_argument(
        "--crisp",
        type=number(float, 0, 1, "a number from 0 to 1"),
        nargs="?",
        const=1.0,
        default=0.0,
        metavar="C",
        help=(
            "make nearly flat areas flat and the edges between them sharp, for box-like shapes: 0 to 1 (default: 0; without a number: 1)"
        ),
    )
    group.add_argument(
        "--smooth",
        type=number(int, 0, MAX_SMOOTHING, f"a whole number from 0 to {MAX_SMOOTHING}"),
        default=0,
        metavar="N",
        help="iterations of smoothing (default: %(default)s)",
    )
    group.add_argument(
        "--symmetry",
        default="off",
        choices=SYMMETRIES,
        help="mirror the larger half across this axis (default: %(default)s)",
    )
    group.add_argument("--flat-base", action="store_true", help="cut the lowest 2 %% level, so that the shape stands")
    group.add_argument(
        "--hollow",
        type=number(float, 0, 1, "a share from 0 to 1"),
        default=0.0,
        metavar="WALL",
        help=(
            f"a cavity inside, with a wall of this share of the longest side: {HOLLOW_RANGE[0]} to {HOLLOW_RANGE[1]} (default: 0, solid)"
        ),
    )
    group.add_argument("--uv", action="store_true", help="unwrap, in .glb and .obj")
    group.add_argument(
        "--smooth-angle",
        type=number(float, 0, 180, "an angle from 0 to 180 degrees"),
        metavar="DEGREES",
        help=(
            "edges that turn by more are shaded sharp, in .glb and .obj; 0: flat, 180: smooth (default: 30, with --low-poly 0)"
        ),
    )


def finish_of(options: argparse.Namespace) -> Finish:
    """Settings from the options. Raises InputError for contradictory ones."""
    topology = "quads" if options.quads else "low-poly" if options.low_poly else "triangles"
    if options.faces == FULL and topology != "triangles":
        raise InputError(f"--faces {FULL} and --{topology} contradict each other", "Leave one of them out.")
    topology, faces = (FULL, None) if options.faces == FULL else (topology, options.faces)
    return Finish(
        topology,
        faces,
        options.crisp,
        options.smooth,
        options.symmetry,
        options.flat_base,
        options.hollow,
        options.uv,
        options.smooth_angle,
    )


def add_finish(commands) -> None:
    """`wala finish`."""
    parser = commands.add_parser(
        "finish",
        help="a mesh, or a job's result, with fewer faces, symmetric, hollow …",
        description=(
            "Finishes a mesh as `wala generate` does, or a finished job's surface again in another way, without generating anew."
        ),
    )
    parser.add_argument(
        "mesh", type=Path, metavar="MESH|JOBFOLDER", help=".glb, .gltf, .obj, .ply, .stl or .off; or a job's folder"
    )
    parser.add_argument("--one-piece", action="store_true", help="leave out everything but the main piece")
    add_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".glb, .obj, .ply or .stl")
    parser.set_defaults(run="finishing:finish_command")


def finish_command(options: argparse.Namespace) -> int:
    """`wala finish`."""
    from ..finishing.colour_transfer import ColouredSurface
    from ..finishing.finish import check_available, finish, finished_record
    from ..geometry.distance import Frame
    from ..geometry.meshes import check_mesh_destination, provenance_of, write_mesh
    from .generate import NUMBERS, print_notes, progress_bar

    settings = finish_of(options)
    check_available(settings)
    check_mesh_destination(options.out, *([options.mesh] if options.mesh.is_file() else []), with_uvs=settings.uv)
    vertices, faces, colours, record = _surface(options.mesh)
    if options.one_piece:
        from ..geometry.surface import main_components

        whole = vertices, faces
        vertices, faces, _ = main_components(*whole, one_piece=True)
        if colours is not None:
            colours = ColouredSurface(*whole, colours).at(vertices[faces].mean(axis=1))
    with progress_bar() as progress:
        finished = finish(vertices, faces, settings, progress, colours)
    frame = Frame(record["frame"]["center"], record["frame"]["scale"]) if record.get("frame") else None
    placed = frame.from_model(finished.vertices) if frame else finished.vertices
    origin = provenance_of(record) if record.get("ai_generated") else {}
    write_mesh(
        options.out,
        placed,
        finished.faces,
        origin,
        finished.uvs,
        settings.shading,
        finished.colours,
        finished.texture,
    )
    kind = "quads" if finished.faces.shape[1] == 4 else "triangles"
    seconds = sum(finished.timings.values())
    print(
        f"{options.out}: {NUMBERS(len(placed))} vertices, {NUMBERS(len(finished.faces))} {kind} of {NUMBERS(len(faces))} ({seconds:.1f} s)"
    )
    print_notes([finished_record({}, settings, finished)["note"]])
    return 0


def _surface(path: Path):
    """Vertices, triangles and their colours (None without any), in model space, of a mesh file or of a job's kept
    surface, and the record of where they come from."""
    import numpy as np

    from ..array_files import read_npz
    from ..finishing.colour_transfer import ColouredSurface
    from ..geometry.distance import frame_of
    from ..geometry.meshes import read_coloured_mesh
    from ..geometry.topology import welded

    if not path.is_dir():
        apart, triangles, colours = read_coloured_mesh(path)
        vertices, faces = welded(apart, triangles)
        if colours is not None and len(faces) != len(triangles):  # those without area were left out
            colours = ColouredSurface(apart, triangles, colours).at(vertices[faces].mean(axis=1))
        frame = frame_of(vertices)
        return frame.to_model(vertices), faces, colours, {"frame": {"center": frame.center, "scale": frame.scale}}
    # The surface that a job of this version keeps; the mesh of an older one.
    mesh, record = next((names for names in (SURFACE, MESH) if (path / names[0]).is_file()), MESH)
    if not (path / record).is_file():
        raise InputError(f"{path} holds no finished job", "Give the folder of a job that is done, or a mesh file.")
    vertices, faces = read_npz(path / mesh, "vertices", "faces")
    origin = json.loads((path / record).read_text(encoding="utf-8"))
    colours = read_npz(path / mesh, "colours")[0] if origin.get("colour") else None
    if colours is not None and (colours.shape != (len(faces), 3) or colours.dtype != np.uint8):
        raise InputError(f"{path / mesh}: the colours are {colours.dtype} {colours.shape}, expected three bytes a face")
    return vertices, faces, colours, origin
