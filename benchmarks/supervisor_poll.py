"""How long the supervisor's poll() holds Blender's main thread: the longest single call, from the worker's start to its
death.

Runs jobs of the tests' scripted engine with as many steps as a real one, kills the worker in the last job, and polls as
Blender's timer does. The budget is 5 ms. Beside it, as a measure of the machine's own unrest, the longest of as many
calls of a function that reads one small file; both are wall time, so another program on the same cores shows in both.
The longest processor time of a poll is free of that, but blind to waiting.

    python benchmarks/supervisor_poll.py [--jobs 5] [--steps 200] [--interval 0.005] [--json]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY)]

from runtime import jobs  # noqa: E402
from runtime.process import WorkerSettings  # noqa: E402
from runtime.supervisor import Supervisor  # noqa: E402

BUDGET = 0.005
ENGINE = "tests.runtime.scripted_engine:ScriptedEngine"


def timed(call: Callable[[], object], times: list[tuple[float, float]]) -> object:
    """The result of ``call``; appends its seconds of wall time and of this thread's processor time to ``times``."""
    start = time.perf_counter(), time.thread_time()
    result = call()
    times.append((time.perf_counter() - start[0], time.thread_time() - start[1]))
    return result


def measure(
    folder: Path, count: int, steps: int, interval: float
) -> tuple[list[tuple[float, float]], list[tuple[float, float]], int]:
    """Times of every poll, of as many baseline calls between them, and the number of events."""
    supervisor, polls, baseline, events = Supervisor(), [], [], []
    supervisor.start(WorkerSettings(sys.executable, str(REPOSITORY), engine=ENGINE, log_folder=str(folder)))
    for number in range(count):
        script = {"steps": steps, "sleep": 0.002} | ({"at": "kill", "when": steps - 1} if number == count - 1 else {})
        supervisor.submit(jobs.write_job(folder, jobs.Request(jobs.new_id(), "starter", "text", script), {}))
    small = folder / "small"
    small.write_bytes(b"x" * 4096)
    while supervisor.state != "stopped":
        events += timed(supervisor.poll, polls)
        timed(small.read_bytes, baseline)
        time.sleep(interval)
    ends = [event.name for event in events if event.name in ("done", "worker-lost")]
    if ends != ["done"] * (count - 1) + ["worker-lost"]:
        raise SystemExit(f"the jobs ended as {ends}")
    return polls, baseline, len(events)


def main() -> int:
    """Prints the figures; exit code 1 if a poll took longer than the budget."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument(
        "--interval", type=float, default=0.005, help="seconds between two polls (Blender's timer: 0.1)"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        polls, baseline, events = measure(Path(folder), options.jobs, options.steps, options.interval)
    walls, longest_baseline = sorted(wall for wall, _ in polls), max(wall for wall, _ in baseline)
    figures = {
        "polls": len(polls),
        "events": events,
        "cores": os.cpu_count(),
        "median_ms": walls[len(walls) // 2] * 1e3,
        "p99_ms": walls[int(len(walls) * 0.99)] * 1e3,
        "longest_ms": walls[-1] * 1e3,
        "longest_processor_ms": max(processor for _, processor in polls) * 1e3,
        "baseline_longest_ms": longest_baseline * 1e3,
        "longest_to_budget": walls[-1] / BUDGET,
        "longest_to_baseline": walls[-1] / longest_baseline,
    }
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:22} {value:10.3f}" if isinstance(value, float) else f"{name:22} {value:10}")
    return int(walls[-1] > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
