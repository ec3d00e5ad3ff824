"""Mesh → LaGeM's three sets of latent vectors, some of them made anew → mesh, stage by stage."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .errors import InputError, ModelError
from .files import file_digest
from .finishing.finish import check_available
from .geometry.distance import check_faces, frame_of
from .geometry.metrics import sample_surface
from .geometry.occupancy import occupancy_field
from .geometry.point_sets import unit_sphere_frame
from .geometry.surface import field_to_mesh, main_components
from .inputs import Input, raw_inputs
from .level_latents import MeshLatents, Variation
from .models.lagem import load_autoencoder
from .models.level_model import LEVEL_MODEL, LevelModel, load_level_model
from .models.licences import Licence
from .models.loading import HASH_DIGITS, weights_file, weights_name
from .models.records import known_row, models_folder, require
from .models.registry import ModelRow
from .networks.configs import LevelAutoencoderConfig
from .offload import run_with_offload_fallback
from .pipeline import (
    Generation,
    ResultCallbacks,
    Settings,
    choose_device,
    describe_left_out,
    describe_memory,
    finished,
    one_after_another,
    refuse_edit,
    refuse_precision,
)
from .progress import Progress, Stopwatch, silent
from .shape_editing import Edit

QUERIES = {
    257: 1_200_000,
    129: 400_000,
}  # points a side of the grid → approximate number of evaluated points
DEFAULT_RESOLUTION, DEFAULT_OF_A_SMALL_MODEL = 257, 129
OF_A_SMALL_MODEL: dict = {"coarsest": 32, "unsure": 0.5}  # see occupancy_field


@dataclass(frozen=True)
class Cost:
    """Floating point operations of a reconstruction, two a multiplication."""

    latents: float  # encoding and decoding
    query: float  # of one point

    @classmethod
    def of(cls, config: LevelAutoencoderConfig) -> "Cost":
        """Counts the matrix products: 12 W² a vector and layer and 2 W² a query and level, and attention's 2 W for each
        pair."""
        width, layer, sources = config.width, 0.0, (config.points, *reversed(config.counts[1:]))
        for count, source in zip(reversed(config.counts), sources):
            layer += count * (14 * width**2 + 2 * width * source) + 2 * source * width**2  # encoder
        for count in config.counts:
            layer += config.layers * count * (16 * width**2 + 2 * width * count)
        for coarse, fine in zip(config.counts, config.counts[1:]):
            layer += fine * (14 * width**2 + 2 * width * coarse) + 2 * coarse * width**2
        query = len(config.counts) * 2 * width**2 + 2 * width * sum(config.counts)
        return cls(2 * layer, 2 * query)


def measured_speed(width: int, device: torch.device) -> float:
    """Floating point operations a second that matrix products of this width reach on the device now."""
    rows = 4096
    a, b = torch.ones(rows, width, device=device), torch.ones(width, width, device=device)
    (a @ b).sum().item()
    since = time.perf_counter()
    (a @ b).sum().item()
    return 2 * rows * width**2 / max(time.perf_counter() - since, 1e-6)


def describe_duration(seconds: float) -> str:
    """ "about 40 s" or "about 3 minutes"."""
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} minutes"


class MeshToMesh:
    """A level autoencoder, with the cascade of its levels' denoisers where the model has one, and Pipeline's interface;
    created by ``load``."""

    def __init__(
        self,
        row: ModelRow,
        model: LevelModel,
        weight_hash: str,
        licence: Licence,
        device: torch.device,
    ):
        self.row, self.model, self.denoisers, self.threshold = row, model.autoencoder, model.denoisers, model.threshold
        self._weight_hash, self._licence, self._device = weight_hash, licence, device

    @classmethod
    def load(
        cls,
        model: str,
        device: str = "auto",
        low_memory: str = "auto",
        models: Path | str | None = None,
        precision: str = "auto",
    ) -> "MeshToMesh":
        """The model of that name; arguments and errors as of Pipeline.load. It computes in float32, and is in memory as
        a whole: ``low_memory`` changes nothing."""
        refuse_precision(model, precision)
        folder, chosen = models_folder(models), choose_device(device)
        row = known_row(model, folder)
        if row.cascade and row.weights is not None:
            networks = load_level_model(row.weights, chosen)
            return cls(row, networks, file_digest(row.weights)[:HASH_DIGITS], row.licence, chosen)
        installed = require(row, folder)
        digest = installed.files[weights_name(installed)].sha256[:HASH_DIGITS]
        return cls(
            row, LevelModel(load_autoencoder(weights_file(installed), chosen)), digest, installed.licence, chosen
        )

    def encode(self, vertices: np.ndarray, faces: np.ndarray, seed: int = 0) -> MeshLatents:
        """Latents of a mesh. ``seed``: of the points on the surface."""
        frame, (vertices, faces) = frame_of(vertices), check_faces(vertices, faces)
        sphere = unit_sphere_frame(vertices[np.unique(faces)])
        cloud = sample_surface(sphere.to_model(vertices), faces, self.model.config.points, np.random.default_rng(seed))
        points = torch.from_numpy(cloud.astype(np.float32))[None].to(self._device)
        return MeshLatents(self.model.encode(points), frame, sphere)

    def latents_to_field(self, latents: list[Tensor], resolution: int, progress: Progress) -> np.ndarray:
        """Latents → logits (resolution,)*3 float32 over the unit sphere's cube, less the threshold: positive inside.
        Those of a small model are smooth, and need fewer points."""
        sets = self.model.decode(latents)
        done = 0

        def counted(count: int) -> None:
            nonlocal done
            progress("query", done, max(QUERIES[resolution], done + count))
            done += count

        def logits(points: np.ndarray) -> np.ndarray:
            found = self.model.query(torch.from_numpy(points)[None].to(self._device), sets)[0]
            return (found - self.threshold).cpu().numpy()

        return occupancy_field(logits, resolution - 1, counted, **(OF_A_SMALL_MODEL if self.denoisers else {}))

    def generate(
        self,
        condition: str | Input,
        inputs: dict | None = None,
        settings: Settings = Settings(),
        progress: Progress | None = None,
        keep: ResultCallbacks = ResultCallbacks(),
        edit: Edit | None = None,
    ) -> Generation:
        """The mesh made of its latents, the levels that are not kept anew. ``keep`` gets a note with the expected
        duration, and the latents: the levels' numbers in a row, and by levels.

        Arguments and errors as of Pipeline.generate.
        """
        refuse_edit(self.row.name, edit)
        condition, inputs = raw_inputs(condition, inputs)
        resolution, variation = self._checked(condition, inputs, settings)
        check_available(settings.finish)
        return run_with_offload_fallback(
            lambda sequential_offload: self._generate(
                condition, inputs, settings, resolution, variation, progress or silent, keep
            ),
            "off",
            self._device,
            describe_memory(self.row, self._device, torch.float32),
        )

    @torch.no_grad()
    def _generate(
        self,
        condition: str,
        inputs: dict,
        settings: Settings,
        resolution: int,
        variation: Variation,
        progress: Progress,
        keep: ResultCallbacks,
    ) -> Generation:
        config = self.model.config
        timings: dict[str, float] = {}
        timed = Stopwatch(progress, timings)
        timed("condition", 0, 1)
        cost, speed = Cost.of(config), measured_speed(config.width, self._device)
        keep.note(
            f"{describe_duration((cost.latents + QUERIES[resolution] * cost.query) / speed)} on this {self._device.type.upper()} "
            f"at {resolution}³ points"
        )
        timed("encode", 0, 1)
        latents = self._latents(inputs, settings.seed, variation, timed)
        keep.latent(latents.flat)
        keep.levels(latents.arrays())
        field = self.latents_to_field(latents.levels, resolution, timed)
        timed("surface", 0, 1)
        # field_to_mesh takes the cube without its last planes, where no shape in the unit sphere has an inside
        one_piece = self.row.one_piece if settings.one_piece is None else settings.one_piece
        vertices, faces, left_out = main_components(*field_to_mesh(-field[:-1, :-1, :-1], remove_dust=False), one_piece)
        timed.stop()
        frame = latents.frame
        record = {
            "model": self.row.name,
            "model_version": self.row.version,
            "weight_hash": self._weight_hash,
            "seed": settings.seed,
            "condition": condition,
            "resolution": resolution,
            "keep": variation.keep,
            "strength": None if variation.keep == "all" else variation.strength,
            "one_piece": one_piece,
            "licence": self._licence.name,
            "non_commercial": self._licence.non_commercial,
            "ai_generated": True,
            "timings": timings,
            "frame": {"center": [float(c) for c in frame.center], "scale": float(frame.scale)},
            "note": ". ".join(filter(None, (*inputs.get("notes", ()), describe_left_out(left_out)))),
        }
        vertices = frame.to_model(latents.sphere.from_model(vertices)).astype(np.float32)
        return finished(vertices, faces, latents.flat, record, settings.finish, progress, keep)

    def _latents(self, inputs: dict, seed: int, variation: Variation, progress: Progress) -> MeshLatents:
        """The mesh's latents, given or encoded, with the levels that are made anew."""
        if "latents" in inputs:
            own = MeshLatents.read(inputs["latents"], self.model.config, self._device)
        else:
            # what is kept is the same for every seed
            own = self.encode(inputs["vertices"], inputs["faces"], seed if variation.keep == "all" else 0)
        if variation.keep == "all":
            return own
        levels = variation.applied(
            own.levels, self.denoisers, seed, lambda step, steps: progress("sample", step, steps)
        )
        return replace(own, levels=levels)

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
        """As Pipeline.variations, one after the other. Where all levels are kept, they differ in the points on the
        surface alone."""
        return one_after_another(self.generate, condition, inputs, settings, seeds, progress, keep, edit)

    def _checked(self, condition: str, inputs: dict, settings: Settings) -> tuple[int, Variation]:
        """The resolution to use, and what is made anew."""
        if condition not in self.row.conditions:
            raise ModelError(
                f"the model {self.row.name} takes no {condition}", f"It takes: {', '.join(self.row.conditions)}."
            )
        unused = [name for name in ("scale", "steps", "fit") if getattr(settings, name)]
        if unused:
            raise InputError(
                f"the model {self.row.name} makes a mesh again: it has no {' and no '.join(unused)}", "Leave it out."
            )
        variation = Variation(inputs.get("keep", "all"), inputs.get("strength", 1.0))
        if variation.keep != "all" and not self.denoisers:
            raise ModelError(
                f"the model {self.row.name} has no cascade: it makes a mesh again, and cannot vary its details",
                f"Keep all, or choose the model {LEVEL_MODEL}.",
            )
        if variation.keep == "all" and "strength" in inputs:
            raise InputError("there is a strength, and all levels are kept", "Say which to keep, or leave it out.")
        resolution = inputs.get("resolution", DEFAULT_OF_A_SMALL_MODEL if self.denoisers else DEFAULT_RESOLUTION)
        if resolution not in QUERIES:
            raise InputError(f"the resolution is {resolution}, expected {' or '.join(map(str, QUERIES))}")
        return resolution, variation
