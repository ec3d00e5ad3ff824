"""Progress of a generation: stages, steps, and the seconds of each stage."""

import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # (stage, step counted from 0, steps); may raise to stop


def silent(stage: str, step: int, steps: int) -> None:
    """Progress callback without effect."""


def part_of(progress: Progress, number: int, count: int) -> Progress:
    """Progress of one of ``count`` equal parts, as that of the whole."""
    return lambda stage, step, steps: progress(stage, number * steps + step, count * steps)


class Stopwatch:
    """Passes progress on and records the seconds of each stage; repeated stages are added up."""

    def __init__(self, progress: Progress, timings: dict[str, float]):
        self._progress, self._timings, self._stage, self._since = progress, timings, "", 0.0

    def __call__(self, stage: str, step: int, steps: int) -> None:
        if stage != self._stage:
            self.stop()
            self._stage, self._since = stage, time.perf_counter()
        self._progress(stage, step, steps)

    def stop(self) -> None:
        """End of the last stage."""
        if self._stage:
            self._timings[self._stage] = self._timings.get(self._stage, 0.0) + time.perf_counter() - self._since
        self._stage = ""
