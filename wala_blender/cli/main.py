"""Entry point of the command line `wala`: parsers, exit codes, one-line errors. The other modules of this folder do the
work.

Exit codes: 0 done, 1 it failed (one line on standard error says why), 2 the command was not understood, 130
interrupted. Nothing heavy is imported before a command needs it.
"""

import argparse
import contextlib
import errno
import importlib
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path

from .. import __version__
from ..arguments import number
from ..conditions.options import camera
from ..conditions.spec import ConditionSpec
from ..conditions.specs import OPTIONS, PUBLISHED_DEFAULTS, SPECS
from ..errors import WalaError, shown
from .editing import BLEND, VARY, add_blend, add_vary
from .finishing import add_finish, add_options
from .levels import add_evaluation, add_training
from .volumes import add_evaluation as add_volume_evaluation
from .volumes import add_training as add_volume_training

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
TRACEBACK = "WALA_TRACEBACK"  # set in the environment: unexpected errors show where they came from
DEFAULT_MODEL = "starter"
BESIDE = tuple(name for name, spec in SPECS.items() if spec.defaults and spec.cli.count is None)
STAGES = ("autoencoder", "denoiser")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        """One line instead of the whole usage."""
        sys.exit(_print_error(f"{message} (see {self.prog} --help)", EXIT_USAGE))


class _OneLine(logging.Formatter):
    """Parser whose messages may contain untrusted text."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return shown(super().formatMessage(record))


_seed = number(int, 0, 2**63 - 1, "a whole number from 0 to 2**63 - 1")
_weight = number(float, 0, 1, "a number from 0 to 1")
_scale = number(float, 0, 100, "a number from 0 to 100")
_steps = number(int, 2, 1000, "a whole number from 2 to 1000")
_fit = number(int, 0, 1000, "a whole number from 0 to 1000")
_variations = number(int, 1, 99, "a whole number from 1 to 99")
_count = number(int, 1, 10**9, "a whole number above 0")
_minutes = number(float, 0.01, 10**6, "a number of minutes above 0")


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME", help="see `wala models` (default: %(default)s)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")


def _up_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--up",
        default="y",
        choices=("y", "z"),
        help="axis that is up where a mesh file does not say so (default: %(default)s)",
    )


def _add_generate(commands) -> None:
    parser = commands.add_parser(
        "generate", help="a text, sketch, picture, voxels, points … → a mesh", description="Makes a mesh. +Y is up."
    )
    _input_options(parser, SPECS.values(), required=True)
    _making_options(parser)
    parser.set_defaults(run="generate:generate")


def _add_editing(commands) -> None:
    guides = [spec for spec in SPECS.values() if spec.defaults or spec.published]  # of models that edit shapes
    add_vary(parser := commands.add_parser("vary", **VARY))
    _input_options(parser, guides, required=False)
    _making_options(parser)
    add_blend(parser := commands.add_parser("blend", **BLEND))
    _input_options(parser, guides, required=False)
    _making_options(parser)


def _input_options(parser: argparse.ArgumentParser, specs: Iterable[ConditionSpec], required: bool) -> None:
    specs = list(specs)
    inputs = parser.add_mutually_exclusive_group(required=required)
    for spec in specs:
        own = spec.cli
        takes = (
            {"action": "store_true", "default": None}
            if own.count == 0
            else {"type": own.convert, "metavar": own.metavar, "nargs": own.count}
        )
        inputs.add_argument(f"--{own.name}", help=own.help, **takes)
    taken = {option for spec in specs for option in spec.options}
    for option in filter(taken.__contains__, OPTIONS):
        parser.add_argument(
            f"--{option.name}", type=option.convert, metavar=option.metavar, nargs=option.count, help=option.help
        )

    parser.add_argument(
        "--beside",
        nargs=3,
        action="append",
        default=[],
        metavar=("INPUT", "VALUE", "WEIGHT"),
        help=f"a further input, one of {', '.join(BESIDE)}, as its own option takes it, and how much it counts, 0 to 1",
    )
    parser.add_argument(
        "--weight",
        type=_weight,
        default=1.0,
        metavar="W",
        help="how much the first input counts beside others (default: 1)",
    )


def _making_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="another seed, another shape (default: %(default)s)"
    )
    parser.add_argument(
        "--variations",
        type=_variations,
        metavar="N",
        help="so many shapes, of this seed and those after it, as NAME-01.glb and so on",
    )
    parser.add_argument(
        "--scale", type=_scale, metavar="S", help="how closely to follow the input (default: the model's)"
    )
    parser.add_argument("--steps", type=_steps, metavar="K", help="of denoising (default: the model's)")
    parser.add_argument(
        "--quality",
        default="normal",
        choices=("draft", "normal", "best"),
        help=(
            "draft: half the steps and grid points along each axis; best: more candidates, of which the one is kept that agrees best with the input (default: %(default)s)"
        ),
    )
    parser.add_argument(
        "--fit",
        type=_fit,
        metavar="K",
        help="steps that then fit the shape to voxels, points or depth maps; 0: none (default: the model's)",
    )
    parser.add_argument(
        "--one-piece",
        action=argparse.BooleanOptionalAction,
        help=(
            "leave out everything but the main piece (default: with the starter, unless the voxels are of several parts)"
        ),
    )
    parser.add_argument(
        "--colour",
        action=argparse.BooleanOptionalAction,
        help="give the shape colours: those of the picture, else by its form and the words (default: with the starter)",
    )
    add_options(parser)
    _model_options(parser)
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="of the large networks and the decoder; auto: bfloat16 where the device is faster with it (default: %(default)s)",
    )
    parser.add_argument(
        "--low-memory",
        choices=("auto", "on", "off"),
        default="auto",
        help="the networks take turns on the device; auto: when its memory does not suffice (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".glb, .obj, .ply or .stl")


def _add_roundtrip(commands) -> None:
    parser = commands.add_parser(
        "roundtrip",
        help="a mesh through the codec and back",
        description=(
            "Mesh → distance field → wavelet tree → latent, and back from each: the overlap (IoU) with the input's field, and the count of "
            "numbers. The written mesh is the last stage's, where the input was."
        ),
    )
    parser.add_argument("mesh", type=Path, metavar="MESH", help=".glb, .gltf, .obj, .ply, .stl or .off")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".glb, .obj, .ply or .stl")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-autoencoder", action="store_true", help="stop at the wavelet tree: needs no weights")
    parser.add_argument(
        "--fit", type=_fit, default=0, metavar="K", help="steps that fit the latent to the mesh (default: %(default)s)"
    )
    _model_options(parser)
    parser.set_defaults(run="generate:roundtrip")


def _add_depth(commands) -> None:
    parser = commands.add_parser(
        "depth",
        help="a mesh → depth maps",
        description=(
            "Writes depth maps of a mesh as the published models know them: near white, far and background black. To paint over, and to give "
            "back with `wala generate --depths`."
        ),
    )
    parser.add_argument("mesh", type=Path, metavar="MESH", help=".glb, .gltf, .obj, .ply, .stl or .off")
    parser.add_argument(
        "--cameras",
        type=camera,
        nargs="+",
        metavar="N",
        help="which of the published cameras, 0 to 54 (default: the six of --depths)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for depth_03.png and so on")
    parser.set_defaults(run="generate:depth")


def _add_small_ones(commands) -> None:
    parser = commands.add_parser(
        "run", help="run a job folder", description="Runs a job folder as Blender writes it; makes its result/."
    )
    parser.add_argument("folder", type=Path, metavar="JOBFOLDER")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    parser.set_defaults(run="generate:run")
    parser = commands.add_parser(
        "parity",
        help="check reference vectors",
        description=(
            "Computes every reference vector in a folder with checkpoints loaded like published ones. Exit code 1 when one is above its bar."
        ),
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with *.npz and *.json")
    parser.set_defaults(run="generate:parity")


def _add_models(commands) -> None:
    top = commands.add_parser(
        "models",
        help="list, fetch, add, check, convert and remove models",
        description=(
            "The models: conditions, scale and steps, memory, licence, where they are. Fetched ones lie in $WALA_MODELS, or in this user's "
            "folder for the application's data."
        ),
    )
    top.set_defaults(run="model_list:list_models", json=False)
    actions = top.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="what there is (also without ACTION)")
    fetch = actions.add_parser(
        "fetch",
        help="download a published model, or go on with it",
        description=(
            "Downloads a model from the hub, checks and converts it. Interrupted, it goes on where it stopped. HF_ENDPOINT, HF_TOKEN, "
            "HF_HUB_OFFLINE and proxies are heeded."
        ),
    )
    add = actions.add_parser("add", help="take in a folder with checkpoint.ckpt and args.json; it stays where it is")
    add.add_argument("folder", type=Path, metavar="FOLDER")
    add.add_argument("--name", help="of a listed model, or a new one (default: the folder's name)")
    add.add_argument(
        "--condition",
        choices=list(PUBLISHED_DEFAULTS),
        help="where the settings do not tell, as for sketches",
    )
    add.add_argument("--licence", metavar="NAME", help="of weights that are not the published ones")
    add.add_argument("--non-commercial", action="store_true", help="that licence allows no commercial use")
    verify = actions.add_parser("verify", help="read every file of a model again and compare its checksum")
    convert = actions.add_parser("convert", help="write model.safetensors in bfloat16 (fetch and add do it themselves)")
    remove = actions.add_parser("remove", help="delete a fetched model; an added folder's own files stay")
    for parser in (fetch, verify, convert, remove):
        parser.add_argument("name", metavar="NAME")
    for parser in (fetch, add):
        parser.add_argument("--accept-licence", action="store_true", help="without being asked: you have read it")
    for parser in (listing, fetch):
        parser.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run="model_list:list_models")
    for parser, function in (
        (fetch, "fetch"),
        (add, "add"),
        (verify, "verify"),
        (convert, "convert"),
        (remove, "remove"),
    ):
        parser.set_defaults(run=f"models:{function}")


def _run_options(parser: argparse.ArgumentParser, out_required: bool = True) -> None:
    parser.add_argument("--out", type=Path, required=out_required, metavar="RUN", help="folder of this run")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=".toml or .json, or the name of one in wala_blender/training/configurations",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=_minutes, metavar="M", help="of training, all sessions together")
    budget.add_argument(
        "--steps",
        type=_count,
        metavar="N",
        help="of training instead: the same run, to the bit, however often it is stopped",
    )
    parser.add_argument(
        "--threads", type=_count, metavar="N", help="1 on a machine that does other work as well (default: all cores)"
    )


def _table_options(parser: argparse.ArgumentParser) -> None:
    """Options of a command that makes a table which is searched by words."""
    parser.add_argument(
        "--vectors",
        type=Path,
        required=True,
        metavar="FILE",
        help="word vectors: an .npz of words and vectors (GloVe's)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the two files go")


def _add_training(commands) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on meshes",
        description=(
            "Measures the autoencoder and the conditions on a folder or a collection of meshes, beside what simpler methods make of the same inputs."
        ),
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER|PACK", help="as `wala data build` takes it")
    parser.add_argument(
        "--prompts",
        metavar="LIST",
        help=(
            "instead: a picture of what the model makes of every prompt of a file, one a line, or of fifty-prompts; --out is a .png"
        ),
    )
    _up_option(parser)
    parser.add_argument(
        "--split", default="validation", choices=("train", "validation", "scans", "all"), help="default: %(default)s"
    )
    parser.add_argument(
        "--shapes",
        metavar="LIST",
        help=(
            "those of the split that a file names, an id a line; or a list in wala_blender/evaluation/sets: validation-version-4, "
            "validation-newer (default: all)"
        ),
    )
    parser.add_argument(
        "--conditions",
        nargs="*",
        metavar="NAME",
        help=(
            "some of the model's; blockout: voxels from meshes of blocks; sketch+text: with the caption beside (default: all that can be measured)"
        ),
    )
    parser.add_argument(
        "--autoencoder",
        type=Path,
        nargs="+",
        metavar="RUN",
        help=("instead of a model: the autoencoders of these stage-1 runs' folders or models alone, side by side"),
    )
    add_evaluation(parser)
    parser.add_argument(
        "--colours",
        type=Path,
        metavar="FOLDER",
        help="instead of a model: how well the true meshes are coloured; face colours of --data (NAME_colours.npz, .jsonl)",
    )
    add_volume_evaluation(parser)
    parser.add_argument(
        "--train",
        type=Path,
        metavar="STORE",
        help="training shapes to compare with: look-ups, the mean shape, the prompts' nouns",
    )
    parser.add_argument("--limit", type=_count, metavar="N", help="shapes at most (default: all)")
    parser.add_argument(
        "--fast", action="store_true", help="eight shapes at most, and nothing to compare with: minutes"
    )
    parser.add_argument("--seed", type=_seed, default=0, metavar="N")
    _model_options(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the report, .json; or .html, with the .json beside it"
    )
    parser.set_defaults(run="training:evaluate")

    stages = commands.add_parser("train", help="train the starter model").add_subparsers(
        dest="stage", metavar="STAGE", required=True
    )
    for stage in STAGES:
        parser = stages.add_parser(stage, help=f"the {stage}; goes on where it was stopped")
        parser.add_argument("--store", type=Path, required=True, metavar="FOLDER", help="made by `wala data build`")
        if stage == "denoiser":
            parser.add_argument(
                "--autoencoder", type=Path, required=True, metavar="RUN", help="a stage-1 run's folder, or a model"
            )
        parser.add_argument(
            "--start", type=Path, metavar="RUN", help="a finished run, or a model, whose weights to begin with"
        )
        _run_options(parser)
        parser.set_defaults(run="training:train")
    parser = stages.add_parser("detail", help="the detail stage of a model; goes on where it was stopped")
    parser.add_argument("--store", type=Path, required=True, metavar="FOLDER", help="made by `wala data build`")
    parser.add_argument(
        "--model", type=Path, default=Path(DEFAULT_MODEL), metavar="NAME", help="that it refines (default: %(default)s)"
    )
    parser.add_argument(
        "--start", type=Path, metavar="RUN", help="a finished run, or a model, whose detail stage to begin with"
    )
    _run_options(parser)
    parser.set_defaults(run="training:train")
    add_training(stages, _run_options)
    parser = stages.add_parser(
        "colour",
        help="the table of coloured exemplars that results take their colours from",
        description=(
            "Samples the coloured meshes of the training split and writes the table of exemplars, with the word vectors it is searched by. "
            "There is nothing to iterate: 50 ms a shape."
        ),
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="with NAME.npz and NAME.jsonl")
    parser.add_argument(
        "--colours", type=Path, required=True, metavar="FOLDER", help="with NAME_colours.npz and NAME_colours.jsonl"
    )
    _table_options(parser)
    parser.set_defaults(run="training:train_colour")
    add_volume_training(stages, _run_options)
    parser = stages.add_parser(
        "exemplars",
        help="the training shapes that words start from; goes on where it was stopped",
        description=(
            "Encodes of every noun in the captions up to five training shapes, and writes exemplars.npz and words.npz: put them beside the "
            "model's weights."
        ),
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="meshes with captions")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME", help="whose autoencoder encodes them (default: %(default)s)"
    )
    parser.add_argument(
        "--licence", default="CC0-1.0", metavar="NAME", help="only shapes with that licence (default: %(default)s)"
    )
    _table_options(parser)
    parser.set_defaults(run="training:train_exemplars")
    parser = stages.add_parser("export", help="makes a model of the stages' runs")
    for stage in (*STAGES, "detail"):
        parser.add_argument(
            f"--{stage}",
            type=Path,
            required=stage in STAGES,
            metavar="RUN",
            help=f"the folder the {stage} was trained in, or a model",
        )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="for `wala generate --model FOLDER` (default: in place of the starter)",
    )
    parser.set_defaults(run="training:export")
    parser = stages.add_parser("curves", help="runs' losses and measures as their time went by, as a Markdown table")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument(
        "--numbers", nargs="+", metavar="NAME", help="of the log, such as loss, validation_iou (default: all there are)"
    )
    parser.set_defaults(run="training:curves")
    parser = stages.add_parser("all", help="store, both stages, model and report in one go, within the minutes given")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="with NAME.npz and NAME.jsonl")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="of everything that is made")
    parser.add_argument("--minutes", type=_minutes, required=True, metavar="M", help="for everything together")
    parser.add_argument(
        "--jobs",
        type=_count,
        default=os.cpu_count(),
        metavar="N",
        help="processes that build the store (default: %(default)s)",
    )
    for stage in STAGES:
        parser.add_argument(
            f"--{stage}-config", type=Path, metavar="FILE", help="see `wala train`; default: for the GPU, or for a CPU"
        )
    parser.add_argument(
        "--threads", type=_count, metavar="N", help="1 on a machine that does other work as well (default: all cores)"
    )
    parser.set_defaults(run="training:train_all")

    parser = commands.add_parser("finetune", help="go on training a model's denoiser with your own shapes")
    parser.add_argument(
        "--model",
        type=Path,
        default=Path(DEFAULT_MODEL),
        metavar="NAME",
        help="or a model's folder (default: %(default)s)",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="STORE", help="made by `wala data build`")
    parser.add_argument(
        "--low-rank", type=_count, metavar="R", help="train additions of this rank instead of all weights (8, say)"
    )
    _run_options(parser)
    parser.set_defaults(run="training:finetune")

    actions = commands.add_parser("data", help="prepare meshes for training").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    parser = actions.add_parser(
        "build",
        help="meshes → a store of training samples; goes on where it was stopped",
        description=(
            "Meshes of a folder (.glb, .gltf, .obj, .ply, .stl, .off, and .blend where there is a Blender), or collections of them, → a store of "
            "training samples. Captions come from the names of files and folders. Says which shapes were left out, and why."
        ),
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER|PACK",
        help="a folder of meshes; or NAME.npz with NAME.jsonl, or a folder of those; or procedural:COUNT, shapes that are generated",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="STORE")
    parser.add_argument("--split", default="all", choices=("train", "validation", "all"), help="default: %(default)s")
    parser.add_argument("--limit", type=_count, metavar="N", help="shapes at most (default: all)")
    parser.add_argument(
        "--unnamed", action="store_true", help="tiles and nameless shapes as well, for conditions other than words"
    )
    parser.add_argument("--cap", type=_count, metavar="N", help="shapes of one name at most (default: all)")
    parser.add_argument(
        "--variants",
        type=int,
        choices=(1, 2, 3),
        default=3,
        help="of each shape: as it is, then turned and stretched (default: %(default)s)",
    )
    parser.add_argument(
        "--half-field",
        action="store_true",
        help="distances at every second grid point only, in a quarter of the time: enough for the denoiser's training",
    )
    _up_option(parser)
    parser.add_argument(
        "--jobs", type=_count, default=os.cpu_count(), metavar="N", help="processes (default: %(default)s)"
    )
    parser.set_defaults(run="training:build_store")


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = _Parser(prog="wala", description="Meshes from sketches, blockouts, points and words.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        _add_generate,
        _add_editing,
        add_finish,
        _add_depth,
        _add_roundtrip,
        _add_small_ones,
        _add_models,
        _add_training,
    ):
        add(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code. Raises SystemExit for --help and bad usage."""
    _prepare_streams()
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_OneLine("wala: %(message)s"))
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries' warnings to programmers
    module, _, function = options.run.partition(":")
    try:
        code = getattr(importlib.import_module(f".{module}", __package__), function)(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _print_error("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader has closed our output: the interpreter's last flush must not fail either.
        _discard_output()
        return EXIT_FAILED
    except WalaError as error:
        return _print_error(str(error), EXIT_FAILED)
    except ImportError as error:
        lacking = error.name or error
        return _print_error(
            f"this installation lacks {lacking}. Install it with its extras: pip install 'wala[worker,train]'",
            EXIT_FAILED,
        )
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return _defect(error)
        _discard_output()
        return _print_error(f"the disk, or what takes the output, is full ({error.strerror})", EXIT_FAILED)
    except Exception as error:
        return _defect(error)


def _defect(error: Exception) -> int:
    """Unexpected error: one line for the user, the traceback on demand."""
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    return _print_error(f"{_kind(error)}: {error}. With {TRACEBACK}=1 in the environment it says where", EXIT_FAILED)


def _kind(error: Exception) -> str:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory"
    return f"unexpected {type(error).__name__}"


def _prepare_streams() -> None:
    """Replace closed standard streams, as the next opened file would take their descriptors, and pass names of files
    that are not UTF-8 through unchanged."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(opened, True)
            setattr(
                sys,
                name,
                open(opened, "w" if descriptor else "r", encoding="utf-8", errors="backslashreplace", closefd=False),
            )
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(
            errors="surrogateescape" if sys.stdout.encoding.lower() in ("utf-8", "utf8") else "backslashreplace"
        )


def _discard_output() -> None:
    """Prevent an error in the interpreter's last flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_error(message: str, code: int) -> int:
    """One line on standard error, if that can be written."""
    with contextlib.suppress(OSError):
        print(f"wala: {shown(message)}", file=sys.stderr, flush=True)
    return code
