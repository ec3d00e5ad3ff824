"""How long jobs hold Blender's main thread, by part, and what they leave in its memory.

Runs headless Blender with the real extension, worker and model. Jobs of a blockout are started and polled as in a
window, ten in a row: `press` is Generate with capture and job folder, `deliver` a tick's part that brings a mesh, the
others are parts of every tick. Redraws are not in it. Then the memory of Blender's process after a few and after many
jobs whose objects are deleted. Wall time, and the thread's processor time, which other programs do not add to.

    python benchmarks/main_thread.py [--jobs 10] [--memory-jobs 50] [--faces 20000] [--json]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY)]

INTERVAL = 0.05  # seconds between two ticks
WARM = 5  # jobs before the first look at the memory
P99, WORST = 0.016, 0.100  # seconds: the bars
Times = dict[str, list[tuple[float, float]]]


def timed(owner, name: str, part: str, times: Times) -> None:
    """Replace a function of a module or an object by one that records its times."""
    function = getattr(owner, name)

    def call(*arguments, **more):
        start = time.perf_counter(), time.thread_time()
        try:
            return function(*arguments, **more)
        finally:
            times[part].append((time.perf_counter() - start[0], time.thread_time() - start[1]))

    setattr(owner, name, call)


def resident() -> float:
    """Megabytes of this process in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(jobs: int, memory_jobs: int, faces: int) -> dict:
    """The figures: [p99, longest, longest of processor time] in milliseconds by part, and megabytes."""
    import bpy

    from demo import inputs, stage

    module = sys.modules
    session = module[f"{stage.PACKAGE}.operators.jobs.session"]
    submit = module[f"{stage.PACKAGE}.operators.jobs.submit"]
    current, times = session.current, defaultdict(list)
    settings = bpy.context.scene.wala
    settings.condition, settings.faces, settings.preview = "VOXELS", faces, True

    def press(names) -> None:
        for item in bpy.context.view_layer.objects:
            item.select_set(item.name in names)
        bpy.context.view_layer.objects.active = bpy.data.objects[names[0]]
        submit.start(bpy.context, settings)

    def wait() -> None:
        while current.queue.is_busy:
            session.tick()
            time.sleep(INTERVAL)

    names = stage.add_blockout(inputs.blockout(), np.zeros(3))
    press(names)
    wait()  # the worker starts, the model loads
    parts = {
        "queue": (current.queue, "poll"),
        "deliver": (session.results, "_deliver"),
        "housekeeping": (session, "_housekeeping"),
        "history": (current.history, "poll"),
        "preview": (current.preview, "poll"),
        "words": (current.unknown_words, "poll"),
        "thumbnails": (current.thumbnails, "show"),
        "followers": (current.source_follower, "poll"),
        "tick": (session, "tick"),
    }
    if "_deliver" not in vars(session.results):
        raise SystemExit("the delivery has another name")
    for part, (owner, name) in parts.items():
        timed(owner, name, part, times)
    for _ in range(jobs):
        start = time.perf_counter(), time.thread_time()
        press(names)
        times["press"].append((time.perf_counter() - start[0], time.thread_time() - start[1]))
        wait()
    results = [item for item in bpy.data.objects if item.get("wala_job")]
    figures: dict = {"results": len(results) - 1, "faces": max(len(item.data.polygons) for item in results)}
    for part, values in times.items():
        walls = sorted(wall for wall, _ in values)
        figures[part] = [
            1e3 * walls[int(len(walls) * 0.99)],
            1e3 * walls[-1],
            1e3 * max(processor for _, processor in values),
        ]
    settings.preview, settings.steps, settings.quality = False, 2, "DRAFT"
    for number in range(memory_jobs):
        if number == WARM:
            figures["megabytes_before"] = resident()
        press(names)
        wait()
        for item in [item for item in bpy.data.objects if item.get("wala_job")]:
            mesh = item.data
            bpy.data.objects.remove(item)
            bpy.data.meshes.remove(mesh)
        bpy.context.view_layer.update()
    figures["megabytes_after"] = resident()
    return figures


def main() -> int:
    """Prints the figures; exit code 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--memory-jobs", type=int, default=50)
    parser.add_argument("--faces", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        from demo import stage  # Blender starts here, and reads the variable
        from demo.package import build_zip

        stage.empty_scene(64, 1)
        stage.install(build_zip(Path(folder)))
        try:
            figures = run(options.jobs, options.memory_jobs, options.faces)
        finally:
            stage.uninstall()
    if options.json:
        print(json.dumps(figures))
    else:
        print(f"{'milliseconds':14}{'p99':>9}{'longest':>9}{'processor':>11}")
        for name, value in figures.items():
            if isinstance(value, list):
                print(f"{name:14}{value[0]:9.2f}{value[1]:9.2f}{value[2]:11.2f}")
        for name, value in figures.items():
            if not isinstance(value, list):
                print(f"{name:18}{value:10.0f}")
    return int(figures["tick"][0] > 1e3 * P99 or figures["tick"][1] > 1e3 * WORST)


if __name__ == "__main__":
    sys.exit(main())
