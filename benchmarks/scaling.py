"""How seconds grow with shapes in a batch, threads, points of a cloud, the codec's resolution, and in either precision.

Processor seconds, but for threads, which need the clock; each table's baseline is its first row, measured in the same
run. Peak memory is that of a process of its own.

    python benchmarks/scaling.py [--tables batch threads points codec precision] [--repeats 3] [--json]
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from wala_blender.conditions.points import prepare  # noqa: E402
from wala_blender.geometry.distance import TRUNCATION  # noqa: E402
from wala_blender.geometry.metrics import iou  # noqa: E402
from wala_blender.models.precision import PRECISIONS  # noqa: E402
from wala_blender.pipeline import Pipeline, Settings  # noqa: E402
from wala_blender.wavelet import field_to_tree, tree_to_field  # noqa: E402

INPUT = ("text", {"prompt": "a chair"})
KIBIBYTES = 1024 if sys.platform != "darwin" else 1  # of ru_maxrss: it is in bytes there
Measurement = dict[str, float]


def seconds(call: Callable[[], object], repeats: int, clock: Callable[[], float] = time.process_time) -> float:
    """The median seconds of a call, after one that warms up."""
    call()
    times = []
    for _ in range(repeats):
        since = clock()
        call()
        times.append(clock() - since)
    return statistics.median(times)


def batch(repeats: int) -> Iterator[Measurement]:
    """Seconds a shape of variations of one text."""
    pipeline = Pipeline.load("starter", "cpu")
    pipeline.generate(*INPUT, Settings())
    alone = 0.0
    for count in (1, 2, 4, 8, 16):
        since = time.process_time()
        pipeline.variations(*INPUT, Settings(), range(count))
        each = (time.process_time() - since) / count
        alone = alone or each
        yield {"shapes": count, "s a shape": each, "÷ one alone": each / alone}


def threads(repeats: int) -> Iterator[Measurement]:
    """Seconds by the clock of a text with one thread and with two: only on a machine with nothing else to do."""
    pipeline, before = Pipeline.load("starter", "cpu"), torch.get_num_threads()
    for count in (1, 2):
        torch.set_num_threads(count)
        yield {
            "threads": count,
            "s": seconds(lambda: pipeline.generate(*INPUT, Settings()), repeats, time.perf_counter),
        }
    torch.set_num_threads(before)


def points(repeats: int) -> Iterator[Measurement]:
    """Seconds that a cloud of points takes to become a condition."""
    for digits in range(3, 8):
        cloud = np.random.default_rng(0).normal(size=(10**digits, 3))
        cloud /= np.linalg.norm(cloud, axis=1, keepdims=True)
        yield {"points": 10**digits, "s": seconds(lambda cloud=cloud: prepare({"points": cloud}), min(repeats, 2))}


def torus(resolution: int) -> torch.Tensor:
    """Truncated distance field (1, R, R, R) of a torus."""
    axis = torch.arange(resolution, dtype=torch.float32) * (2 / resolution) - 1
    around = torch.hypot(axis[:, None, None], axis[None, None]) - 0.6
    return (torch.hypot(around, axis[None, :, None]) - 0.25).clamp(-TRUNCATION, TRUNCATION)[None]


def codec(repeats: int) -> Iterator[Measurement]:
    """Seconds to the wavelet tree and back, and the overlap of what comes back."""
    for resolution in (64, 128, 256, 512):
        field, back = torus(resolution), []
        there = seconds(lambda field=field: back.append(field_to_tree(field)), 1)
        again = seconds(lambda back=back: tree_to_field(back[-1]), 1)
        yield {
            "resolution": resolution,
            "to the tree, s": there,
            "back, s": again,
            "IoU": iou(field[0] < 0, tree_to_field(back[-1])[0] < 0),
        }


def precision(repeats: int) -> Iterator[Measurement]:
    """Seconds of the starter's decoder, and the overlap with float32's shape."""
    pipelines = {name: Pipeline.load("starter", "cpu", precision=name) for name in PRECISIONS}
    latents = [
        pipelines["float32"].generate_latent("text", {"prompt": prompt}, Settings())[0]
        for prompt in ("a house", "a sword")
    ]
    exact = [pipelines["float32"].latent_to_field(latent) < 0 for latent in latents]
    for name, pipeline in pipelines.items():
        overlaps = [iou(pipeline.latent_to_field(latent) < 0, one) for latent, one in zip(latents, exact, strict=True)]
        taken = seconds(lambda pipeline=pipeline: pipeline.decode(latents[0]), repeats)
        yield {"precision": name, "decode, s": taken, "IoU, a house": overlaps[0], "IoU, a sword": overlaps[1]}


TABLES = {"batch": batch, "threads": threads, "points": points, "codec": codec, "precision": precision}


def measure(table: str, repeats: int) -> tuple[list[Measurement], float]:
    """A table's rows, and the GiB that its process had at most."""
    with torch.no_grad():
        rows = list(TABLES[table](repeats))
    return rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTES / 2**30


def main() -> int:
    """Measures the tables, each in a process of its own, and prints them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {}
    for table in options.tables:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures[table] = pool.apply(measure, (table, options.repeats))
        if not options.json:
            rows, memory = figures[table]
            print(f"\n{table}: {TABLES[table].__doc__} Peak memory {memory:.2f} GiB.")
            print("".join(f"{name:>24}" for name in rows[0]))
            for row in rows:
                print(
                    "".join(f"{value:>24.4f}" if isinstance(value, float) else f"{value:>24}" for value in row.values())
                )
    if options.json:
        print(
            json.dumps({table: {"rows": rows, "peak_memory_gib": memory} for table, (rows, memory) in figures.items()})
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
