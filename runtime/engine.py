"""Engine of the worker: runs a job with the model library. The only module here that imports wala_blender, and only
when a job needs it.

Keeps the last model loaded, writes the job's result/, and converts the library's errors to JobFailed, once. Independent
of the channel and of Blender.
"""

import contextlib
import gc
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import jobs, variations
from .messages import SET_UP_HINT, Cancelled, JobFailed
from .storage import write_failure

if TYPE_CHECKING:
    from wala_blender.finishing.finish import Finished
    from wala_blender.mesh_to_mesh import MeshToMesh
    from wala_blender.pipeline import Generation, Pipeline, Settings
    from wala_blender.shape_editing import Edit
    from wala_blender.text_to_shape import TextToShape
    from wala_blender.text_to_volume import TextToVolume

    from .job_runner import Progress

log = logging.getLogger(__name__)

MEMORY_HINT = (
    "Close other programs that use the graphics card, or set the device to CPU in the preferences; then generate again."
)


class Engine:
    """Engine with the model library. device: "auto", "cpu", "cuda", "mps", and low_memory: "auto", "on", "off", as in
    Pipeline.load."""

    def __init__(self, device: str, low_memory: str = "auto"):
        self._device = device
        self._low_memory = low_memory
        self._pipeline: Pipeline | TextToShape | MeshToMesh | TextToVolume | None = None
        self._model = ""

    def run(self, folder: Path, request: jobs.Request, progress: "Progress") -> None:
        """Run one job; the stage "load" comes first when the model is not loaded yet.

        Exceptions of ``progress`` pass through. Raises JobFailed: the library's codes, "no-torch", "out-of-memory",
        "disk-full", "cannot-write".
        """
        try:
            with converted_errors():
                self._run(folder, request, progress)
        except JobFailed as error:
            if error.code == "out-of-memory":
                _release_frames(error)
                self._forget()
            raise

    def load(self, model: str) -> None:
        """Load a model for the next job. Raises as ``run``."""
        with converted_errors():
            self._loaded(model)

    def _run(self, folder: Path, request: jobs.Request, progress: "Progress") -> None:
        if request.start == "surface":
            _finish_again(folder, request, progress)
            return
        if self._pipeline is None or self._model != request.model:
            progress("load", 0, 1)
        from wala_blender.conditions.inputs import load_condition
        from wala_blender.finishing.settings import Finish
        from wala_blender.pipeline import ResultCallbacks, Settings

        # Before loading the model: bad input fails at once.
        inputs = load_condition(request.condition, dict(request.inputs), folder)
        if request.beside or request.weights:
            from wala_blender.inputs import combined

            others = [(name, load_condition(name, dict(values), folder)) for name, values in request.beside.items()]
            inputs = combined(request.condition, inputs, others, request.weights)
        edit = _read_edit(folder, request)
        settings = Settings(
            model=request.model,
            seed=request.seed,
            scale=request.scale,
            steps=request.steps,
            fit=request.fit,
            one_piece=request.one_piece,
            quality=request.quality,
            finish=Finish.from_plain(request.finish),
            colour=request.colour,
        )
        # Intermediate results are written at once, so that a later failure does not lose them.
        keep = ResultCallbacks(
            latent=lambda latent: jobs.write_latent(folder, latent),
            levels=lambda latents: jobs.write_levels(folder, latents),
            views=lambda files: jobs.write_views(folder, files),
            surface=lambda *surface: jobs.write_surface(folder, *surface),
            note=lambda words: log.info("%s", words),
        )
        pipeline = self._loaded(request.model)
        if request.variations > 1:
            _make_variations(folder, pipeline, request, inputs, settings, progress, edit)
            return
        generation = pipeline.generate(request.condition, inputs, settings, progress, keep, edit)
        variations.write_thumbnail(folder, _thumbnail(generation))
        jobs.write_result(folder, generation.vertices, generation.faces, generation.record, **_attributes(generation))

    def _loaded(self, model: str) -> "Pipeline | TextToShape | MeshToMesh | TextToVolume":
        from wala_blender.text_to_shape import load_pipeline

        if self._pipeline is None or self._model != model:
            # Two models at once may not fit.
            self._forget()
            self._pipeline = load_pipeline(model, device=self._device, low_memory=self._low_memory)
            self._model = model
            log.info("loaded %s on %s", model, self._device)
        return self._pipeline

    def _forget(self) -> None:
        self._pipeline = None
        self._model = ""
        gc.collect()
        _empty_cuda_cache()


def _read_edit(folder: Path, request: jobs.Request) -> "Edit | None":
    """The shape to start from, None for none."""
    if not request.edit:
        return None
    from wala_blender.shape_editing import read_edit

    return read_edit(request.edit, folder)


def _make_variations(
    folder: Path,
    pipeline: "Pipeline | TextToShape | MeshToMesh | TextToVolume",
    request: jobs.Request,
    inputs: dict,
    settings: "Settings",
    progress: "Progress",
    edit: "Edit | None",
) -> None:
    """Shapes with the request's seed and the following ones, the best agreement with the input first."""
    from wala_blender.pipeline import ResultCallbacks

    surfaces: list[tuple] = []
    # A model of levels has no agreement: its results stay in the order of the seeds.
    keep = ResultCallbacks(
        surface=lambda *surface: surfaces.append(surface),
        levels=lambda latents: jobs.write_levels(variations.make_folder(folder, len(surfaces)), latents),
    )
    seeds = [(request.seed + number) % 2**63 for number in range(request.variations)]
    shapes = pipeline.variations(request.condition, inputs, settings, seeds, progress, keep, edit)
    results = list(zip(shapes, surfaces, strict=True))
    # In the order of the seeds if there is no agreement.
    results.sort(key=lambda pair: -(pair[0].record.get("agreement") or 0.0))
    # The job's own record is written last: it marks the set as complete.
    for number, (one, surface) in reversed(list(enumerate(results))):
        picture = _thumbnail(one)
        variations.write_variation(folder, number, one.vertices, one.faces, one.record, picture, **_attributes(one))
        jobs.write_surface(variations.folder_of(folder, number), *surface)


def _thumbnail(mesh: "Generation") -> bytes:
    """A picture of a result, with its colours, as a PNG."""
    from wala_blender.geometry.thumbnail import thumbnail_png
    from wala_blender.geometry.topology import triangulated

    faces, colours = triangulated(mesh.faces), mesh.colours
    if colours is not None:
        colours = colours.repeat(len(faces) // len(colours), axis=0)
    return thumbnail_png(mesh.vertices, faces, colours)


def _attributes(mesh: "Generation | Finished") -> dict:
    """Of a mesh what it may have besides vertices and faces, as jobs.write_result takes it."""
    return {"uvs": mesh.uvs, "colours": mesh.colours, "texture": mesh.texture}


def _finish_again(folder: Path, request: jobs.Request, progress: "Progress") -> None:
    """Finish the kept surfaces with the request's settings. Needs no model."""
    from wala_blender.finishing.finish import finish, finished_record
    from wala_blender.finishing.settings import Finish

    settings = Finish.from_plain(request.finish)
    for number in reversed(range(request.variations)):
        own = variations.folder_of(folder, number)
        surface = jobs.read_surface(own)
        finished = finish(surface.vertices, surface.faces, settings, progress, surface.colours)
        record = finished_record(surface.record, settings, finished)
        jobs.write_result(own, finished.vertices, finished.faces, record, **_attributes(finished))


def _release_frames(error: BaseException | None) -> None:
    """Clear the frames of an error's tracebacks, which hold the model and its arrays; line numbers stay."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__


def _empty_cuda_cache() -> None:
    """Return torch's cached GPU memory to other programs, Blender's viewport among them."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return
    try:
        torch.cuda.empty_cache()
    except RuntimeError:
        # The device failed: the job's own error reports it.
        log.warning("the graphics memory could not be given back", exc_info=True)


@contextlib.contextmanager
def converted_errors() -> Iterator[None]:
    """The one place where the library's and torch's errors become JobFailed; Cancelled, JobFailed and unexpected errors
    go through."""
    try:
        yield
    except (Cancelled, JobFailed, KeyboardInterrupt, GeneratorExit):
        raise
    except ImportError as error:
        raise JobFailed("no-torch", f"the worker's Python lacks a package: {error}", SET_UP_HINT) from error
    except BaseException as error:
        if _is_of_an_import(error) and not isinstance(error, MemoryError):
            message = f"the worker's Python cannot load a package: {type(error).__name__}: {str(error)[:300]}"
            raise JobFailed("no-torch", message, SET_UP_HINT) from error
        failure = _expected(error)
        if failure is None:
            raise
        raise failure from error


def _is_of_an_import(error: BaseException) -> bool:
    """Whether the error was raised during an import, as a half-installed torch may raise anything there: a module's top
    level is in the traceback."""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>" or code.co_filename.startswith("<frozen importlib"):
            return True
        trace = trace.tb_next
    return False


def _expected(error: BaseException) -> JobFailed | None:
    """The error as JobFailed if it is of a known kind, else None."""
    from wala_blender.errors import WalaError, first_line, is_out_of_memory

    if is_out_of_memory(error):
        return JobFailed("out-of-memory", f"the memory did not suffice: {first_line(error, 300)}", MEMORY_HINT)
    if isinstance(error, OSError) and error.errno is not None:
        failure = write_failure(error, Path(error.filename or "a file"))
        return failure if failure.code == "disk-full" else None
    if isinstance(error, WalaError):
        return JobFailed(error.code, error.message, error.hint)
    return None
