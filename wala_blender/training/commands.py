"""The commands of `wala` about training: build a store, train, export, evaluate. Knows options and files; not losses, not metrics."""

import argparse
import json
import logging
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ..configuration import read_settings
from ..files import check_destination, write_whole

CONFIGURATIONS = Path(__file__).parent / "configurations"


def _say_what_happens() -> None:
    logging.getLogger("wala_blender").setLevel(logging.INFO)


def build_store(options: argparse.Namespace) -> int:
    """`wala data build`."""
    from .store import build

    _say_what_happens()
    if not options.out.is_dir():  # a store that is there is gone on with
        check_destination(options.out)
    counts = build(options.folder, options.out, options.split, options.limit, options.cap, options.jobs)
    for reason, count in counts.most_common():
        print(f"{count:6}  {reason}")
    return 0


def _settings(kind: type, options: argparse.Namespace, default: str):
    """The configuration asked for, or the default, with what the command line says of its budget."""
    file = options.config or Path(default)
    if not file.is_file() and file.parent == Path() and (CONFIGURATIONS / file.name).is_file():
        file = CONFIGURATIONS / file.name
    settings = read_settings(kind, file)
    budget = {"minutes": options.minutes, "steps": None} if options.minutes else {"steps": options.steps} if options.steps else {}
    return replace(settings, loop=replace(settings.loop, **budget))


def _use_threads(options: argparse.Namespace) -> None:
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)


def train(options: argparse.Namespace) -> int:
    """`wala train autoencoder|denoiser`."""
    _say_what_happens()
    _use_threads(options)
    if options.stage == "autoencoder":
        from .autoencoder_training import AutoencoderTraining, train

        train(options.store, options.out, _settings(AutoencoderTraining, options, "starter-autoencoder.toml"), options.start)
    else:
        from .denoiser_training import DenoiserTraining, train

        settings = _settings(DenoiserTraining, options, "starter-denoiser.toml")
        train(options.store, options.autoencoder, options.out, settings, options.start)
    return 0


def finetune(options: argparse.Namespace) -> int:
    """`wala finetune`."""
    from .denoiser_training import DenoiserTraining, train

    _say_what_happens()
    _use_threads(options)
    settings = _settings(DenoiserTraining, options, "finetune.toml")
    if options.low_rank:
        settings = replace(settings, low_rank=options.low_rank)
    train(options.data, options.model, options.out, settings, options.model)
    print(f"{options.out}: now make a model of it: wala train export --autoencoder {options.model} --denoiser {options.out} --out FOLDER")
    return 0


def export(options: argparse.Namespace) -> int:
    """`wala train export`."""
    from .export import export

    print(export(options.autoencoder, options.denoiser, options.out))
    return 0


def train_all(options: argparse.Namespace) -> int:
    """`wala train all`."""
    from .full import train_all

    _say_what_happens()
    _use_threads(options)
    report = train_all(options.data, options.out, options.minutes, options.jobs, (options.autoencoder_config, options.denoiser_config))
    print(f"{report}; the model: wala generate --model {options.out / 'model'}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """`wala evaluate`."""
    from .collections import read_records

    check_destination(options.out)
    records = read_records(options.data, options.split)

    from ..pipeline import Pipeline, Settings
    from .evaluation import INPUTS, evaluate

    pipeline = Pipeline.load(options.model, device=options.device)
    measurable = [name for name in INPUTS if name in pipeline.row.conditions]
    conditions = measurable if options.conditions is None else [name for words in options.conditions for name in words.split(",") if name]
    total = min(len(records), options.limit or len(records))
    with tqdm(total=total, disable=None, unit="shape") as bar:
        def on_progress(done: int, name: str) -> None:
            bar.n = done
            bar.set_postfix_str(name)
        settings = Settings(model=options.model, seed=options.seed)
        report = evaluate(pipeline, records, conditions, options.limit, settings, on_progress)
    report = {"data": str(options.data), "split": options.split} | report
    write_whole(options.out, lambda stream: stream.write(json.dumps(report, indent=1).encode()))
    for line in table(report, conditions):
        print(line)
    print(f"{report['count']} shapes, {sum(report['skipped'].values())} skipped: {options.out}")
    return 0


def table(report: dict, conditions: list[str]) -> list[str]:
    """The report's numbers as lines."""
    rows = {name: report[name] for name in ("autoencoder", *conditions)}
    rows |= {f"  {name}": row for name, row in report.get("voxels", {}).get("baselines", {}).items()}
    lines = [f"{'':26}{'IoU':>8}{'median':>8}{'chamfer':>9}{'thin':>8}{'middle':>8}{'bulky':>8}"]
    for name, row in rows.items():
        distance = "-" if row["chamfer"] is None else f"{row['chamfer']:.4f}"
        thirds = "".join(f"{row['thirds'].get(third, float('nan')):8.3f}" for third in ("thin", "middle", "bulky"))
        lines.append(f"{name:26}{row['iou']:8.3f}{row['iou_median']:8.3f}{distance:>9}{thirds}")
    return lines
