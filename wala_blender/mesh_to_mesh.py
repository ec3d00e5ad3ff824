"""Mesh → LaGeM's three sets of latent vectors → mesh, stage by stage."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .errors import InputError, ModelError
from .finishing.finish import check_available
from .geometry.distance import Frame, check_faces, frame_of
from .geometry.metrics import sample_surface
from .geometry.occupancy import occupancy_field
from .geometry.point_sets import unit_sphere_frame
from .geometry.surface import field_to_mesh, main_components
from .inputs import Input, raw_inputs
from .models.lagem import load_autoencoder
from .models.loading import HASH_DIGITS, weights_file, weights_name
from .models.records import Installed, known_row, models_folder, require
from .models.registry import ModelRow
from .networks.configs import LevelAutoencoderConfig
from .networks.level_autoencoder import LevelAutoencoder
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
)
from .progress import Progress, Stopwatch, silent
from .shape_editing import Edit

QUERIES = {
    257: 1_200_000,
    129: 400_000,
}  # points a side of the grid, the default first → approximate number of evaluated points


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
    """A published level autoencoder with Pipeline's interface; created by ``load``."""

    def __init__(self, row: ModelRow, installed: Installed, model: LevelAutoencoder, device: torch.device):
        self.row, self._installed, self._model, self._device = row, installed, model, device

    @classmethod
    def load(
        cls,
        model: str,
        device: str = "auto",
        low_memory: str = "auto",
        models: Path | str | None = None,
        precision: str = "auto",
    ) -> "MeshToMesh":
        """The model of that name; arguments and errors as of Pipeline.load. There is one network, which computes in
        float32: ``low_memory`` changes nothing."""
        if precision not in ("auto", "float32"):
            raise ModelError(f"the model {model} computes in float32, not in {precision}", "Leave the precision out.")
        folder, chosen = models_folder(models), choose_device(device)
        row = known_row(model, folder)
        installed = require(row, folder)
        return cls(row, installed, load_autoencoder(weights_file(installed), chosen), chosen)

    def encode(self, vertices: np.ndarray, faces: np.ndarray, seed: int = 0) -> tuple[list[Tensor], Frame]:
        """Latents (1, M, C) of a mesh, the coarsest level first, and the unit sphere's frame. ``seed``: of the points
        on the surface."""
        vertices, faces = check_faces(vertices, faces)
        frame = unit_sphere_frame(vertices[np.unique(faces)])
        cloud = sample_surface(frame.to_model(vertices), faces, self._model.config.points, np.random.default_rng(seed))
        points = torch.from_numpy(cloud.astype(np.float32))[None].to(self._device)
        return self._model.encode(points), frame

    def latents_to_field(self, latents: list[Tensor], resolution: int, progress: Progress) -> np.ndarray:
        """Latents → logits (resolution,)*3 float32 over the unit sphere's cube, positive inside."""
        sets = self._model.decode(latents)
        done = 0

        def counted(count: int) -> None:
            nonlocal done
            progress("query", done, max(QUERIES[resolution], done + count))
            done += count

        def logits(points: np.ndarray) -> np.ndarray:
            return self._model.query(torch.from_numpy(points)[None].to(self._device), sets)[0].cpu().numpy()

        return occupancy_field(logits, resolution - 1, counted)

    def generate(
        self,
        condition: str | Input,
        inputs: dict | None = None,
        settings: Settings = Settings(),
        progress: Progress | None = None,
        keep: ResultCallbacks = ResultCallbacks(),
        edit: Edit | None = None,
    ) -> Generation:
        """The mesh reconstructed from its latents. ``keep`` gets a note with the expected duration, and the latents:
        the levels' numbers in a row.

        Arguments and errors as of Pipeline.generate.
        """
        refuse_edit(self.row.name, edit)
        condition, inputs = raw_inputs(condition, inputs)
        resolution = self._checked(condition, inputs, settings)
        check_available(settings.finish)
        return run_with_offload_fallback(
            lambda sequential_offload: self._generate(
                condition, inputs, settings, resolution, progress or silent, keep
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
        progress: Progress,
        keep: ResultCallbacks,
    ) -> Generation:
        config = self._model.config
        timings: dict[str, float] = {}
        timed = Stopwatch(progress, timings)
        timed("condition", 0, 1)
        cost, speed = Cost.of(config), measured_speed(config.width, self._device)
        keep.note(
            f"{describe_duration((cost.latents + QUERIES[resolution] * cost.query) / speed)} on this {self._device.type.upper()} "
            f"at {resolution}³ points"
        )
        timed("encode", 0, 1)
        latents, sphere = self.encode(inputs["vertices"], inputs["faces"], settings.seed)
        flat = torch.cat([latent.flatten() for latent in latents]).cpu().numpy()
        keep.latent(flat)
        field = self.latents_to_field(latents, resolution, timed)
        timed("surface", 0, 1)
        # field_to_mesh takes the cube without its last planes, where no shape in the unit sphere has an inside
        vertices, faces, left_out = main_components(
            *field_to_mesh(-field[:-1, :-1, :-1], remove_dust=False), bool(settings.one_piece)
        )
        timed.stop()
        frame = frame_of(inputs["vertices"])
        record = {
            "model": self.row.name,
            "weight_hash": self._installed.files[weights_name(self._installed)].sha256[:HASH_DIGITS],
            "seed": settings.seed,
            "condition": condition,
            "resolution": resolution,
            "one_piece": bool(settings.one_piece),
            "licence": self._installed.licence.name,
            "non_commercial": self._installed.licence.non_commercial,
            "ai_generated": True,
            "timings": timings,
            "frame": {"center": [float(c) for c in frame.center], "scale": float(frame.scale)},
            "note": ". ".join(filter(None, (*inputs.get("notes", ()), describe_left_out(left_out)))),
        }
        vertices = frame.to_model(sphere.from_model(vertices)).astype(np.float32)
        return finished(vertices, faces, flat, record, settings.finish, progress, keep)

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
        """As Pipeline.variations, one after the other: they differ in the points on the surface alone."""
        return one_after_another(self.generate, condition, inputs, settings, seeds, progress, keep, edit)

    def _checked(self, condition: str, inputs: dict, settings: Settings) -> int:
        """The resolution to use."""
        if condition not in self.row.conditions:
            raise ModelError(
                f"the model {self.row.name} takes no {condition}", f"It takes: {', '.join(self.row.conditions)}."
            )
        unused = [name for name in ("scale", "steps", "fit") if getattr(settings, name)]
        if unused:
            raise InputError(
                f"the model {self.row.name} makes a mesh again, without noise: it has no {' and no '.join(unused)}",
                "Leave it out.",
            )
        resolution = inputs.get("resolution", next(iter(QUERIES)))
        if resolution not in QUERIES:
            raise InputError(f"the resolution is {resolution}, expected {' or '.join(map(str, QUERIES))}")
        return resolution
