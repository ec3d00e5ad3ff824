"""Complete training within a budget of minutes: store, both stages, the model's folder, a report."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from accelerate.utils import broadcast_object_list

from ..configuration import read_settings
from ..evaluation.evaluate import evaluate
from ..evaluation.inputs import EVALUATIONS
from ..evaluation.training_set import TrainingShapes
from ..files import write_whole
from ..pipeline import Pipeline, Settings
from ..training.autoencoder_training import AutoencoderTraining
from ..training.autoencoder_training import train as train_autoencoder
from ..training.data.build import build
from ..training.data.dataset import read_index
from ..training.data.mesh_datasets import read_records
from ..training.denoiser_training import DenoiserTraining
from ..training.denoiser_training import train as train_denoiser
from ..training.export import export
from ..training.latents import normalised_latents
from ..training.loop import this_process
from ..training.settings import CONFIGURATIONS

log = logging.getLogger(__name__)

# Shares of the minutes, in the order of the stages; a stage that ends early leaves its rest to the next ones.
PLAN = {"store": 0.2, "autoencoder": 0.35, "denoiser": 0.35, "report": 0.1}
FIRST_SHAPES = 8  # a process, to see how long a shape takes
REPORT_SHAPES = 200


class Clock:
    """Remaining seconds for each stage of PLAN."""

    def __init__(self, minutes: float):
        self._end = time.monotonic() + minutes * 60

    def seconds(self, stage: str) -> float:
        """This stage's share of the time left for it and the later stages; at least a second."""
        names = list(PLAN)
        return (
            max(1.0, self._end - time.monotonic())
            * PLAN[stage]
            / sum(PLAN[name] for name in names[names.index(stage) :])
        )


def build_for(seconds: float, data: Path, store: Path, jobs: int) -> None:
    """Builds as many shapes as the time allows: some to measure the time of one, then the rest. An existing store is
    resumed."""

    def entry_count() -> int:
        index = store / "index.jsonl"
        return len(index.read_bytes().splitlines()) if index.exists() else 0

    began, before, total = time.monotonic(), entry_count(), len(read_records(data))
    limit = before + FIRST_SHAPES * jobs
    while True:
        build(data, store, limit=limit, jobs=jobs)
        spent, new = time.monotonic() - began, entry_count() - before
        log.info("%d new shapes looked at in %.0f s", new, spent)
        more = int((seconds - spent) * new / spent * 0.9)
        if limit >= total or more < jobs:
            return
        limit += min(more, 3 * new)


def report_on(seconds: float, data: Path, store: Path, model: Path, file: Path) -> None:
    """Evaluates the model on as many validation shapes as the time allows, at least one, with baselines and the store's
    shapes."""
    began = time.monotonic()
    pipeline, records = Pipeline.load(str(model.absolute())), read_records(data, "validation")
    conditions, settings = [name for name in pipeline.row.conditions if name in EVALUATIONS], Settings(model=str(model))
    train = TrainingShapes(store)
    report = evaluate(pipeline, records, conditions, 1, settings, train=train)
    each = time.monotonic() - began
    limit = min(REPORT_SHAPES, int((seconds - each) / each))
    if limit > 1:
        report = evaluate(pipeline, records, conditions, limit, settings, train=train)
    write_whole(file, lambda stream: stream.write(json.dumps(report, indent=1).encode()))


def train_all(
    data: Path, out: Path, minutes: float, jobs: int, configurations: tuple[Path | None, Path | None] = (None, None)
) -> Path:
    """Makes OUT/store, OUT/autoencoder, OUT/denoiser, OUT/model and OUT/report.json; returns the last. Stopped, it goes
    on where it was, with as many minutes again for what is left. configurations: of both stages; None takes the shipped
    one for a GPU, or for a CPU."""
    clock, state = Clock(minutes), this_process()
    shipped = "gpu" if state.device.type == "cuda" else "starter"
    first, second = (
        read_settings(kind, file or CONFIGURATIONS / f"{shipped}-{stage}.toml")
        for kind, file, stage in zip(
            (AutoencoderTraining, DenoiserTraining), configurations, ("autoencoder", "denoiser")
        )
    )
    store, runs, model, report = (
        out / "store",
        (out / "autoencoder", out / "denoiser"),
        out / "model",
        out / "report.json",
    )
    out.mkdir(parents=True, exist_ok=True)

    def within(settings, stage: str):
        minutes = broadcast_object_list([clock.seconds(stage) / 60])[0]  # the first process's clock holds for all
        return replace(settings, loop=replace(settings.loop, minutes=minutes, steps=None))

    def alone(work: Callable, *arguments) -> None:
        """In the first process only; the others wait."""
        if state.is_main_process:
            work(*arguments)
        state.wait_for_everyone()

    alone(build_for, clock.seconds("store"), data, store, jobs)
    train_autoencoder(store, runs[0], within(first, "autoencoder"))
    state.wait_for_everyone()
    runs[1].mkdir(exist_ok=True)
    alone(
        normalised_latents, runs[1], read_index(store, "train"), runs[0], None
    )  # before the minutes of stage 2 are counted
    train_denoiser(store, runs[0], runs[1], within(second, "denoiser"))
    alone(export, *runs, model)
    alone(report_on, clock.seconds("report"), data, store, model, report)
    return report
