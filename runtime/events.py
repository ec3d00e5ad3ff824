"""Events of a job, the worker, its set-up and model downloads: frozen dataclasses, with a JSON form for job folders and
the channel."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import ClassVar

MAX_NUMBER = 2**63


@dataclass(frozen=True, kw_only=True)
class Event:
    """``job``: the job's id, None where no job is meant. ``time``: seconds since 1970 when it was written into a job
    folder, 0.0 before that."""

    name: ClassVar[str] = ""
    job: str | None = field(default=None)
    time: float = field(default=0.0, compare=False)

    @classmethod
    def message_fields(cls) -> dict[str, type]:
        """The fields that the worker sends with the event, with their types: those without a default."""
        return {item.name: item.type for item in dataclasses.fields(cls) if item.default is dataclasses.MISSING}

    def message_values(self) -> dict:
        """The values of these fields."""
        return {name: getattr(self, name) for name in self.message_fields()}

    def to_json(self) -> dict:
        """A line of events.ndjson as a dict: "event", "time" once it is set, the required fields, and the others that
        are not empty."""
        values = {
            item.name: getattr(self, item.name) for item in dataclasses.fields(self) if item.name not in ("job", "time")
        }
        kept = {
            name: value for name, value in values.items() if name in self.message_fields() or value not in ("", None)
        }
        return {**({"time": self.time} if self.time else {}), "event": self.name, **kept}


@dataclass(frozen=True)
class StartedEvent(Event):
    """The worker begins the job."""

    name: ClassVar[str] = "started"


@dataclass(frozen=True)
class StageEvent(Event):
    """A stage of the job begins. ``seconds``: since the worker began the job."""

    name: ClassVar[str] = "stage"
    stage: str
    step: int
    steps: int
    seconds: float


@dataclass(frozen=True)
class StepEvent(StageEvent):
    """Step ``step`` of ``steps`` of the stage begins, counted from 0."""

    name: ClassVar[str] = "step"


@dataclass(frozen=True)
class DoneEvent(Event):
    """The job's result is in its folder."""

    name: ClassVar[str] = "done"
    seconds: float


@dataclass(frozen=True)
class FailedEvent(Event):
    """A job, a set-up or a download failed. ``code``, ``message`` and ``hint`` as in JobFailed; ``log``: the last lines
    of its output."""

    name: ClassVar[str] = "failed"
    code: str
    message: str
    hint: str
    log: str = ""


@dataclass(frozen=True)
class WorkerLostEvent(FailedEvent):
    """The worker process ended unexpectedly. ``exit_code``: None if it no longer answers."""

    name: ClassVar[str] = "worker-lost"
    exit_code: int | None = None

    def to_failed(self) -> FailedEvent:
        """How a job folder notes it."""
        return FailedEvent(self.code, self.message, self.hint, self.log, job=self.job)


@dataclass(frozen=True)
class CancelledEvent(Event):
    """A job, a set-up, a check or a download was cancelled. ``message``: a further remark, or ""."""

    name: ClassVar[str] = "cancelled"
    message: str = ""


@dataclass(frozen=True)
class DeliveredEvent(Event):
    """Last event of a job, written by Blender: its result is in the scene, or was discarded."""

    name: ClassVar[str] = "delivered"


@dataclass(frozen=True)
class WorkerReadyEvent(Event):
    """The worker was started and answers."""

    name: ClassVar[str] = "worker-ready"
    pid: int


@dataclass(frozen=True)
class WorkerSilentEvent(Event):
    """No progress, or no answer, for ``seconds``; ``stage``: the job's, "" before the first one and without a job."""

    name: ClassVar[str] = "worker-silent"
    seconds: float
    stage: str


@dataclass(frozen=True)
class SetupStageEvent(Event):
    """A stage of the worker's set-up begins: number ``index`` of ``count``, counted from 0."""

    name: ClassVar[str] = "setup-stage"
    stage: str
    title: str
    index: int
    count: int


@dataclass(frozen=True)
class LineEvent(Event):
    """A line of a subprocess's output."""

    name: ClassVar[str] = "line"
    text: str


@dataclass(frozen=True)
class BytesEvent(Event):
    """Progress of a download."""

    name: ClassVar[str] = "bytes"
    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class EnvironmentBuiltEvent(Event):
    """The worker's environment is complete; ``python``: its program."""

    name: ClassVar[str] = "done"
    python: str


@dataclass(frozen=True)
class ModelsDoneEvent(Event):
    """A `wala models` command is done. ``rows``: the listed models, None without a list; ``note``: a remark, or ""."""

    name: ClassVar[str] = "done"
    rows: list[dict] | None = None
    note: str = ""


# Events of a job from the worker, and those that end it.
WORKER_EVENTS: dict[str, type[Event]] = {
    kind.name: kind for kind in (StartedEvent, StageEvent, StepEvent, DoneEvent, FailedEvent, CancelledEvent)
}
LAST_EVENTS = (DoneEvent, FailedEvent, CancelledEvent)
_READABLE = WORKER_EVENTS | {kind.name: kind for kind in (DeliveredEvent, BytesEvent)}


def from_json(document: object) -> Event:
    """The event that ``to_json`` gave, or that a program printed; fields of other versions are left out. Raises
    ValueError for anything else."""
    kind = (
        _READABLE.get(document.get("event"))
        if isinstance(document, Mapping) and isinstance(document.get("event"), str)
        else None
    )
    if kind is None:
        raise ValueError(f"no event: {str(document)[:60]!r}")
    values = {
        item.name: document[item.name]
        for item in dataclasses.fields(kind)
        if item.name in document and item.name != "job"
    }
    types = {item.name: item.type for item in dataclasses.fields(kind)}
    for name in {*kind.message_fields(), *values}:
        if name not in values or not _is_of_type(values[name], types[name]):
            raise ValueError(f"{kind.name}.{name} is {str(values.get(name))[:60]!r}")
    return kind(**values)


def _is_of_type(value: object, expected: type | UnionType) -> bool:
    if isinstance(value, bool) or not isinstance(
        value, expected | int if expected in (float, float | None) else expected
    ):
        return False
    return value is None or isinstance(value, str) or abs(value) < MAX_NUMBER  # also false for NaN
