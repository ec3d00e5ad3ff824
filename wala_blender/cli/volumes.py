"""Commands of `wala` for colour volumes: train, export, evaluate."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from ..files import write_whole

NEEDED = {"autodecoder": ("data", "colours", "out"), "denoiser": ("autodecoder", "out"), "export": ("denoiser",)}


def add_training(stages, add_run_options: Callable[..., None]) -> None:
    """`wala train volumes`."""
    parser = stages.add_parser(
        "volumes",
        help="colour volumes: the autodecoder, then the denoiser of its latents, then the model of both",
        description=(
            "Trains the autodecoder of colour volumes on pictures of coloured meshes, or the denoiser of its latents, which goes on where "
            "it was stopped; or writes the model of a denoiser's run, where `wala generate --model volumes` looks for it by default."
        ),
    )
    parser.add_argument("part", choices=tuple(NEEDED), metavar="PART")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="for the autodecoder: NAME.npz and NAME.jsonl")
    parser.add_argument(
        "--colours", type=Path, metavar="FOLDER", help="for the autodecoder: NAME_colours.npz and NAME_colours.jsonl"
    )
    parser.add_argument("--autodecoder", type=Path, metavar="RUN", help="for the denoiser: the autodecoder's run")
    parser.add_argument("--denoiser", type=Path, metavar="RUN", help="for the export: the denoiser's run")
    add_run_options(parser, out_required=False)
    parser.set_defaults(run="volumes:train")


def add_evaluation(parser: argparse.ArgumentParser) -> None:
    """Options of `wala evaluate` for colour volumes."""
    parser.add_argument(
        "--volumes",
        type=Path,
        nargs="+",
        metavar="RUN",
        help=(
            "instead of a model: the run of an autodecoder of colour volumes, and that of its denoiser; with --colours; or with a .png "
            "as --out a picture of what prompts give"
        ),
    )


def train(options: argparse.Namespace) -> int:
    """`wala train volumes`."""
    from .training import log_to_console, settings_with_budget, use_threads

    log_to_console()
    use_threads(options)
    missing = [f"--{name}" for name in NEEDED[options.part] if getattr(options, name) is None]
    if missing:
        raise InputError(f"{options.part} needs {' and '.join(missing)}", "See `wala train volumes --help`.")
    if options.part == "autodecoder":
        from ..training.autodecoder_training import AutodecoderTraining
        from ..training.autodecoder_training import train as train_autodecoder

        settings = settings_with_budget(AutodecoderTraining, options, "volumes-autodecoder.toml")
        train_autodecoder(options.data, options.colours, options.out, settings)
        return 0
    from ..training.volume_denoiser_training import VolumeDenoiserTraining, export_volumes
    from ..training.volume_denoiser_training import train as train_denoiser

    if options.part == "denoiser":
        denoiser_settings = settings_with_budget(VolumeDenoiserTraining, options, "volumes-denoiser.toml")
        train_denoiser(options.autodecoder, options.out, denoiser_settings)
    else:
        print(export_volumes(options.denoiser, options.out))
    return 0


def draw_sheet(options: argparse.Namespace) -> int:
    """`wala evaluate --volumes` with a picture to write."""
    from ..evaluation.volume_sheet import sheet_prompts, volume_sheet
    from ..training.autodecoder_training import pictures_of
    from ..training.volume_denoiser_training import load_volumes

    if len(options.volumes) != 2:
        raise InputError("a picture is of a denoiser's samples", "Give both runs: the autodecoder's, the denoiser's.")
    sheet = volume_sheet(
        load_volumes(options.volumes[1]), sheet_prompts(pictures_of(options.volumes[0]))[: options.limit]
    )
    write_whole(options.out, lambda stream: sheet.save(stream, "PNG", optimize=True))
    print(options.out)
    return 0


def evaluate_volumes(options: argparse.Namespace, records: list) -> int:
    """`wala evaluate --volumes`, on records of its training objects."""
    from ..evaluation.volumes import evaluate_volumes, lines_of
    from .training import log_to_console

    if options.colours is None:
        raise InputError("colour volumes are compared with coloured meshes", "Give the face colours: --colours FOLDER.")
    if len(options.volumes) > 2:
        raise InputError(f"--volumes has {len(options.volumes)} runs", "Give an autodecoder's and a denoiser's.")
    autodecoder, denoiser = [*options.volumes, None][:2]
    log_to_console()
    if options.out.suffix == ".html":
        raise InputError("the report on colour volumes is .json", "Name a .json, or a .png for pictures.")
    report = evaluate_volumes(autodecoder, denoiser, records, options.colours, options.limit)
    write_whole(options.out.with_suffix(".json"), lambda stream: stream.write(json.dumps(report, indent=1).encode()))
    for line in lines_of(report):
        print(line)
    return 0
