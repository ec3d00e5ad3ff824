"""Events: their JSON form comes back, and what is no event is refused."""

import json

import pytest

from runtime import events, messages
from runtime.events import (
    BytesEvent,
    CancelledEvent,
    DeliveredEvent,
    DoneEvent,
    FailedEvent,
    StageEvent,
    StartedEvent,
    StepEvent,
    WorkerLostEvent,
    from_json,
)

EXAMPLES = [
    StartedEvent(),
    StageEvent("load", 0, 1, 0),
    StepEvent("sample", 3, 25, 1.5),
    DoneEvent(2.5),
    FailedEvent("x", "Größe", ""),
    FailedEvent("x", "no", "try", "a line"),
    CancelledEvent(),
    CancelledEvent("ended"),
    DeliveredEvent(),
    BytesEvent(1, 2),
    BytesEvent(1, 2, 3.5),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=str)
def test_round_trip(event):
    assert from_json(json.loads(json.dumps(event.to_json()))) == event


def test_the_line_in_a_job_folder_stays_as_it_was():
    assert StepEvent("sample", 3, 25, 1.5, job="ab", time=9.5).to_json() == {
        "time": 9.5,
        "event": "step",
        "stage": "sample",
        "step": 3,
        "steps": 25,
        "seconds": 1.5,
    }
    assert FailedEvent("x", "no", "").to_json() == {"event": "failed", "code": "x", "message": "no", "hint": ""}
    assert WorkerLostEvent("worker-lost", "gone", "", "tail", -9).to_failed().to_json() == {
        "event": "failed",
        "code": "worker-lost",
        "message": "gone",
        "hint": "",
        "log": "tail",
    }


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "done",
        {},
        {"event": None},
        {"event": ["done"]},
        {"event": "dance"},
        {"event": "done"},
        {"event": "done", "seconds": True},
        {"event": "done", "seconds": "soon"},
        {"event": "done", "seconds": float("nan")},
        {"event": "done", "seconds": 10**400},
        {"event": "stage", "stage": 1, "step": 0, "steps": 1, "seconds": 0.0},
        {"event": "started", "time": "now"},
        {"event": "cancelled", "message": 1},
    ],
)
def test_what_is_no_event_is_refused(document):
    with pytest.raises(ValueError):
        from_json(document)


def test_fields_of_a_newer_version_are_left_out():
    assert from_json({"event": "done", "seconds": 1, "mood": "good", "job": "ab"}) == DoneEvent(1)


@pytest.mark.parametrize("kind", events.WORKER_EVENTS)
def test_the_channel_carries_what_the_worker_says(kind):
    [event] = [event for event in EXAMPLES if type(event) is events.WORKER_EVENTS[kind]][:1]
    message = messages.decode(messages.encode(kind, "ab", **event.message_values()))
    assert message == {"type": kind, "job": "ab", **event.message_values()}
