"""Text, or nothing → colour volume → coloured mesh, stage by stage."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from .colour.volume_prompts import prompt_inputs
from .colour.volume_surface import PIXELS, RESOLUTION, face_colours, volume_to_mesh
from .colour.words import unknown_words
from .conditions.word_vectors import load_vectors
from .errors import InputError
from .finishing.finish import check_available
from .geometry.distance import frame_of
from .geometry.surface import main_components
from .inputs import Input, raw_inputs
from .models.records import known_row, models_folder
from .models.registry import STARTER_FOLDER, WORD_VECTORS, ModelRow
from .models.volume_model import VolumeModel, load_volume_model
from .networks.grid_unet import PromptInputs
from .offload import run_with_offload_fallback
from .pipeline import (
    QUALITIES,
    Generation,
    ResultCallbacks,
    Settings,
    checked,
    choose_device,
    describe_left_out,
    describe_memory,
    finished,
    one_after_another,
    refuse_beside,
    refuse_edit,
    refuse_precision,
)
from .progress import Progress, Stopwatch, silent
from .shape_editing import Edit

_LONGEST_SCHEDULE = 1000  # steps


class TextToVolume:
    """A model of colour volumes with Pipeline's interface; created by ``load``."""

    def __init__(self, row: ModelRow, model: VolumeModel, weight_hash: str, device: torch.device):
        self.row, self.weight_hash, self._model, self._device = row, weight_hash, model, device

    @classmethod
    def load(
        cls,
        model: str,
        device: str = "auto",
        low_memory: str = "auto",
        models: Path | str | None = None,
        precision: str = "auto",
    ) -> "TextToVolume":
        """The model of that name; arguments and errors as of Pipeline.load. It is small and computes in float32:
        ``low_memory`` changes nothing."""
        refuse_precision(model, precision)
        row, chosen = known_row(model, models_folder(models)), choose_device(device)
        return cls(row, *load_volume_model(row, chosen), chosen)

    def generate(
        self,
        condition: str | Input,
        inputs: dict | None = None,
        settings: Settings = Settings(),
        progress: Progress | None = None,
        keep: ResultCallbacks = ResultCallbacks(),
        edit: Edit | None = None,
    ) -> Generation:
        """The coloured mesh of a sampled volume. Arguments and errors as of Pipeline.generate."""
        refuse_edit(self.row.name, edit)
        condition, inputs = raw_inputs(condition, inputs)
        scale, steps = checked(self.row, _LONGEST_SCHEDULE, condition, settings)
        self._refuse(condition, inputs, settings)
        check_available(settings.finish)
        return run_with_offload_fallback(
            lambda sequential_offload: self._generate(
                condition, inputs, settings, scale, steps, progress or silent, keep
            ),
            "off",
            self._device,
            describe_memory(self.row, self._device, torch.float32),
        )

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
        """As Pipeline.variations, one after the other."""
        return one_after_another(self.generate, condition, inputs, settings, seeds, progress, keep, edit)

    @torch.no_grad()
    def _generate(
        self,
        condition: str,
        inputs: dict,
        settings: Settings,
        scale: float | None,
        steps: int,
        progress: Progress,
        keep: ResultCallbacks,
    ) -> Generation:
        timings: dict[str, float] = {}
        timed, prompt = Stopwatch(progress, timings), inputs.get("prompt")
        timed("condition", 0, 1)
        asked, note = self._asked(prompt)
        noise = self._model.noise_of_seed(settings.seed).to(self._device)
        latent = self._model.sample(noise, asked, steps, scale, lambda step, count: timed("sample", step, count))
        keep.latent(latent[0].cpu().numpy())
        timed("decode", 0, 1)
        volume = self._model.decoder(latent)
        part = 2 if QUALITIES[settings.quality].half else 1
        vertices, faces = volume_to_mesh(
            volume,
            PIXELS // part,
            RESOLUTION // part,
            on_step=lambda number, count: timed("surface", number, count),
        )
        one_piece = self.row.one_piece if settings.one_piece is None else settings.one_piece
        vertices, faces, left_out = main_components(vertices, faces, one_piece)
        timed("colour", 0, 1)
        is_coloured = self.row.coloured if settings.colour is None else settings.colour
        colours = face_colours(volume, vertices, faces) if is_coloured else None
        timed.stop()
        vertices = frame_of(vertices).to_model(vertices).astype(np.float32)
        record = {
            "model": self.row.name,
            "model_version": self.row.version,
            "weight_hash": self.weight_hash,
            "prompt": prompt,
            "seed": settings.seed,
            "quality": settings.quality,
            "precision": "float32",
            "resolution": RESOLUTION // part,
            "scale": scale,
            "steps": steps,
            "one_piece": one_piece,
            "colour": is_coloured,
            "condition": condition,
            "licence": self.row.licence.name,
            "non_commercial": self.row.licence.non_commercial,
            "ai_generated": True,
            "timings": timings,
            "note": ". ".join(filter(None, (*inputs.get("notes", ()), note, describe_left_out(left_out)))),
        }
        return finished(vertices, faces, latent[0].cpu().numpy(), record, settings.finish, progress, keep, colours)

    def _asked(self, prompt: str | None) -> tuple[PromptInputs | None, str]:
        """What the network reads of a prompt, and a note on what it does not."""
        if prompt is None:
            return None, ""
        vectors = load_vectors(STARTER_FOLDER / WORD_VECTORS)
        unknown = unknown_words(prompt, vectors)
        asked = prompt_inputs([prompt], vectors, self._model.config.denoiser).to(self._device)
        return asked, f"Unknown words: {', '.join(unknown)}" if unknown else ""

    def _refuse(self, condition: str, inputs: dict, settings: Settings) -> None:
        refuse_beside(self.row.name, condition, list(inputs.get("beside", ())))
        if settings.fit:
            raise InputError(f"the model {self.row.name} fits nothing to an input: it has no fit", "Leave it out.")
