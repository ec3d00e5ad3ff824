"""The engine, with a stand-in for the library that keeps to its contract: what is loaded when, what is written, how
errors are worded."""

import errno
import sys
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from shapes import box

from runtime import engine, jobs, variations
from runtime.messages import Cancelled, JobFailed
from wala_blender import errors
from wala_blender.finishing.settings import Finish


@dataclass(frozen=True)
class Settings:
    model: str = "starter"
    seed: int = 0
    scale: float | None = None
    steps: int | None = None
    fit: int | None = None
    one_piece: bool | None = None
    quality: str = "normal"
    finish: object = None
    colour: bool | None = None


@dataclass(frozen=True)
class ResultCallbacks:
    latent: Callable
    levels: Callable
    views: Callable
    surface: Callable
    note: Callable


class Library:
    """wala_blender.text_to_shape, .pipeline and .conditions.inputs; ``failure`` is raised by generate()."""

    def __init__(self):
        self.loads, self.calls, self.failure = [], [], None

    def load(self, model, device, low_memory):
        self.loads.append((model, device, low_memory))
        return self

    def load_condition(self, condition, inputs, folder):
        if "prompt" not in inputs:
            raise errors.InputError("there is no prompt", "Write one.")
        return {"loaded": inputs["prompt"]}

    def generate(self, condition, inputs, settings, progress, keep, edit=None):
        self.calls.append((condition, inputs, settings))
        for step in range(3):
            progress("sample", step, 3)
        latent = np.ones((4, 12, 12, 12), np.float32)
        keep.views({"depths_03.png": b"a map", "depths_49.png": b"another"})
        keep.latent(latent)
        if self.failure:
            raise self.failure
        colours = np.full((12, 3), 99, np.uint8)
        keep.surface(*box(), {"model": settings.model, "note": "A remark"}, colours)
        return types.SimpleNamespace(
            vertices=np.eye(3),
            faces=np.array([[0, 1, 2]]),
            uvs=None,
            colours=colours[:1],
            texture=None,
            latent=latent,
            record={"model": settings.model},
        )


@pytest.fixture
def library(monkeypatch):
    one = Library()
    pipeline = types.ModuleType("wala_blender.pipeline")
    pipeline.Settings, pipeline.ResultCallbacks = Settings, ResultCallbacks
    text_to_shape = types.ModuleType("wala_blender.text_to_shape")
    text_to_shape.load_pipeline = one.load
    inputs = types.ModuleType("wala_blender.conditions.inputs")
    inputs.load_condition = one.load_condition
    monkeypatch.setitem(sys.modules, "wala_blender.pipeline", pipeline)
    monkeypatch.setitem(sys.modules, "wala_blender.text_to_shape", text_to_shape)
    monkeypatch.setitem(sys.modules, "wala_blender.conditions.inputs", inputs)
    return one


@pytest.fixture
def folder(tmp_path):
    request = jobs.Request(
        jobs.new_id(),
        "starter",
        "text",
        {"prompt": "a chair"},
        seed=3,
        scale=2.5,
        steps=3,
        fit=2,
        one_piece=False,
        quality="best",
        finish={"faces": 500},
    )
    return jobs.write_job(tmp_path, request, {})


def run(one, folder, said=None, **changes):
    request = jobs.read_request(folder)
    request = jobs.Request(**{**vars(request), **changes})
    one.run(folder, request, lambda *words: said.append(words) if said is not None else None)


def test_a_job_is_run_and_the_model_stays_loaded(library, folder):
    one, said = engine.Engine("cpu", "on"), []
    run(one, folder, said)
    assert said[0] == ("load", 0, 1) and said[1:] == [("sample", step, 3) for step in range(3)]
    assert library.calls == [
        ("text", {"loaded": "a chair"}, Settings("starter", 3, 2.5, 3, 2, False, "best", Finish(faces=500)))
    ]
    result = jobs.read_result(folder)
    assert result.record == {"model": "starter"} and result.vertices.dtype == np.float32
    assert result.colours.tolist() == [[99, 99, 99]] and jobs.read_surface(folder).colours.shape == (12, 3)
    assert np.load(folder / "result" / "latent.npy").shape == (4, 12, 12, 12)
    assert len(variations.thumbnails(folder)) == 1
    said.clear()
    run(one, folder, said)
    assert said[0][0] == "sample"
    run(one, folder, model="other")
    assert library.loads == [("starter", "cpu", "on"), ("other", "cpu", "on")]


def test_a_model_loaded_beforehand_is_the_jobs_and_the_same_error_where_it_is_none(library, folder, monkeypatch):
    one, said = engine.Engine("cpu"), []
    one.load("starter")
    run(one, folder, said)
    assert said[0][0] == "sample" and library.loads == [("starter", "cpu", "auto")]

    def refused(*arguments, **settings):
        raise errors.ModelError("unknown model", "Choose another.")

    monkeypatch.setattr(sys.modules["wala_blender.text_to_shape"], "load_pipeline", refused)
    with pytest.raises(JobFailed, match="unknown model"):
        one.load("other")


def test_bad_input_is_told_before_the_model_is_loaded(library, folder):
    with pytest.raises(JobFailed) as caught:
        run(engine.Engine("cpu"), folder, inputs={})
    assert (caught.value.code, str(caught.value)) == ("bad-input", "there is no prompt. Write one.")
    assert library.loads == []


def test_views_and_latent_are_kept_when_a_later_stage_fails(library, folder):
    library.failure = errors.InputError("the distance field has no inside", "Try another seed.")
    with pytest.raises(JobFailed):
        run(engine.Engine("cpu"), folder)
    assert np.load(folder / "result" / "latent.npy").shape == (4, 12, 12, 12)
    assert [(view.condition, view.index, view.path.read_bytes()) for view in jobs.read_views(folder)] == [
        ("depths", 3, b"a map"),
        ("depths", 49, b"another"),
    ]


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        (errors.ModelError("unknown model x", "Choose one of: starter."), "bad-model", "Choose one of: starter."),
        (errors.CheckpointError("missing key decoder.weight"), "bad-checkpoint", "decoder.weight"),
        (
            OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"),
            "out-of-memory",
            "set the device to CPU",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            "out-of-memory",
            "memory did not suffice",
        ),
        (MemoryError(), "out-of-memory", "MemoryError"),
        (ImportError("No module named 'torch'"), "no-torch", "Set Up Worker"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/mesh.npz"), "disk-full", "/x/mesh.npz"),
    ],
)
def test_expected_errors_become_job_failures(library, folder, failure, code, words):
    one = engine.Engine("cpu")
    library.failure = failure
    with pytest.raises(JobFailed) as caught:
        run(one, folder)
    assert caught.value.code == code and words in str(caught.value) and "\n" not in str(caught.value)
    assert {file.suffix for file in (folder / "result").iterdir()} == {".npy", ".png"}
    # The next job runs; after running out of memory with a model loaded afresh.
    library.failure = None
    run(one, folder)
    assert len(library.loads) == (2 if code == "out-of-memory" else 1)


@pytest.mark.parametrize(
    "failure", [RuntimeError("shapes do not match"), KeyError("x"), PermissionError(errno.EACCES, "no"), Cancelled()]
)
def test_other_errors_go_through(library, folder, failure):
    library.failure = failure
    with pytest.raises(type(failure)):
        run(engine.Engine("cpu"), folder)


def test_cancelling_stops_before_the_next_step(library, folder):
    seen = []

    def progress(stage, step, steps):
        seen.append((stage, step))
        if step == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.Engine("cpu").run(folder, jobs.read_request(folder), progress)
    assert seen == [("load", 0), ("sample", 0), ("sample", 1)]
    assert not (folder / "result").exists()


class Cuda:
    """torch.cuda, and what was still alive when its cache was emptied."""

    def __init__(self, is_initialised, failure=None):
        self.is_initialized = lambda: is_initialised
        self.failure, self.emptied, self.watched = failure, [], None

    def empty_cache(self):
        self.emptied.append(self.watched() if self.watched else None)
        if self.failure:
            raise self.failure


@pytest.mark.parametrize("is_initialised", [True, False])
def test_the_graphics_memory_is_given_back_once_nothing_holds_the_model(library, folder, monkeypatch, is_initialised):
    cuda = Cuda(is_initialised)
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    run(engine.Engine("cuda"), folder)
    cuda.emptied.clear()

    def generate(*words, **more):
        activations = np.ones(3)
        cuda.watched = weakref.ref(activations)
        raise OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(library, "generate", generate)
    one = engine.Engine("cuda")
    with pytest.raises(JobFailed) as caught:
        run(one, folder)
    assert caught.value.code == "out-of-memory"
    # Last emptied when the failed call's arrays were gone, though the error with its traceback is still there.
    assert caught.value.__cause__.__traceback__ is not None and cuda.watched() is None
    assert cuda.emptied[-1:] == [None] * is_initialised
    assert len(cuda.emptied) == 2 * is_initialised


def test_a_broken_device_does_not_hide_the_jobs_own_error(library, folder, monkeypatch):
    monkeypatch.setitem(
        sys.modules, "torch", types.SimpleNamespace(cuda=Cuda(True, RuntimeError("CUDA error: device-side assert")))
    )
    library.failure = OutOfMemoryError("CUDA out of memory")
    with pytest.raises(JobFailed) as caught:
        run(engine.Engine("cuda"), folder)
    assert caught.value.code == "out-of-memory"


def test_a_kept_surface_is_finished_again_without_a_model(library, folder):
    one = engine.Engine("cpu")
    run(one, folder)
    request = jobs.finish_again(folder, {"topology": "full", "symmetry": "x"})
    said = []
    engine.Engine("cpu").run(folder, request, lambda *words: said.append(words))
    assert len(library.loads) == len(library.calls) == 1 and {stage for stage, _, _ in said} == {"finish"}
    result = jobs.read_result(folder)
    assert result.record["model"] == "starter" and result.record["finish"]["symmetry"] == "x"
    assert result.record["note"] == "A remark" and result.vertices[:, 0].min() == -0.5


def test_a_finish_that_cannot_be_is_refused_and_the_old_result_stays(library, folder):
    run(engine.Engine("cpu"), folder)
    before = jobs.read_result(folder)
    with pytest.raises(JobFailed, match="symmetry") as caught:
        run(engine.Engine("cpu"), folder, start="surface", finish={"symmetry": "round"})
    assert caught.value.code == "bad-input" and jobs.read_result(folder).record == before.record


def test_without_a_kept_surface_there_is_nothing_to_finish(library, folder):
    with pytest.raises(JobFailed) as caught:
        run(engine.Engine("cpu"), folder, start="surface")
    assert caught.value.code == "result-missing"
