"""Remaining time of a job, estimated from the stage times of recent similar jobs."""

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from . import jobs
from .events import DoneEvent, Event, StageEvent, StartedEvent, StepEvent
from .messages import JobFailed

# A stage's name and its occurrence: a job of two models loads twice.
Stage = tuple[str, int]

JOBS_READ, JOBS_USED = 20, 3
LONGEST_SECONDS = 1e7  # no job takes that long


def expected_stages(parent: Path, request: jobs.Request) -> dict[Stage, float]:
    """The stages, in order, and the seconds that each took in the newest finished jobs in ``parent`` that did as much;
    {} when there are none.

    As much: of the same model and condition, with the same steps, an edit as strong. Damaged folders are passed over.
    """
    found: list[dict[Stage, float]] = []
    for folder in _newest(parent):
        seconds = _stages_of(folder, request)
        if seconds:
            found.append(seconds)
        if len(found) == JOBS_USED:
            break
    # A stage of only some jobs, such as loading, keeps its position.
    ordered = sorted(found, key=len, reverse=True)
    return {
        stage: median(job[stage] for job in found if stage in job)
        for stage in dict.fromkeys(stage for job in ordered for stage in job)
    }


def _newest(parent: Path) -> list[Path]:
    try:
        found = [(entry.stat().st_mtime, entry.path) for entry in os.scandir(parent) if jobs.ID.fullmatch(entry.name)]
    except OSError:
        return []
    return [Path(path) for _, path in sorted(found, reverse=True)[:JOBS_READ]]


def _stages_of(folder: Path, request: jobs.Request) -> dict[Stage, float]:
    try:
        other = jobs.read_request(folder)
        events = jobs.read_events(folder)
    except (JobFailed, OSError):
        return {}
    same = all(
        getattr(other, name) == getattr(request, name) for name in ("model", "condition", "steps", "fit", "variations")
    )
    same = same and other.edit.get("strength") == request.edit.get("strength")
    return stage_seconds(events) if same else {}


def stage_seconds(events: Iterable[Event]) -> dict[Stage, float]:
    """The stages of a job's last run and their seconds, from its events; {} unless it was done."""
    begun: list[tuple[str, float]] = []
    for event in events:
        if isinstance(event, StartedEvent):
            begun = []
        elif (
            isinstance(event, (StageEvent, DoneEvent))
            and not isinstance(event, StepEvent)
            and 0 <= event.seconds < LONGEST_SECONDS
        ):
            begun.append((getattr(event, "stage", ""), event.seconds))
            if isinstance(event, DoneEvent):
                return _numbered([(stage, until - since) for (stage, since), (_, until) in itertools.pairwise(begun)])
    return {}


def _numbered(stages: Sequence[tuple[str, float]]) -> dict[Stage, float]:
    names = [stage for stage, _ in stages]
    return {(stage, names[:place].count(stage)): max(seconds, 0.0) for place, (stage, seconds) in enumerate(stages)}


class Pace:
    """Time estimate of one job, updated by its "stage" and "step" events."""

    def __init__(self, expected: Mapping[Stage, float]):
        self._expected = dict(expected)
        self._stage: Stage = ("", 0)
        self._begun: dict[Stage, float] = {}

    def left(self, event: StageEvent) -> float | None:
        """Seconds to the job's end, as of this event; None without earlier jobs to compare with. Its "seconds" are the
        worker's, since it began the job."""
        if event.stage != self._stage[0]:
            self._stage = event.stage, sum(name == event.stage for name, _ in self._begun)
            self._begun[self._stage] = event.seconds
        if self._stage not in self._expected:
            return None
        elapsed = event.seconds - self._begun[self._stage]
        stages = list(self._expected)
        later = sum(
            self._expected[stage] for stage in stages[stages.index(self._stage) + 1 :] if stage not in self._begun
        )
        return self._rest(event.step, event.steps, elapsed) + later

    def _rest(self, step: int, steps: int, elapsed: float) -> float:
        """Rest of the current stage: at its own pace, as soon as it has one."""
        if step > 0 and steps > 1:
            return elapsed / step * max(steps - step, 0)
        return max(self._expected[self._stage] - elapsed, 0.0)


def describe_duration(seconds: float) -> str:
    """A rough time, such as "about 40 s" or "about 3 min"; "a moment" below a second."""
    if seconds < 1:
        return "a moment"
    if seconds < 90:
        return f"about {seconds if seconds < 10 else 5 * round(seconds / 5):.0f} s"
    return f"about {seconds / 60:.0f} min"
