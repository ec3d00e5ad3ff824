"""History of a folder of jobs: what is finished, where it came from, and what is no job."""

import os

import numpy as np
import pytest

from runtime import history, jobs, variations
from runtime.events import DeliveredEvent, DoneEvent
from runtime.messages import JobFailed

TRIANGLE = np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32)


@pytest.fixture
def make(tmp_path):
    """Writes a job with a result, and what came of it."""

    def write(prompt="a chair", events=(DoneEvent(1.0),), picture=b"PNG"):
        folder = jobs.write_job(tmp_path, jobs.Request(jobs.new_id(), "starter", "text", {"prompt": prompt}), {})
        if picture:
            variations.write_thumbnail(folder, picture)
        jobs.write_result(folder, *TRIANGLE, {"seed": 1})
        for event in events:
            jobs.append_event(folder, event)
        return folder

    return write


def test_an_entry_says_what_a_job_was(make):
    folder = make()
    history.write_origin(folder, {"title": "Seat", "settings": {"seed": 4}, "is_draft": False})
    entry = history.read_entry(folder)
    assert (entry.job, entry.title, entry.words, entry.condition) == (folder.name, "Seat", "a chair", "text")
    assert entry.thumbnail.read_bytes() == b"PNG" and entry.is_waiting and entry.has_settings and not entry.is_draft
    assert entry.created[:2] == "20"
    jobs.append_event(folder, DeliveredEvent())
    assert not history.read_entry(folder).is_waiting


def test_a_job_of_another_program_has_its_words_as_title(make):
    entry = history.read_entry(make(picture=b""))
    assert (entry.title, entry.thumbnail, entry.has_settings) == ("a chair", None, False)


def test_what_has_no_result_is_no_entry(make, tmp_path):
    folder, broken = make(), make()
    (folder / jobs.RESULT / jobs.RECORD).unlink()
    (broken / jobs.REQUEST).write_text("{")
    history.write_origin(folder, {"title": "Seat"})
    assert history.read_entry(folder) is None and history.read_entry(broken) is None
    assert history.read_entry(tmp_path / "nothing") is None
    (folder / history.ORIGIN).write_text("[]")
    assert history.read_origin(folder) == {}


def test_folders_are_in_order_and_others_are_left_out(make, tmp_path):
    first, second = make(), make()
    os.utime(first / jobs.INPUTS, (10, 10))
    (tmp_path / "my chairs").mkdir()
    assert history.folders(tmp_path) == [second, first] and history.folders(tmp_path / "nowhere") == []
    history.remove(first)
    history.remove(first)
    assert history.folders(tmp_path) == [second]


def test_an_origin_that_is_no_plain_data_is_refused(make):
    with pytest.raises(JobFailed):
        history.write_origin(make(), {"settings": object()})
