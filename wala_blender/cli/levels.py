"""Commands of `wala` for models of levels: train, export, evaluate."""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..files import check_destination, write_whole

GREYS = 32  # of a picture, which keep its file small
PARTS = ("autoencoder", "structure", "major", "fine")


def add_training(stages, add_run_options: Callable[[argparse.ArgumentParser], None]) -> None:
    """`wala train levels` and `wala train export-levels`."""
    parser = stages.add_parser(
        "levels",
        help="LaGeM's levels at a small size: the autoencoder, then the denoiser of each level",
        description=(
            "Trains the autoencoder of three levels, or the denoiser of the latents of one of them (structure, major, fine); goes on "
            "where it was stopped. The shapes' points and their latents are kept in the autoencoder's folder."
        ),
    )
    parser.add_argument("part", choices=PARTS, metavar="PART")
    parser.add_argument("--store", type=Path, required=True, metavar="FOLDER", help="made by `wala data build`")
    parser.add_argument("--autoencoder", type=Path, metavar="RUN", help="for a denoiser: the autoencoder's run")
    parser.add_argument(
        "--start", type=Path, metavar="RUN", help="for a denoiser: a finished run of its level, to begin with"
    )
    add_run_options(parser)
    parser.set_defaults(run="levels:train")
    parser = stages.add_parser("export-levels", help="makes a model of levels of their runs")
    for part in PARTS:
        parser.add_argument(f"--{part}", type=Path, required=True, metavar="RUN", help=f"the run of {part}")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="for `wala generate --model FOLDER` (default: in place of the levels that come with this)",
    )
    parser.set_defaults(run="levels:export")


def add_evaluation(parser: argparse.ArgumentParser) -> None:
    """Options of `wala evaluate` for a model of levels."""
    parser.add_argument(
        "--levels",
        action="store_true",
        help=(
            "of a model of levels (--model, default: levels): its bars, with --train; or with a .png as --out a picture of the first "
            "shapes, with fewer and fewer levels kept"
        ),
    )
    parser.add_argument(
        "--vectors", type=Path, metavar="FOLDER", help="with --levels: reference vectors, as of `wala parity`"
    )


def train(options: argparse.Namespace) -> int:
    """`wala train levels`."""
    from .training import log_to_console, settings_with_budget, use_threads

    log_to_console()
    use_threads(options)
    if options.part == "autoencoder":
        from ..training.level_autoencoder_training import LevelAutoencoderTraining
        from ..training.level_autoencoder_training import train as train_autoencoder

        settings = settings_with_budget(LevelAutoencoderTraining, options, "levels-autoencoder.toml")
        train_autoencoder(options.store, options.out, settings)
        return 0
    from ..training.level_denoiser_training import LevelDenoiserTraining
    from ..training.level_denoiser_training import train as train_denoiser

    if options.autoencoder is None:
        raise InputError(f"the denoiser of {options.part} needs the autoencoder", "Give its run: --autoencoder RUN.")
    settings = settings_with_budget(LevelDenoiserTraining, options, "levels-denoiser.toml")
    train_denoiser(options.store, options.autoencoder, options.part, options.out, settings, options.start)
    return 0


def export(options: argparse.Namespace) -> int:
    """`wala train export-levels`."""
    from ..models.level_model import LEVELS
    from ..training.level_export import export_levels

    print(export_levels(options.autoencoder, [getattr(options, level) for level in LEVELS], options.out))
    return 0


def evaluate_levels(options: argparse.Namespace) -> int:
    """`wala evaluate --levels`."""
    from ..evaluation.level_report import lines_of
    from ..evaluation.level_sheet import level_sheet
    from ..evaluation.levels import FAST, Extent
    from ..evaluation.levels import evaluate_levels as measure
    from ..evaluation.shapes import named, read_ids
    from ..evaluation.training_set import TrainingShapes
    from ..mesh_to_mesh import MeshToMesh
    from ..models.registry import LEVEL_MODEL, STARTER
    from ..pipeline import Pipeline
    from ..training.data.mesh_datasets import load_mesh, read_records
    from .training import log_to_console

    kind = check_destination(options.out).suffix
    if kind not in (".json", ".png"):
        raise InputError(f"{options.out.name}: a report on levels is .json, a picture .png")
    maker = MeshToMesh.load(LEVEL_MODEL if options.model == STARTER else options.model, device=options.device)
    if not maker.denoisers:
        raise InputError(f"the model {maker.row.name} has no cascade", f"Choose {LEVEL_MODEL}, or one of that kind.")
    log_to_console()
    records = read_records(options.data, options.split, options.up)
    if options.shapes:
        records = named(records, read_ids(options.shapes))
    if kind == ".png":
        sheet = level_sheet(maker, [load_mesh(record) for record in records[: options.limit]])
        write_whole(options.out, lambda stream: sheet.quantize(GREYS).save(stream, "PNG", optimize=True))
        print(options.out)
        return 0
    if options.train is None:
        raise InputError("there are no training shapes to compare with", "Give their store: --train STORE.")
    starter = Pipeline.load(STARTER, device=options.device)
    extent = FAST if options.fast else Extent()
    if options.limit:
        extent = replace(extent, shapes=options.limit)
    report = measure(maker, records, TrainingShapes(options.train), extent, starter, options.vectors)
    write_whole(options.out, lambda stream: stream.write(json.dumps(report, indent=1).encode()))
    lines_of(report)
    return 0
