"""The job queue without Blender: one job in the worker, the others wait; each one's end comes out once."""

from dataclasses import replace
from types import SimpleNamespace

import pytest


@pytest.fixture
def runtime(extension_module):
    """The runtime that the queue itself imports."""
    names = ("events", "jobs", "messages", "pace")
    return SimpleNamespace(**{name: extension_module(f"runtime.{name}") for name in names})


class PlayedSupervisor:
    """A worker that does nothing until a test says what happens."""

    def __init__(self):
        self.submitted, self.cancelled, self.events = [], [], []

    def submit(self, folder):
        self.submitted.append(folder.name)

    def cancel(self, job):
        self.cancelled.append(job)
        return True

    def poll(self):
        events, self.events = self.events, []
        return events


@pytest.fixture
def supervisor():
    return PlayedSupervisor()


@pytest.fixture
def queue(extension_module, supervisor):
    """A queue whose worker can always be started; ``refusal`` of the fixture's function changes that."""
    made = extension_module("operators.jobs.job_queue").JobQueue(supervisor, lambda: made.refuse())
    made.refuse = lambda: None
    return made


@pytest.fixture
def ticket(extension_module, runtime, tmp_path):
    """A function that makes a ticket of a job folder that is there."""

    def make():
        request = runtime.jobs.Request(runtime.jobs.new_id(), "starter", "text", {"prompt": "a chair"})
        folder = runtime.jobs.write_job(tmp_path, request, {})
        module = extension_module("operators.jobs.job_queue")
        return module.Ticket(request.id, folder, module.Origin("a chair"), None, runtime.pace.Pace({}))

    return make


def ends(polled):
    return [(ticket.job, event.name) for ticket, event in polled if ticket is not None]


def test_jobs_run_one_after_another(queue, supervisor, runtime, ticket):
    first, second, third = ticket(), ticket(), ticket()
    for one in (first, second, third):
        queue.submit(one)
    assert supervisor.submitted == [first.job] and queue.unfinished == [first, second, third]
    supervisor.events = [runtime.events.DoneEvent(1.0, job=first.job)]
    assert ends(queue.poll()) == [(first.job, "done")]
    assert queue.finished == [first] and queue.running == second and supervisor.submitted == [first.job, second.job]
    supervisor.events = [runtime.events.FailedEvent("bad-input", "no", "", job=second.job)]
    assert ends(queue.poll()) == [(second.job, "failed")]
    assert queue.running == third and queue.finished == [first]
    supervisor.events = [runtime.events.WorkerLostEvent("worker-lost", "gone", "", job=third.job)]
    assert ends(queue.poll()) == [(third.job, "worker-lost")]
    assert not queue.unfinished and queue.is_busy  # the first one's result is to be fetched
    assert queue.folders == [first.folder]


def test_a_waiting_job_is_cancelled_at_once_and_its_folder_says_so(queue, supervisor, runtime, ticket):
    running, waiting = ticket(), ticket()
    queue.submit(running)
    queue.submit(waiting)
    assert queue.cancel(waiting.job) and queue.unfinished == [running]
    assert ends(queue.poll()) == [(waiting.job, "cancelled")] and ends(queue.poll()) == []
    assert runtime.jobs.last_event(waiting.folder) == runtime.events.CancelledEvent()
    assert queue.cancel(running.job) and supervisor.cancelled == [running.job] and queue.running == running


def test_events_of_unknown_jobs_have_no_ticket(queue, supervisor, runtime, ticket):
    queue.submit(ticket())
    supervisor.events = [runtime.events.DoneEvent(1.0, job="f" * 32), runtime.events.WorkerReadyEvent(7)]
    assert [ticket for ticket, _ in queue.poll()] == [None, None] and queue.running


def test_a_job_that_cannot_be_started_is_refused_at_once_or_fails_in_its_turn(queue, supervisor, runtime, ticket):
    def refuse():
        raise runtime.messages.JobFailed("worker-start", "no Python", "Set it up")

    first, second, third = ticket(), ticket(), ticket()
    queue.submit(first)
    queue.submit(second)
    queue.submit(third)
    queue.refuse = refuse
    supervisor.events = [runtime.events.CancelledEvent(job=first.job)]
    polled = queue.poll()
    assert ends(polled) == [(first.job, "cancelled"), (second.job, "failed"), (third.job, "failed")]
    assert polled[-1][1].code == "worker-start" and not queue.is_busy
    with pytest.raises(runtime.messages.JobFailed):
        queue.submit(ticket())
    assert not queue.is_busy


def test_only_the_awaited_jobs_outcome_is_kept(extension_module, queue, ticket):
    outcome = extension_module("operators.jobs.job_queue").Outcome(object="WaLa Chair")
    awaited, other = ticket(), ticket()
    queue.blocking = awaited.job
    for one in (awaited, other):
        queue.conclude(one, outcome)
    assert queue.is_concluded(awaited.job) and not queue.is_concluded(other.job)
    assert queue.take_outcome(awaited.job) == outcome and queue.take_outcome(awaited.job) is None


def test_waiting_jobs_are_moved_and_removed(queue, ticket):
    running, *waiting = [ticket() for _ in range(4)]
    for one in (running, *waiting):
        queue.submit(one)
    first, second, third = waiting
    assert queue.move(third.job, -1) and queue.waiting == [first, third, second]
    assert queue.move(first.job, -1) and queue.waiting == [first, third, second]  # it is the first already
    assert queue.move(first.job, 1) and queue.waiting == [third, first, second]
    assert queue.move(second.job, 1) and queue.waiting == [third, first, second]
    assert not queue.move(running.job, 1) and not queue.move("f" * 32, 1)
    assert queue.remove(first.job) and queue.unfinished == [running, third, second]


def test_a_job_that_failed_is_tried_again_or_forgotten(extension_module, queue, supervisor, runtime, ticket):
    module = extension_module("operators.jobs.job_queue")
    first, second = ticket(), ticket()
    for one in (first, second):
        queue.conclude(one, module.Outcome(error=runtime.messages.JobFailed("bad-input", "no", "Draw")))
    queue.conclude(ticket(), module.Outcome(error=runtime.messages.Cancelled("Cancelled")))
    draft = replace(ticket(), origin=module.Origin("a draft", is_draft=True))
    queue.conclude(draft, module.Outcome(error=runtime.messages.JobFailed("bad-input", "no")))
    assert queue.failed == [(first, "no. Draw"), (second, "no. Draw")] and first.folder in queue.folders
    assert queue.retry(first.job) and queue.running == first and supervisor.submitted == [first.job]
    assert queue.remove(second.job) and queue.failed == []
    assert not queue.retry(second.job)
    for _ in range(20):
        queue.conclude(ticket(), module.Outcome(error=runtime.messages.JobFailed("bad-input", "no")))
    assert len(queue.failed) == module.FAILED_KEPT


def test_a_retry_that_cannot_be_started_stays_in_the_list(extension_module, queue, runtime, ticket):
    def refuse():
        raise runtime.messages.JobFailed("worker-start", "no Python")

    one, module = ticket(), extension_module("operators.jobs.job_queue")
    queue.conclude(one, module.Outcome(error=runtime.messages.JobFailed("bad-input", "no")))
    queue.refuse = refuse
    with pytest.raises(runtime.messages.JobFailed):
        queue.retry(one.job)
    assert queue.failed == [(one, "no")]
