"""The queue: jobs wait in a list that the panel shows; they are moved, removed and tried again, and each result is one
undo step."""

import bpy
import pytest


def queue_text(extension, *prompts):
    """Text jobs, as pressing Generate in a window so many times queues them; returns their ids."""
    extension.settings.condition, made = "TEXT", []
    for prompt in prompts:
        extension.settings.prompt = prompt
        assert bpy.ops.wala.generate.poll()
        made.append(extension.start().job)
    extension.session.tick()
    return made


def listed(extension):
    return [(item.title, item.state) for item in extension.panel.queue]


def finish(extension):
    extension.poll_until(lambda: not extension.session.current.queue.is_busy)
    extension.session.tick()


def test_jobs_wait_and_come_one_after_another(extension, new_objects):
    queue_text(extension, "a chair", "a table", "a lamp")
    assert listed(extension) == [("a chair", "RUNNING"), ("a table", "WAITING"), ("a lamp", "WAITING")]
    bpy.ops.ed.undo_push(message="Before")
    finish(extension)
    assert new_objects() == ["WaLa a chair", "WaLa a lamp", "WaLa a table"] and listed(extension) == []
    bpy.ops.ed.undo()
    assert new_objects() == ["WaLa a chair", "WaLa a table"]


def test_a_job_goes_first_and_another_is_removed(extension, new_objects):
    _, second, third = queue_text(extension, "a chair", "a table", "a lamp")
    assert bpy.ops.wala.move_job(job=third, places=-1) == {"FINISHED"}
    assert [title for title, _ in listed(extension)] == ["a chair", "a lamp", "a table"]
    assert bpy.ops.wala.remove_job(job=second) == {"FINISHED"}
    assert [title for title, _ in listed(extension)] == ["a chair", "a lamp"]
    finish(extension)
    assert new_objects() == ["WaLa a chair", "WaLa a lamp"]
    assert bpy.ops.wala.remove_job(job=second) == {"CANCELLED"}


def test_cancel_stops_the_job_in_the_worker_and_the_others_go_on(extension, new_objects):
    queue_text(extension, "slow", "a table")
    extension.poll_until(lambda: "step 1" in extension.panel.message)
    with pytest.raises(RuntimeError, match="being made"):
        bpy.ops.wala.check_worker()
    bpy.ops.wala.cancel()
    finish(extension)
    assert new_objects() == ["WaLa a table"] and listed(extension) == []


def test_a_job_that_failed_stays_in_the_list_and_is_tried_again(extension, new_objects):
    failed, _ = queue_text(extension, "fail", "a table")
    finish(extension)
    assert listed(extension) == [("fail", "FAILED")] and new_objects() == ["WaLa a table"]
    assert "Use plain English" in extension.panel.queue[0].problem
    assert bpy.ops.wala.retry_job(job=failed) == {"FINISHED"}
    assert listed(extension) == [("fail", "RUNNING")]
    finish(extension)
    assert listed(extension) == [("fail", "FAILED")]
    assert bpy.ops.wala.remove_job(job=failed) == {"FINISHED"} and listed(extension) == []


def test_a_lost_worker_costs_its_own_job_alone(extension, new_objects):
    queue_text(extension, "die", "a table")
    finish(extension)
    assert new_objects() == ["WaLa a table"] and listed(extension) == [("die", "FAILED")]


def test_unloading_empties_the_queue(extension, new_objects):
    queue_text(extension, "slow", "a table")
    extension.session.unload()
    finish(extension)
    assert new_objects() == [] and not extension.session.current.queue.unfinished
