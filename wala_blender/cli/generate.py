"""Commands of `wala` for single shapes: generate, roundtrip, depth, run, parity."""

import argparse
import json
import os
import runpy
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..conditions.specs import OPTIONS, SPECS
from ..errors import InputError, WalaError, shown
from .finishing import finish_of

if TYPE_CHECKING:
    from ..shape_editing import Edit

NUMBERS = "{:,}".format


@contextmanager
def progress_bar() -> Iterator:
    """progress(stage, step, steps) for the pipeline, as a bar on standard error where that is a terminal."""
    from tqdm import tqdm

    with tqdm(total=1, disable=None, leave=False, bar_format="{desc} |{bar:30}| {n_fmt}/{total_fmt} {elapsed}") as bar:

        def progress(stage: str, step: int, steps: int) -> None:
            bar.total, bar.n = max(steps, 1), step
            bar.set_description_str(f"{stage:10}")

        yield progress


def _input_of(options: argparse.Namespace) -> tuple[str, dict[str, object], Path]:
    """Name of the condition, its inputs in the form of a job's request, and the folder of its files."""
    chosen = (spec for spec in SPECS.values() if getattr(options, spec.cli.name, None) is not None)
    spec = next(chosen, SPECS["none"])
    inputs = {} if spec.name == "none" else spec.cli.read(getattr(options, spec.cli.name))
    for option in OPTIONS:
        value = getattr(options, option.name, None)
        if value is not None and option not in spec.options:
            *takers, last = (f"--{other.cli.name}" for other in SPECS.values() if option in other.options)
            listed = f"{', '.join(takers)} and {last}" if takers else last
            raise InputError(f"--{option.name} is of use with {listed} only")
        if value is not None:
            inputs[option.becomes] = value
    return spec.name, *in_one_folder(inputs)


def _with_beside(condition: str, inputs: dict, options: argparse.Namespace) -> dict:
    """The raw inputs with those of --beside."""
    from ..conditions.inputs import load_condition
    from ..inputs import combined

    others, weights = [], {condition: options.weight}
    for name, value, weight in options.beside:
        spec = SPECS.get(name)
        if spec is None or spec.defaults is None or spec.cli.count is not None:
            raise InputError(f"--beside {shown(name)} is no input that can be combined", "See wala generate --help.")
        others.append((name, load_condition(name, *in_one_folder(spec.cli.read(spec.cli.convert(value))))))
        try:
            weights[name] = float(weight)
        except ValueError:
            raise InputError(f"the weight of {name} is {shown(weight)}, expected a number from 0 to 1") from None
    return combined(condition, inputs, others, weights)


def in_one_folder(inputs: dict[str, object]) -> tuple[dict[str, object], Path]:
    """The inputs with every path relative to one folder, and that folder."""
    paths = [
        item
        for value in inputs.values()
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, Path)
    ]
    if not paths:
        return inputs, Path()
    folder = Path(os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths]))

    def named(value: object) -> object:
        if isinstance(value, list):
            return [named(item) for item in value]
        return Path(os.path.abspath(value)).relative_to(folder).as_posix() if isinstance(value, Path) else value

    return {name: named(value) for name, value in inputs.items()}, folder


def _files(inputs: Mapping[str, object], folder: Path) -> list[Path]:
    """The files among a request's inputs."""
    values = [
        item
        for value in inputs.values()
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, str)
    ]
    return [folder / value for value in values if "\0" not in value and os.path.isfile(folder / value)]


def print_notes(notes: list[str]) -> None:
    """Print the notes on an input, one line each."""
    for note in filter(None, notes):
        print(f"wala: {shown(note)}", file=sys.stderr)


def _destinations(out: Path, variations: int | None) -> list[Path]:
    """The file of every shape: ``out`` itself, or NAME-01.glb and so on."""
    from ..files import beside

    return [out] if variations is None else [beside(out, f"-{n:02}{out.suffix}") for n in range(1, variations + 1)]


def generate(options: argparse.Namespace, edit: "Edit | None" = None, edited: Sequence[Path] = ()) -> int:
    """`wala generate`; with an ``edit`` of the files ``edited`` `wala vary` and `wala blend`."""
    from ..conditions.inputs import load_condition
    from ..files import beside, write_whole
    from ..geometry.meshes import check_mesh_destination

    condition, named, folder = _input_of(options)
    finish = finish_of(options)
    outs = _destinations(options.out, options.variations)
    for out in outs:
        check_mesh_destination(out, *edited, *_files(named, folder), with_uvs=finish.uv)
    seeds = [options.seed + number for number in range(len(outs))]
    if seeds[-1] >= 2**63:
        raise InputError(f"the last of {len(seeds)} seeds is {seeds[-1]}", "Begin with a smaller --seed.")
    inputs = load_condition(condition, named, folder)
    if options.beside:
        inputs = _with_beside(condition, inputs, options)

    from ..pipeline import ResultCallbacks, Settings
    from ..text_to_shape import load_pipeline

    def keep_views(files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            path = beside(options.out, f"_{name}")
            write_whole(path, lambda stream, content=content: stream.write(content))
            print(path)

    pipeline = load_pipeline(
        options.model, device=options.device, low_memory=options.low_memory, precision=options.precision
    )
    settings = Settings(
        model=options.model,
        seed=options.seed,
        scale=options.scale,
        steps=options.steps,
        fit=options.fit,
        one_piece=options.one_piece,
        colour=options.colour,
        quality=options.quality,
        finish=finish,
    )
    with progress_bar() as progress:
        if options.variations is None:
            keep = ResultCallbacks(views=keep_views, note=lambda words: print_notes([words]))
            generations = [pipeline.generate(condition, inputs, settings, progress, keep, edit)]
        else:
            generations = pipeline.variations(condition, inputs, settings, seeds, progress, edit=edit)
    for out, seed, one in zip(outs, seeds, generations, strict=True):
        one.save(out)
        seconds = sum(one.record["timings"].values())
        kind = "quads" if one.faces.shape[1] == 4 else "triangles"
        print(
            f"{out}: {NUMBERS(len(one.vertices))} vertices, {NUMBERS(len(one.faces))} {kind} "
            f"({options.model}, {condition}, seed {seed}, {seconds:.1f} s)"
        )
        print_notes([one.record["note"]])
    return 0


def roundtrip(options: argparse.Namespace) -> int:
    """`wala roundtrip`."""
    from ..geometry.distance import frame_of, mesh_to_distance
    from ..geometry.meshes import check_mesh_destination, read_mesh, write_mesh
    from ..geometry.strays import open_sheet_note, without_strays
    from ..geometry.surface import field_to_mesh
    from ..roundtrip import round_trip

    check_mesh_destination(options.out, options.mesh)
    vertices, faces, notes = without_strays(*read_mesh(options.mesh))
    frame = frame_of(vertices)
    pipeline, origin = None, {"generator": "WaLa", "origin": "decoded from its wavelet tree"}
    if not options.no_autoencoder:
        from ..pipeline import Pipeline

        pipeline = Pipeline.load(options.model, device=options.device)
        origin |= {"origin": "decoded from its latent", "model": options.model}
    vertices = frame.to_model(vertices)
    field = mesh_to_distance(vertices, faces)
    print_notes([*notes, open_sheet_note(field, vertices, faces)])
    stages, back = round_trip(field, pipeline, options.fit)
    vertices, faces = field_to_mesh(back, remove_dust=False)
    write_mesh(options.out, frame.from_model(vertices), faces, origin)
    if options.json:
        print(json.dumps({stage.name: {"iou": stage.iou, "numbers": stage.numbers} for stage in stages}))
    else:
        print(f"{'stage':14}{'IoU':>8}{'numbers':>14}")
        for stage in stages:
            print(f"{stage.name:14}{stage.iou:8.4f}{NUMBERS(stage.numbers):>14}")
    return 0


def depth(options: argparse.Namespace) -> int:
    """`wala depth`."""
    from PIL import Image

    from ..conditions.image_preprocessing import mesh_pictures
    from ..files import check_folder, write_whole
    from ..geometry.cameras import PUBLISHED
    from ..geometry.meshes import read_mesh
    from ..geometry.strays import without_strays

    views = options.cameras or PUBLISHED.sets[6]
    check_folder(options.out)
    vertices, faces, notes = without_strays(*read_mesh(options.mesh))
    print_notes(notes)
    maps, *_ = mesh_pictures(vertices, faces, [PUBLISHED.direction(view) for view in views])
    options.out.mkdir(exist_ok=True)
    for view, picture in zip(views, maps):
        path = options.out / f"depth_{view:02}.png"
        write_whole(path, lambda stream, picture=picture: Image.fromarray(picture).save(stream, "PNG"))
        print(path)
    return 0


# What `python -m runtime.worker` is, without the working folder on the module search path: a job's folder must not
# bring code.
_WORKER = "import sys; sys.path[:] = filter(None, sys.path); import runpy; runpy.run_module('runtime.worker', run_name='__main__', alter_sys=True)"


def run(options: argparse.Namespace) -> int:
    """`wala run`: this process is replaced by the worker, so that killing it kills the worker. Untested on Windows,
    where exec starts a new one."""
    root = str(Path(__file__).resolve().parents[2])
    arguments = ["--run", str(options.folder), "--device", options.device]
    if sys.platform == "win32":
        sys.path.insert(0, root)
        sys.argv = ["wala run", *arguments]
        runpy.run_module("runtime.worker", run_name="__main__", alter_sys=True)
        return 0
    path = os.pathsep.join([root, *filter(os.path.isabs, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    os.execve(sys.executable, [sys.executable, "-c", _WORKER, *arguments], {**os.environ, "PYTHONPATH": path})


def parity(options: argparse.Namespace) -> int:
    """`wala parity`."""
    from tqdm import tqdm

    from ..evaluation.reference_vectors import check_folder

    with tqdm(total=0, disable=None, leave=False, bar_format="{desc} {elapsed}") as bar:
        rows = check_folder(options.folder, bar.set_description_str)
    worst, unchecked = {}, []
    for row in rows:
        if row.error is None:
            unchecked.append(row.file)
        elif row.file not in worst or row.error / row.bar > worst[row.file].error / worst[row.file].bar:
            worst[row.file] = row
    for file, row in worst.items():
        print(
            f"{file:32}{row.quantity:20}{row.error:10.1e}  (bar {row.bar:g}){'' if row.passed else '  ABOVE THE BAR'}"
        )
    for file in unchecked:
        print(f"{file:32}not checked: a kind of vector this version does not know")
    if not worst:
        raise InputError(
            f"none of the {len(unchecked)} reference vectors in {options.folder} is of a kind this version knows"
        )
    failed = [file for file, row in worst.items() if not row.passed]
    if failed:
        raise WalaError(f"{len(failed)} of {len(worst)} reference vectors are above the bar: {', '.join(failed)}")
    return 0
