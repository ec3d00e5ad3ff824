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
        help="instead of a model: the run of an autodecoder of colour volumes, and that of its denoiser; with --colours",
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
    report = evaluate_volumes(autodecoder, denoiser, records, options.colours, options.limit)
    write_whole(options.out.with_suffix(".json"), lambda stream: stream.write(json.dumps(report, indent=1).encode()))
    for line in lines_of(report):
        print(line)
    return 0
