"""The job folder: round trips, refusals, and nothing half-written."""

import errno
import io
import json
import os

import numpy as np
import pytest

from runtime import jobs, storage
from runtime.events import CancelledEvent, DoneEvent, StageEvent
from runtime.messages import JobFailed
from runtime.storage import open_plain


def request(**changes):
    plain = {"id": jobs.new_id(), "model": "starter", "condition": "points", "inputs": {"points": "inputs/points.npy"}}
    return jobs.Request(**(plain | changes))


POINTS = {"points.npy": np.arange(12, dtype=np.float32).reshape(4, 3)}
TRIANGLE = (np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32), {"model": "starter"})


def rewrite(folder, **changes):
    path = folder / jobs.REQUEST
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_request_and_arrays_come_back(tmp_path):
    sent = request(
        seed=2**62,
        scale=3.5,
        steps=4,
        placement={"matrix": [[1.0, 0.5], [0, 1]], "name": "Gänse 椅子"},
        inputs={
            "polylines": "inputs/polylines.npz",
            "elevation": 12.5,
            "image": "inputs/sketch.png",
            "prompt": "ein Stuhl ✏",
            "images": ["inputs/sketch.png", "inputs/sketch.png"],
            "views": [3, 6],
        },
    )
    lines = {"points": np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32), "offsets": np.array([0, 3, 7])}
    folder = jobs.write_job(tmp_path / "ein Ordner ñ", sent, {"polylines.npz": lines, "sketch.png": b"\x89PNG"})
    got = jobs.read_request(folder)
    assert got.created and got == jobs.Request(**{**vars(sent), "created": got.created})
    with np.load(folder / "inputs" / "polylines.npz") as arrays:
        for name, array in lines.items():
            np.testing.assert_array_equal(arrays[name], array)
            assert arrays[name].dtype == array.dtype
    assert (folder / "inputs" / "sketch.png").read_bytes() == b"\x89PNG"
    assert os.listdir(folder.parent) == [folder.name]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"schema": jobs.SCHEMA + 1}, "job-newer", f"schema {jobs.SCHEMA + 1}"),
        ({"schema": 0}, "job-invalid", "schema"),
        ({"schema": "1"}, "job-invalid", "schema"),
        ({"colour": "red"}, "job-invalid", "colour"),
        ({"id": "../../x"}, "job-invalid", "id"),
        ({"model": ""}, "job-invalid", "model"),
        ({"condition": None}, "job-invalid", "condition"),
        ({"seed": -1}, "job-invalid", "seed"),
        ({"seed": True}, "job-invalid", "seed"),
        ({"scale": float("nan")}, "job-invalid", "NaN"),
        ({"scale": "big"}, "job-invalid", "scale"),
        ({"steps": 0}, "job-invalid", "steps"),
        ({"steps": 2.5}, "job-invalid", "steps"),
        ({"fit": -1}, "job-invalid", "fit"),
        ({"one_piece": 1}, "job-invalid", "one_piece"),
        ({"inputs": ["x"]}, "job-invalid", "inputs"),
        ({"inputs": {"points": [[1, 2]]}}, "job-invalid", "inputs"),
        ({"inputs": {"images": ["inputs/gone.png"]}}, "job-invalid", "gone.png"),
        ({"inputs": {"images": ["inputs/../../secret.png"]}}, "job-invalid", "secret"),
        ({"inputs": {"points": "inputs/../../secret.npy"}}, "job-invalid", "secret"),
        ({"inputs": {"points": "inputs/gone.npy"}}, "job-invalid", "gone.npy"),
        ({"placement": 3}, "job-invalid", "placement"),
        ({"finish": 3}, "job-invalid", "finish"),
        ({"finish": {"faces": [1]}}, "job-invalid", "finish"),
        ({"start": "latent"}, "job-invalid", "start"),
        ({"edit": 3}, "job-invalid", "edit"),
        ({"beside": {"points": 3}}, "job-invalid", "beside"),
        ({"beside": {"points": {"points": "inputs/gone.npy"}}}, "job-invalid", "gone.npy"),
        ({"weights": {"points": 2}}, "job-invalid", "weights"),
        ({"edit": {"mesh": "inputs/gone.npz"}}, "job-invalid", "gone.npz"),
        ({"edit": {"mesh": "inputs/../../secret.npz"}}, "job-invalid", "secret"),
    ],
)
def test_bad_requests_are_refused_with_words(tmp_path, changes, code, words):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    rewrite(folder, **changes)
    with pytest.raises(JobFailed) as caught:
        jobs.read_request(folder)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# What schemas came to know.
OLD = {
    "fit": None,
    "one_piece": None,
    "quality": "normal",
    "variations": 1,
    "finish": {},
    "start": "input",
    "edit": {},
    "beside": {},
    "weights": {},
    "colour": None,
}


@pytest.mark.parametrize(("schema", "known"), [(1, 0), (2, 1), (3, 3), (4, 4), (5, 6), (6, 9)])
def test_requests_of_earlier_schemas_are_still_read_and_get_what_they_wanted(tmp_path, schema, known):
    sent = request(seed=5)
    folder = jobs.write_job(tmp_path, sent, POINTS)
    path = folder / jobs.REQUEST
    document = json.loads(path.read_text("utf-8"))
    lacking = dict(list(OLD.items())[known:])
    assert document.pop("schema") == jobs.SCHEMA and {name: document.pop(name) for name in lacking} == lacking
    path.write_text(json.dumps(document | {"schema": schema}), "utf-8")
    got = jobs.read_request(folder)
    assert (got.id, got.seed, got.inputs, got.fit, got.one_piece) == (sent.id, 5, sent.inputs, None, None)
    assert (got.finish, got.start) == ({} if schema >= 5 else {"topology": "full"}, "input")
    assert got.colour is False


def test_the_shape_to_start_from_is_an_input_too(tmp_path):
    edit = {"mesh": "inputs/edited.npz", "strength": 0.5, "frame": [0.0, 0.0, 0.0, 1.0]}
    mesh = {"vertices": np.eye(3), "faces": np.array([[0, 1, 2]])}
    with pytest.raises(JobFailed, match="no such file"):
        jobs.write_job(tmp_path, request(edit=edit), POINTS)
    folder = jobs.write_job(tmp_path, request(edit=edit), {**POINTS, "edited.npz": mesh})
    got = jobs.read_request(folder)
    assert got.edit == edit and {"edited.npz", *POINTS} == set(jobs.read_inputs(folder, got))


def test_a_job_is_finished_again_in_another_way(tmp_path):
    folder = jobs.write_job(tmp_path, request(seed=5), POINTS)
    with pytest.raises(JobFailed, match="keeps no surface"):
        jobs.finish_again(folder, {"faces": 500})
    jobs.write_surface(folder, np.eye(3), np.array([[0, 1, 2]]), {"model": "starter"})
    assert jobs.read_surface(folder).record == {"model": "starter"}
    changed = jobs.finish_again(folder, {"faces": 500})
    assert (changed.finish, changed.start, changed.seed) == ({"faces": 500}, "surface", 5)
    assert jobs.read_request(folder) == changed
    with pytest.raises(JobFailed, match="finish"):
        jobs.finish_again(folder, {"faces": float("inf")})
    assert jobs.read_request(folder) == changed


def test_quads_and_uvs_come_back_and_wrong_ones_do_not(tmp_path):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    vertices, faces = np.random.default_rng(0).random((5, 3), np.float32), np.array([[0, 1, 2, 3], [1, 2, 3, 4]])
    uvs = np.random.default_rng(1).random((2, 4, 2), np.float32)
    jobs.write_result(folder, vertices, faces, {"model": "starter"}, uvs)
    result = jobs.read_result(folder)
    assert np.array_equal(result.faces, faces) and np.array_equal(result.uvs, uvs)
    with pytest.raises(JobFailed, match="uvs"):
        jobs.write_result(folder, vertices, faces, {}, uvs[:1])
    with pytest.raises(JobFailed, match="faces are"):
        jobs.write_result(folder, vertices, np.zeros((2, 5), int), {})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"schema": 1}', b"[" * 100_000])
def test_damaged_request_is_invalid(tmp_path, content):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    (folder / jobs.REQUEST).write_bytes(content)
    with pytest.raises(JobFailed) as caught:
        jobs.read_request(folder)
    assert caught.value.code == "job-invalid"


def test_missing_folder(tmp_path):
    with pytest.raises(JobFailed) as caught:
        jobs.read_request(tmp_path / "nothing")
    assert caught.value.code == "job-missing"


@pytest.mark.parametrize(
    ("bad", "files"),
    [
        ({"seed": -1}, POINTS),
        ({"placement": {"x": float("inf")}}, POINTS),
        ({"placement": {"x": object}}, POINTS),
        ({}, {}),
        ({}, {"../points.npy": POINTS["points.npy"]}),
        ({}, {"points.npy": np.array([object()])}),
    ],
)
def test_a_bad_job_is_not_written(tmp_path, bad, files):
    with pytest.raises((JobFailed, ValueError, TypeError)):
        jobs.write_job(tmp_path, request(**bad), files)
    assert os.listdir(tmp_path) == []


def test_an_existing_job_is_not_overwritten(tmp_path):
    one = request()
    folder = jobs.write_job(tmp_path, one, POINTS)
    with pytest.raises(JobFailed) as caught:
        jobs.write_job(tmp_path, one, {"points.npy": np.zeros((1, 3))})
    assert caught.value.code == "job-exists"
    np.testing.assert_array_equal(np.load(folder / "inputs" / "points.npy"), POINTS["points.npy"])


class FullDisk(io.BytesIO):
    """Takes ``room`` bytes, then is full."""

    room = 0

    def write(self, data):
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.fixture
def full_disk(monkeypatch):
    """Makes storage's and jobs' files full after ``room`` bytes each; the files exist on disk, as on a real full
    disk."""

    def fill(room, only=""):
        def opened(path, mode):
            if mode == "rb" or only not in str(path):
                return open_plain(path, mode)
            open_plain(path, mode).close()
            file = FullDisk()
            file.room = room
            return file

        for module in (storage, jobs):
            monkeypatch.setattr(module, "open_plain", opened)

    return fill


@pytest.mark.parametrize(("room", "only"), [(0, ""), (100, ""), (0, "request.json")])
def test_full_disk_leaves_no_job_folder(tmp_path, full_disk, room, only):
    full_disk(room, only)
    with pytest.raises(JobFailed) as caught:
        jobs.write_job(tmp_path, request(), POINTS)
    assert caught.value.code == "disk-full"
    assert "disk is full" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_full_disk_keeps_the_former_result(tmp_path, full_disk):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    jobs.write_result(folder, *TRIANGLE)
    full_disk(50)
    with pytest.raises(JobFailed) as caught:
        jobs.write_result(folder, TRIANGLE[0] * 2, *TRIANGLE[1:])
    assert caught.value.code == "disk-full"
    with pytest.raises(JobFailed):
        jobs.append_event(folder, CancelledEvent("x" * 100))
    np.testing.assert_array_equal(jobs.read_result(folder).vertices, TRIANGLE[0])
    assert sorted(os.listdir(folder / "result")) == ["mesh.npz", "result.json"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize(
    "content",
    [np.zeros((4, 12, 12, 12), np.float32), {"vertices": np.zeros((90, 3))}, b"x"],
    ids=["array", "arrays", "bytes"],
)
def test_a_really_full_device_is_told(tmp_path, monkeypatch, content):
    """numpy, left to itself, only says how many numbers of an array it could not write."""
    monkeypatch.setattr(storage, "open_plain", lambda path, mode: open("/dev/full", "wb"))
    with pytest.raises(OSError) as caught:
        storage.write_file(tmp_path / "x", storage.writer(content))
    assert storage.write_failure(caught.value, tmp_path / "x").code == "disk-full"


def test_events_skip_torn_lines(tmp_path):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    assert jobs.read_events(folder) == []
    jobs.append_event(folder, StageEvent("Ü", 0, 1, 0.5))
    jobs.append_event(folder, DoneEvent(1.5))
    with open(folder / jobs.EVENTS, "ab") as file:
        file.write(b'\xff\n[1]\n{"event": "st')
    events = jobs.read_events(folder)
    assert events == [StageEvent("Ü", 0, 1, 0.5), DoneEvent(1.5)]
    assert 0 < events[0].time <= events[1].time


def test_result_comes_back(tmp_path):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    with pytest.raises(JobFailed) as caught:
        jobs.read_result(folder)
    assert caught.value.code == "result-missing"
    jobs.write_result(folder, [[0, 0, 0], [1, 0, 0], [0, 0.5, 0]], [[0, 1, 2]], {"licence": "CC0"})
    result = jobs.read_result(folder)
    assert (result.vertices.dtype, result.faces.dtype, result.record) == (np.float32, np.int32, {"licence": "CC0"})
    np.testing.assert_array_equal(result.vertices, np.array([[0, 0, 0], [1, 0, 0], [0, 0.5, 0]], np.float32))


def save(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


GOOD = save(vertices=TRIANGLE[0], faces=TRIANGLE[1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        GOOD[:-30],
        GOOD[: len(GOOD) // 2],
        GOOD[:200] + b"\0" * 60 + GOOD[260:],
        save(vertices=TRIANGLE[0]),
        save(vertices=TRIANGLE[0][:, :2], faces=TRIANGLE[1]),
        save(vertices=TRIANGLE[0], faces=TRIANGLE[1] + 1),
        save(vertices=TRIANGLE[0], faces=TRIANGLE[1] - 1),
        save(vertices=TRIANGLE[0] * np.nan, faces=TRIANGLE[1]),
        save(vertices=TRIANGLE[0], faces=TRIANGLE[1].astype(np.float32)),
        save(vertices=np.zeros((0, 3), np.float32), faces=np.zeros((0, 3), np.int32)),
        save(vertices=np.array([[object()] * 3]), faces=TRIANGLE[1]),
    ],
    ids=range(13),
)
def test_damaged_mesh_is_refused(tmp_path, content):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    jobs.write_result(folder, *TRIANGLE)
    (folder / "result" / "mesh.npz").write_bytes(content)
    with pytest.raises(JobFailed) as caught:
        jobs.read_result(folder)
    assert caught.value.code == "result-invalid"


def test_an_impossible_mesh_is_not_written(tmp_path):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    with pytest.raises(JobFailed) as caught:
        jobs.write_result(folder, np.zeros((0, 3)), np.zeros((0, 3)), {})
    assert caught.value.code == "result-invalid"
    assert not (folder / "result").exists()


def test_log_tail(tmp_path):
    assert storage.log_tail(tmp_path / "none") == ""
    path = tmp_path / "log"
    path.write_text("".join(f"line {number}\n" for number in range(5000)))
    assert storage.log_tail(path, 2) == "line 4998\nline 4999"


def test_views_of_a_strange_name_are_refused(tmp_path):
    folder = jobs.write_job(tmp_path, jobs.Request(jobs.new_id(), "starter", "text", {"prompt": "a"}), {})
    assert jobs.read_views(folder) == []
    with pytest.raises(JobFailed, match="expected CONDITION_VIEW.png"):
        jobs.write_views(folder, {"../depths_03.png": b""})


def test_colours_and_a_texture_come_back_and_only_in_their_shape(tmp_path):
    folder = jobs.write_job(tmp_path, request(), POINTS)
    mesh = np.eye(3), np.array([[0, 1, 2]]), {"model": "starter"}
    colours, texture = np.array([[1, 2, 3]], np.uint8), np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    jobs.write_result(folder, *mesh, colours=colours, texture=texture)
    result = jobs.read_result(folder)
    assert np.array_equal(result.colours, colours) and np.array_equal(result.texture, texture)
    jobs.write_result(folder, *mesh)
    assert jobs.read_result(folder).colours is None
    for wrong in ({"colours": colours[:0]}, {"colours": colours / 255}, {"texture": texture[0]}):
        with pytest.raises(JobFailed, match="colours|texture"):
            jobs.write_result(folder, *mesh, **wrong)
