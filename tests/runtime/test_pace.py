"""Time left: what earlier jobs say of a new one, and how a job's own pace corrects it."""

import pytest

from runtime import jobs
from runtime.events import CancelledEvent, DoneEvent, Event, StageEvent, StartedEvent, StepEvent
from runtime.pace import Pace, describe_duration, expected_stages, stage_seconds

STAGES = {"load": 3.0, "condition": 1.0, "sample": 8.0, "fit": 10.0, "decode": 2.0, "surface": 4.0}


def events_of(stages: dict[str, float], last: type = DoneEvent) -> list[Event]:
    """As a worker writes them, with a step in the middle of every stage."""
    events, now = [StartedEvent()], 0.0
    for stage, seconds in stages.items():
        events += [StageEvent(stage, 0, 4, now), StepEvent(stage, 2, 4, now + seconds / 2)]
        now += seconds
    return [*events, last(now) if last is DoneEvent else last()]


def write_job(parent, stages=None, last=DoneEvent, **changes) -> jobs.Request:
    request = jobs.Request(
        **{"id": jobs.new_id(), "model": "starter", "condition": "text", "inputs": {"prompt": "a chair"}} | changes
    )
    folder = jobs.write_job(parent, request, {})
    for event in events_of(stages or STAGES, last):
        jobs.append_event(folder, event)
    return request


def test_stages_of_a_job_are_timed_by_its_events():
    assert stage_seconds(events_of(STAGES)) == {(stage, 0): seconds for stage, seconds in STAGES.items()}
    twice = [*events_of({"load": 9.0})[:-1], *events_of({"load": 1.0})]
    assert stage_seconds(twice) == {("load", 0): 1.0}
    two_models = [StageEvent(stage, 0, 1, now) for now, stage in enumerate(("load", "views", "load", "sample"))]
    assert stage_seconds([*two_models, DoneEvent(4)]) == {
        ("load", 0): 1,
        ("views", 0): 1,
        ("load", 1): 1,
        ("sample", 0): 1,
    }


@pytest.mark.parametrize(
    "events", [[], events_of(STAGES, CancelledEvent), [DoneEvent(3)], [StageEvent("load", 0, 1, -1.0), DoneEvent(1e9)]]
)
def test_what_was_not_finished_or_not_timed_tells_nothing(events):
    assert not stage_seconds(events)


def test_jobs_that_did_as_much_are_the_measure(tmp_path):
    request = write_job(tmp_path)
    warm = {stage: 2 * seconds for stage, seconds in STAGES.items() if stage != "load"}
    write_job(tmp_path, warm)
    write_job(tmp_path, warm)
    for other in ({"steps": 400}, {"fit": 0}, {"model": "large"}, {"condition": "none"}):
        write_job(tmp_path, {"sample": 1000.0}, **other)
    write_job(tmp_path, {"sample": 1000.0}, CancelledEvent)
    (tmp_path / jobs.new_id()).mkdir()
    damaged = tmp_path / write_job(tmp_path).id
    (damaged / jobs.REQUEST).write_text("{")
    found = expected_stages(tmp_path, request)
    assert list(found) == [(stage, 0) for stage in STAGES]
    assert found == {("load", 0): 3.0, **{(stage, 0): seconds for stage, seconds in warm.items()}}
    assert expected_stages(tmp_path, jobs.Request(jobs.new_id(), "starter", "text", {}, steps=3)) == {}
    assert expected_stages(tmp_path / "gone", request) == {}


def test_time_left_is_of_the_whole_job():
    """A job that goes as the earlier ones did is told the truth at every event, and one that is half as fast learns it
    by its steps."""
    expected, whole = {(stage, 0): seconds for stage, seconds in STAGES.items()}, sum(STAGES.values())
    pace = Pace(expected)
    for event in events_of(STAGES)[1:-1]:
        assert pace.left(event) == pytest.approx(whole - event.seconds)
    slow = Pace(expected)
    assert slow.left(StageEvent("sample", 0, 4, 0.0)) == pytest.approx(24)
    assert slow.left(StepEvent("sample", 1, 4, 4.0)) == pytest.approx(12 + 16)
    assert slow.left(StageEvent("surface", 0, 1, 90.0)) == pytest.approx(4)


def test_what_no_job_tells_is_not_guessed():
    stage = StageEvent("load", 0, 1, 0.0)
    assert Pace({}).left(stage) is None
    pace = Pace({("sample", 0): 5.0})
    assert pace.left(stage) is None and pace.left(StageEvent("sample", 0, 1, 60.0)) == 5.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "a moment"), (3.4, "about 3 s"), (43.0, "about 45 s"), (89.0, "about 90 s"), (170.0, "about 3 min")],
)
def test_times_are_rough(seconds, words):
    assert describe_duration(seconds) == words


def test_a_worker_writes_the_seconds(tmp_path):
    from runtime.job_runner import run_job

    class Loader:
        @staticmethod
        def get():
            return Loader

        @staticmethod
        def run(folder, request, progress):
            progress("sample", 0, 2)
            progress("sample", 1, 2)
            progress("decode", 0, 1)

    folder = jobs.write_job(tmp_path, jobs.Request(jobs.new_id(), "starter", "none", {}), {})
    said = []
    run_job(folder, Loader, said.append, lambda: False)
    assert list(stage_seconds(jobs.read_events(folder))) == [("sample", 0), ("decode", 0)]
    seconds = [event.seconds for event in said if isinstance(event, StageEvent)]
    assert len(seconds) == 3 and sorted(seconds) == seconds and seconds[0] >= 0
