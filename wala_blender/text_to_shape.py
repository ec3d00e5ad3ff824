"""Text to shape by two models in sequence: text → views → shape."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .errors import ModelError
from .finishing.finish import STAGE, check_available
from .geometry.meshes import provenance_of
from .inputs import Input, raw_inputs
from .mesh_to_mesh import MeshToMesh
from .models.loading import HASH_DIGITS, weights_name
from .models.precision import choose_precision, precision_name
from .models.records import Installed, known_row, models_folder, read_record
from .models.registry import ModelRow
from .offload import free_memory, run_with_offload_fallback
from .pipeline import (
    Generation,
    Pipeline,
    ResultCallbacks,
    Settings,
    checked,
    choose_device,
    describe_memory,
    one_after_another,
    refuse_edit,
)
from .progress import Progress, Stopwatch, silent
from .shape_editing import Edit
from .text_to_views import SCHEDULE, TextToViews, TextToViewsConfig, Views
from .text_to_volume import TextToVolume

CONFIG = TextToViewsConfig()  # what the published settings leave open
OF_THE_SHAPE = ("model", "weight_hash", "scale", "steps", "fit", "refine")


class TextToShape:
    """Both models, with Pipeline's interface; created by ``load``.

    Each is loaded for its stage and freed afterwards, as two models of a billion parameters do not fit everywhere.
    """

    def __init__(
        self,
        row: ModelRow,
        installed: Installed,
        shape_row: ModelRow,
        models: Path,
        device: torch.device,
        low_memory: str,
        precision: torch.dtype,
    ):
        self.row, self.shape_row = row, shape_row
        self._installed, self._models, self._device, self._low_memory = installed, models, device, low_memory
        self._precision = precision

    @classmethod
    def load(
        cls,
        model: str,
        device: str = "auto",
        low_memory: str = "auto",
        models: Path | str | None = None,
        precision: str = "auto",
    ) -> "TextToShape":
        """The model of that name and its ``shape_model``; arguments as of Pipeline.load. Raises ModelError unless both
        are installed."""
        folder = models_folder(models)
        row = known_row(model, folder)
        installed = {name: read_record(name, folder) for name in (row.name, row.published.shape_model)}
        missing = [name for name, record in installed.items() if record is None]
        if missing:
            raise ModelError(
                f"the model {row.name} makes views for {row.published.shape_model}; not installed: {', '.join(missing)}",
                "Fetch: " + ", ".join(f"wala models fetch {name}" for name in missing),
            )
        chosen, shape_row = choose_device(device), known_row(row.published.shape_model, folder)
        return cls(row, installed[row.name], shape_row, folder, chosen, low_memory, choose_precision(precision, chosen))

    def generate(
        self,
        condition: str | Input,
        inputs: dict | None = None,
        settings: Settings = Settings(),
        progress: Progress | None = None,
        keep: ResultCallbacks = ResultCallbacks(),
        edit: Edit | None = None,
    ) -> Generation:
        """As Pipeline.generate. The settings' scale and steps are the views'; the shape has its own model's, and the
        same seed, fit and one_piece.

        ``keep`` gets the views before the shape is begun: given back with their view indices, they make the same shape.
        """
        refuse_edit(self.row.name, edit)
        condition, inputs = raw_inputs(condition, inputs)
        scale, steps = checked(self.row, SCHEDULE.length, condition, settings)
        check_available(settings.finish)
        [handed_over] = self.shape_row.conditions
        timings: dict[str, float] = {}
        timed = Stopwatch(progress or silent, timings)
        views = run_with_offload_fallback(
            lambda sequential_offload: self._views(
                inputs["prompt"], settings.seed, scale, steps, timed, sequential_offload
            ),
            self._low_memory,
            self._device,
            describe_memory(self.row, self._device, self._precision),
        )
        free_memory(self._device)
        record = {
            "model": self.row.name,
            "prompt": inputs["prompt"],
            "weight_hash": self._installed.files[weights_name(self._installed)].sha256[:HASH_DIGITS],
            "seed": settings.seed,
            "scale": scale,
            "steps": steps,
            "condition": condition,
            "licence": self.row.licence.name,
            "non_commercial": self.row.licence.non_commercial,
        }
        keep.views(picture_files(views, handed_over, provenance_of(record)))
        timed("load", 0, 1)
        precision = precision_name(self._precision)
        shapes = Pipeline.load(self.shape_row.name, self._device.type, self._low_memory, self._models, precision)

        def whole(of_the_shape: dict) -> dict:
            """The record of both models, from that of the shape's."""
            seconds = (
                timings if STAGE not in of_the_shape["timings"] else timings | {STAGE: of_the_shape["timings"][STAGE]}
            )
            return (
                of_the_shape
                | record
                | {f"shape_{name}": of_the_shape[name] for name in OF_THE_SHAPE}
                | {"timings": seconds}
            )

        settings = Settings(
            self.shape_row.name, settings.seed, fit=settings.fit, one_piece=settings.one_piece, finish=settings.finish
        )
        keep_surface = keep.surface
        keep = replace(
            keep,
            surface=lambda vertices, faces, record, colours: keep_surface(vertices, faces, whole(record), colours),
        )
        generation = shapes.generate(
            handed_over, {"images": list(views.images), "views": list(views.indices)}, settings, timed, keep
        )
        timed.stop()
        return replace(generation, record=whole(generation.record))

    def variations(
        self,
        condition: str | Input,
        inputs: dict | None,
        settings: Settings,
        seeds: Sequence[int],
        progress: Progress | None = None,
        keep: ResultCallbacks = ResultCallbacks(),
        edit: Edit | None = None,
    ) -> list[Generation]:
        """As Pipeline.variations; each has its own views, so that they are made one after the other."""
        return one_after_another(self.generate, condition, inputs, settings, seeds, progress, keep, edit)

    def _views(
        self, prompt: str, seed: int, scale: float, steps: int, progress: Progress, sequential_offload: bool
    ) -> Views:
        progress("load", 0, 1)
        model = TextToViews.load(self._installed.source, CONFIG, self._device, self._precision, sequential_offload)
        return model.views(prompt, seed, steps, scale, lambda step, count: progress("views", step, count))


# output of a model → the class that generates shapes with it
PIPELINES = {"shapes": Pipeline, "views": TextToShape, "reconstructions": MeshToMesh, "volumes": TextToVolume}


def load_pipeline(
    model: str,
    device: str = "auto",
    low_memory: str = "auto",
    models: Path | str | None = None,
    precision: str = "auto",
) -> Pipeline | TextToShape | MeshToMesh | TextToVolume:
    """The pipeline of that name, of the kind that its model needs; arguments and errors as in Pipeline.load."""
    return PIPELINES[known_row(model, models_folder(models)).makes].load(model, device, low_memory, models, precision)


def picture_files(views: Views, condition: str, provenance: Mapping[str, object]) -> dict[str, bytes]:
    """Every view as a PNG with its provenance, named CONDITION_INDEX.png by its condition."""
    info = PngInfo()
    for name, value in provenance.items():
        if value is not None:
            info.add_text(name, str(value))
    files = {}
    for index, image in zip(views.indices, views.images):
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG", pnginfo=info)
        files[f"{condition}_{index:02}.png"] = stream.getvalue()
    return files
