"""The commands of `wala` about training: build a store, train, export, evaluate. Knows options and files; not losses, not metrics."""

import argparse
import json
import logging
from dataclasses import replace

from tqdm import tqdm

from ..errors import InputError
from ..files import check_destination, write_whole


def _say_what_happens() -> None:
    logging.getLogger("wala_blender").setLevel(logging.INFO)


def build_store(options: argparse.Namespace) -> int:
    """`wala data build`."""
    from .store import build

    _say_what_happens()
    if not options.out.is_dir():  # a store that is there is gone on with
        check_destination(options.out)
    report = build(options.folder, options.out, options.split, options.limit, options.cap, options.jobs, options.up)
    splits = ", ".join(f"{count} {split}" for split, count in sorted(report["by_split"].items()))
    print(f"{report['kept']:6}  kept{f' ({splits})' if splits else ''}, {report['bytes'] / 1e6:.0f} MB")
    for reason, count in report["skipped"].most_common():
        example = next(f"{name}: {said}" for name, said in report["reasons"].items() if said.startswith(reason))
        print(f"{count:6}  {reason}, such as {example}")
    print(f"which ones, and why: {options.out / 'report.json'}")
    return 0


def train(options: argparse.Namespace) -> int:
    """`wala train autoencoder|denoiser`."""
    _say_what_happens()
    if options.stage == "autoencoder":
        from .autoencoder_training import AutoencoderTraining, train

        settings, places = AutoencoderTraining(), (options.store, options.out)
    else:
        from .denoiser_training import DenoiserTraining, train

        settings, places = DenoiserTraining(), (options.store, options.autoencoder, options.out)
    if options.minutes:
        settings = replace(settings, loop=replace(settings.loop, minutes=options.minutes))
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    train(*places, settings)
    return 0


def export(options: argparse.Namespace) -> int:
    """`wala train export`."""
    from .export import export

    print(export(options.autoencoder, options.denoiser))
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """`wala evaluate`."""
    from .collections import read_records

    if check_destination(options.out).suffix not in (".json", ".html"):
        raise InputError(f"{options.out.name}: a report is .json, or .html with the .json beside it")
    records = read_records(options.data, options.split, options.up)

    from ..pipeline import Pipeline, Settings
    from .baselines import TrainingShapes
    from .evaluation import INPUTS, evaluate
    from .page import Gallery, page
    from .report import table

    train = TrainingShapes(options.train) if options.train else None
    pipeline = Pipeline.load(options.model, device=options.device)
    named = [name for words in options.conditions or () for name in words.split(",") if name]
    conditions = [name for name in INPUTS if name in pipeline.row.conditions] if options.conditions is None else named
    gallery = Gallery() if options.out.suffix == ".html" else None
    total = min(len(records), options.limit or len(records))
    with tqdm(total=total, disable=None, unit="shape") as bar:
        def on_progress(done: int, name: str) -> None:
            bar.n = done
            bar.set_postfix_str(name)
        settings = Settings(model=options.model, seed=options.seed)
        report = evaluate(pipeline, records, conditions, options.limit, settings, on_progress, train, gallery)
    report = {"data": str(options.data), "split": options.split, "train": str(options.train) if options.train else None} | report
    write_whole(options.out.with_suffix(".json"), lambda stream: stream.write(json.dumps(report, indent=1).encode()))
    if gallery is not None:
        write_whole(options.out, lambda stream: stream.write(page(report, conditions, gallery).encode()))
    for line in table(report, conditions):
        print(line)
    print(f"{report['count']} shapes, {sum(report['skipped'].values())} skipped: {options.out}")
    return 0
