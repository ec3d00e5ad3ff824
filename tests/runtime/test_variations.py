"""Variations in a job folder: written, listed, read, forgotten with an earlier run; no link is followed."""

import numpy as np
import pytest

from runtime import jobs, variations
from runtime.messages import JobFailed

FACES = np.array([[0, 1, 2]], np.int32)
PICTURE = b"\x89PNG a picture"


def triangle(size):
    return np.eye(3, dtype=np.float32) * size


@pytest.fixture
def folder(tmp_path):
    """A job of three variations."""
    request = jobs.Request(jobs.new_id(), "starter", "text", {"prompt": "a chair"}, variations=3)
    path = jobs.write_job(tmp_path, request, {})
    for number in (2, 1, 0):
        variations.write_variation(path, number, triangle(number + 1), FACES, {"seed": number}, PICTURE)
    return path


def test_the_first_is_the_jobs_own_result(folder):
    assert jobs.read_request(folder).variations == 3
    for number in range(3):
        result = jobs.read_result(variations.folder_of(folder, number))
        assert result.record == {"seed": number} and result.vertices.max() == number + 1
    assert jobs.read_result(folder).record == {"seed": 0}
    pictures = variations.thumbnails(folder)
    assert len(pictures) == 3 and all(path.read_bytes() == PICTURE for path in pictures)


def test_a_new_run_forgets_them(folder):
    jobs.forget_result(folder)
    variations.forget_variations(folder)
    variations.forget_variations(folder)
    assert variations.thumbnails(folder) == [] and not (folder / variations.FOLDER).exists()
    with pytest.raises(JobFailed):
        jobs.read_result(variations.folder_of(folder, 1))


def test_no_link_is_followed(folder, tmp_path):
    variations.forget_variations(folder)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").write_text("stays")
    (folder / variations.FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JobFailed):
        variations.write_variation(folder, 1, triangle(1), FACES, {}, PICTURE)
    with pytest.raises(JobFailed):
        variations.forget_variations(folder)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["mine"]


@pytest.mark.parametrize("count", [0, -1, 65, 1.5, True, "3", None])
def test_a_number_of_variations_that_makes_no_sense_is_refused(tmp_path, count):
    request = jobs.Request(jobs.new_id(), "starter", "text", {"prompt": "a chair"}, variations=count)
    with pytest.raises(JobFailed) as caught:
        jobs.write_job(tmp_path, request, {})
    assert caught.value.code == "job-invalid"
