"""Commands of `wala` for training: build a store, train, fine-tune, export, evaluate."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ..configuration import read_settings
from ..errors import InputError
from ..files import check_destination, write_whole
from ..training.settings import configuration_file


def log_to_console() -> None:
    """Show the library's progress."""
    logging.getLogger("wala_blender").setLevel(logging.INFO)


def build_store(options: argparse.Namespace) -> int:
    """`wala data build`."""
    from ..training.data.build import build

    log_to_console()
    if not options.out.is_dir():  # an existing store is resumed
        check_destination(options.out)
    report = build(
        options.folder,
        options.out,
        options.split,
        options.limit,
        options.cap,
        options.jobs,
        options.up,
        unnamed=options.unnamed,
        variants=options.variants,
        half=options.half_field,
    )
    splits = ", ".join(f"{count} {split}" for split, count in sorted(report["by_split"].items()))
    print(f"{report['kept']:6}  kept{f' ({splits})' if splits else ''}, {report['bytes'] / 1e6:.0f} MB")
    for reason, count in report["skipped"].most_common():
        example = next(
            f"{name}: {problem}" for name, problem in report["reasons"].items() if problem.startswith(reason)
        )
        print(f"{count:6}  {reason}, such as {example}")
    print(f"which ones, and why: {options.out / 'report.json'}")
    return 0


def settings_with_budget(kind: type, options: argparse.Namespace, default: str):
    """The given configuration, or the default, with the budget of the command line."""
    settings = read_settings(kind, configuration_file(options.config or Path(default)))
    budget = (
        {"minutes": options.minutes, "steps": None}
        if options.minutes
        else {"steps": options.steps}
        if options.steps
        else {}
    )
    return replace(settings, loop=replace(settings.loop, **budget))


def use_threads(options: argparse.Namespace) -> None:
    """Limit torch to the chosen number of threads."""
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)


def train(options: argparse.Namespace) -> int:
    """`wala train autoencoder|denoiser|detail`."""
    log_to_console()
    use_threads(options)
    if options.stage == "autoencoder":
        from ..training.autoencoder_training import AutoencoderTraining
        from ..training.autoencoder_training import train as train_autoencoder

        train_autoencoder(
            options.store,
            options.out,
            settings_with_budget(AutoencoderTraining, options, "starter-autoencoder.toml"),
            options.start,
        )
    elif options.stage == "detail":
        from ..training.detail_training import DetailTraining
        from ..training.detail_training import train as train_detail

        train_detail(
            options.store,
            options.model,
            options.out,
            settings_with_budget(DetailTraining, options, "starter-detail.toml"),
            options.start,
        )
    else:
        from ..training.denoiser_training import DenoiserTraining
        from ..training.denoiser_training import train as train_denoiser

        settings = settings_with_budget(DenoiserTraining, options, "starter-denoiser.toml")
        train_denoiser(options.store, options.autoencoder, options.out, settings, options.start)
    return 0


def train_colour(options: argparse.Namespace) -> int:
    """`wala train colour`."""
    from ..training.colour_table import TABLE, make_table

    log_to_console()
    table = make_table(options.data, options.colours, options.vectors, options.out)
    print(f"{options.out / TABLE}: {len(table.captions)} exemplars")
    return 0


def train_exemplars(options: argparse.Namespace) -> int:
    """`wala train exemplars`."""
    from ..pipeline import Pipeline
    from ..training.exemplar_selection import build

    log_to_console()
    count = build(Pipeline.load(options.model), options.data, options.licence, options.vectors, options.out)
    print(f"{count} exemplars: {options.out}")
    return 0


def finetune(options: argparse.Namespace) -> int:
    """`wala finetune`."""
    from ..training.denoiser_training import DenoiserTraining, train

    log_to_console()
    use_threads(options)
    settings = settings_with_budget(DenoiserTraining, options, "finetune.toml")
    if options.low_rank:
        settings = replace(settings, low_rank=options.low_rank)
    train(options.data, options.model, options.out, settings, options.model)
    print(
        f"{options.out}: now make a model of it: wala train export --autoencoder {options.model} --denoiser {options.out} --out FOLDER"
    )
    return 0


def export(options: argparse.Namespace) -> int:
    """`wala train export`."""
    from ..training.export import export

    print(export(options.autoencoder, options.denoiser, options.out, options.detail))
    return 0


def curves(options: argparse.Namespace) -> int:
    """`wala train curves`."""
    from ..training.log_summary import curve, read_log, table_of

    for line in table_of({str(run): curve(read_log(run)) for run in options.runs}, options.numbers):
        print(line)
    return 0


def train_all(options: argparse.Namespace) -> int:
    """`wala train all`."""
    from .train_all import train_all

    log_to_console()
    use_threads(options)
    report = train_all(
        options.data, options.out, options.minutes, options.jobs, (options.autoencoder_config, options.denoiser_config)
    )
    print(f"{report}; the model: wala generate --model {options.out / 'model'}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """`wala evaluate`."""
    if options.prompts:
        return _prompt_sheet(options)
    if options.volumes and options.out.suffix == ".png":
        from .volumes import draw_sheet

        return draw_sheet(options)
    if options.data is None:
        raise InputError("nothing to measure on", "Give --data, a folder of meshes, or --prompts.")
    from ..evaluation.shapes import named, read_ids
    from ..training.data.mesh_datasets import read_records

    if options.levels:
        from .levels import evaluate_levels

        return evaluate_levels(options)
    if check_destination(options.out).suffix not in (".json", ".html"):
        raise InputError(f"{options.out.name}: a report is .json, or .html with the .json beside it")
    records = read_records(options.data, options.split, options.up)
    if options.shapes:
        records = named(records, read_ids(options.shapes))
    if options.volumes:
        from .volumes import evaluate_volumes

        return evaluate_volumes(options, records)
    if options.colours:
        return _evaluate_colours(options, records)
    if not sys.stderr.isatty():
        log_to_console()  # where the bar is not shown

    from ..evaluation.html_report import Gallery, page
    from ..evaluation.report import text_of

    gallery = Gallery()
    with tqdm(total=min(len(records), options.limit or len(records)), disable=None, unit="shape") as bar:

        def on_progress(done: int, name: str) -> None:
            bar.n = done
            bar.set_postfix_str(name)

        work = _evaluate_autoencoders if options.autoencoder else _evaluate_model
        report = work(options, records, on_progress, gallery if options.out.suffix == ".html" else None)
    report = {"data": str(options.data), "split": options.split, "set": options.shapes} | report
    write_whole(options.out.with_suffix(".json"), lambda stream: stream.write(json.dumps(report, indent=1).encode()))
    if options.out.suffix == ".html":
        write_whole(options.out, lambda stream: stream.write(page(report, gallery).encode()))
    for line in text_of(report):
        print(line)
    print(f"{report['count']} shapes, {sum(report['skipped'].values())} skipped: {options.out}")
    return 0


def _evaluate_colours(options: argparse.Namespace, records: list) -> int:
    from ..colour.colouring import Colouring
    from ..evaluation.colours import evaluate_colours, lines_of
    from ..training.data.face_colours import coloured

    report = evaluate_colours(Colouring.shipped(), coloured(records, options.colours), options.colours, options.limit)
    write_whole(options.out.with_suffix(".json"), lambda stream: stream.write(json.dumps(report, indent=1).encode()))
    for line in lines_of(report):
        print(line)
    return 0


def _prompt_sheet(options: argparse.Namespace) -> int:
    from ..evaluation.prompt_sheet import prompt_sheet
    from ..evaluation.shapes import read_ids
    from ..pipeline import Pipeline, Settings

    if check_destination(options.out).suffix != ".png":
        raise InputError(f"{options.out.name}: a sheet of prompts is .png")
    log_to_console()
    pipeline = Pipeline.load(options.model, device=options.device)
    sheet = prompt_sheet(
        pipeline, read_ids(options.prompts)[: options.limit], Settings(model=options.model, seed=options.seed)
    )
    write_whole(options.out, lambda stream: sheet.save(stream, "PNG", optimize=True))
    print(options.out)
    return 0


def _evaluate_model(
    options: argparse.Namespace, records: list, on_progress: Callable, on_result: Callable | None
) -> dict:
    from ..evaluation.evaluate import evaluate
    from ..evaluation.inputs import EVALUATIONS
    from ..evaluation.training_set import TrainingShapes
    from ..pipeline import Pipeline, Settings

    train = TrainingShapes(options.train) if options.train else None
    pipeline = Pipeline.load(options.model, device=options.device)
    named = [name for words in options.conditions or () for name in words.split(",") if name]
    conditions = (
        [name for name in pipeline.row.conditions if name in EVALUATIONS] if options.conditions is None else named
    )
    settings = Settings(model=options.model, seed=options.seed)
    return {"train": str(options.train) if options.train else None} | evaluate(
        pipeline, records, conditions, options.limit, settings, on_progress, train, on_result, options.fast
    )


def _evaluate_autoencoders(
    options: argparse.Namespace, records: list, on_progress: Callable, on_result: Callable | None
) -> dict:
    from ..evaluation.autoencoders import codecs_of, compare
    from ..pipeline import choose_device

    for name in ("conditions", "train"):
        if getattr(options, name) is not None:
            raise InputError(
                f"--autoencoder measures nothing but autoencoders, and --{name} is of the other measurements",
                f"Leave out --{name}.",
            )
    codecs = codecs_of(options.autoencoder, choose_device(options.device))
    return {"model": ", ".join(map(str, options.autoencoder))} | compare(codecs, records, options.limit, on_progress)
