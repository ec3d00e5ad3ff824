"""Seconds and memory of a generation, stage by stage, with the model's default settings, for each of its conditions.

The inputs are those that an evaluation derives from a shape, here the demo's chair. Seconds are medians; beside them,
as a measure of the machine taken in the same run, the seconds of decoding a latent, and how many of those a whole
generation takes. Loading the model is its own line and not in the others.

    python benchmarks/generate.py [--model starter] [--quality draft] [--device auto] [--repeats 2]
                                  [--conditions text voxels …] [--json]
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from demo import inputs  # noqa: E402
from wala_blender.errors import InputError  # noqa: E402
from wala_blender.evaluation.inputs import EVALUATIONS, trials_of  # noqa: E402
from wala_blender.evaluation.shapes import Shape, read_shape  # noqa: E402
from wala_blender.geometry.meshes import write_mesh  # noqa: E402
from wala_blender.geometry.surface import field_to_mesh  # noqa: E402
from wala_blender.models.records import known_row, models_folder  # noqa: E402
from wala_blender.pipeline import QUALITIES, Pipeline, Settings  # noqa: E402
from wala_blender.training.data.mesh_datasets import Record  # noqa: E402

STAGES = ("condition", "sample", "fit", "decode", "detail", "refine", "surface")
KIBIBYTES = 1024 if sys.platform != "darwin" else 1  # of ru_maxrss: it is in bytes there


def chair_mesh() -> tuple[np.ndarray, np.ndarray]:
    """The demo's chair, +Y up: vertices (V, 3), faces (F, 3)."""
    vertices, quads = inputs.solid(inputs.chair())
    x, y, z = vertices.T
    return np.stack([x, z, -y], -1), quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def reference() -> Shape:
    """The chair as an evaluation's reference, with the prompt as its caption."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chair.obj"
        write_mesh(file, *chair_mesh(), {})
        return read_shape(Record("demo/chair", file, 0, inputs.PROMPT, (), "chair", "", (), ""), None)


def input_of(condition: str, shape: Shape, views: Sequence[int]) -> dict:
    """The condition's raw input as an evaluation derives it; of several variants the first."""
    trial = next(iter(trials_of([condition], views).values()))
    return trial.make(shape, np.random.default_rng(0))


def peak_memory(device: torch.device) -> float:
    """GiB that the process has had at most: on the GPU where it works there, else of main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTES / 2**30


def clock_of(pipeline: Pipeline) -> Callable[[], float]:
    """Processor seconds on the CPU, so that what else the machine does counts less; the clock's where a GPU works."""
    return time.process_time if pipeline.device.type == "cpu" else time.perf_counter


def once(pipeline: Pipeline, condition: str, input: dict, settings: Settings) -> dict[str, float]:
    """Seconds of each stage. An empty result, as an untrained model gives, has been through the surface stage all the
    same."""
    clock = clock_of(pipeline)
    timings, last = {}, ["", clock()]

    def progress(stage: str, step: int, steps: int) -> None:
        if stage != last[0]:
            if pipeline.device.type == "cuda":
                torch.cuda.synchronize()
            now = clock()
            if last[0]:
                timings[last[0]] = now - last[1]
            last[:] = stage, now

    try:
        pipeline.generate(condition, input, settings, progress)
    except InputError:
        pass
    progress("", 0, 1)
    return timings


def decode_seconds(pipeline: Pipeline, repeats: int) -> float:
    """The baseline: median seconds of a latent's way to a distance field, and once to a surface to warm up."""
    latent, times, clock = (
        torch.randn(4, 12, 12, 12, generator=torch.Generator().manual_seed(0)),
        [],
        clock_of(pipeline),
    )
    for _ in range(repeats + 1):
        since = clock()
        field = pipeline.latent_to_field(latent)
        if pipeline.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(clock() - since)
    try:
        field_to_mesh(field)
    except InputError:
        pass
    return statistics.median(times[1:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="starter")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--quality", choices=QUALITIES, default="normal", help="draft is that of a live preview")
    parser.add_argument("--conditions", nargs="*", metavar="NAME", help="default: all of the model's")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    since = time.perf_counter()
    pipeline = Pipeline.load(options.model, options.device)
    figures = {
        "device": str(pipeline.device),
        "threads": torch.get_num_threads(),
        "load": time.perf_counter() - since,
        "conditions": {},
    }
    settings = Settings(options.model, quality=options.quality)
    figures["baseline"] = baseline = decode_seconds(pipeline, options.repeats)
    shape, known = reference(), known_row(options.model, models_folder()).conditions
    for condition in options.conditions or [name for name in known if name in EVALUATIONS]:
        raw = input_of(condition, shape, pipeline.denoiser.views)
        runs = [once(pipeline, EVALUATIONS[condition][0], raw, settings) for _ in range(options.repeats)]
        stages = {stage: statistics.median(run.get(stage, 0.0) for run in runs) for stage in STAGES}
        figures["conditions"][condition] = {
            **stages,
            "all": sum(stages.values()),
            "to_baseline": sum(stages.values()) / baseline,
        }
    figures["peak_memory_gib"] = peak_memory(pipeline.device)
    if options.json:
        print(json.dumps(figures))
        return 0
    print(
        f"{options.model} on {figures['device']}, {figures['threads']} threads: loading {figures['load']:.2f} s, "
        f"one decoding (the baseline) {baseline:.2f} s, peak memory {figures['peak_memory_gib']:.2f} GiB"
    )
    print(f"{'seconds':12}" + "".join(f"{name:>11}" for name in (*STAGES, "all", "÷ baseline")))
    for condition, row in figures["conditions"].items():
        print(f"{condition:12}" + "".join(f"{value:11.2f}" for value in row.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
