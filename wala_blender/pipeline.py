"""Generation pipeline, stage by stage: input → condition → latent → field → mesh, and field → latent. The stages'
computations are in modules of their own."""

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .candidates import Sample, agreement, best_of, candidate_seeds, likelihoods
from .conditions.blockout import hold_blockout
from .conditions.detail_features import detail_features
from .conditions.shape_constraints import Observation, of_field
from .conditions.specs import has_prompt_beside
from .conditions.surface_points import surface_points
from .conditions.types import Prepared
from .diffusion.guidance import conditioned, guided
from .diffusion.samplers import Start, ancestral, antithetic, noises_of_seeds
from .errors import InputError, ModelError
from .exemplars import Exemplar, load_exemplars
from .finishing.finish import check_available, finish, finished_record
from .finishing.settings import DEFAULT, SMOOTH, Finish
from .geometry.distance import RESOLUTION, Frame
from .geometry.meshes import provenance_of, write_mesh
from .geometry.surface import field_to_mesh, main_components
from .inputs import Input, Mesh, raw_inputs
from .latent_optimization import fit, half_field
from .models.loading import Loaded, load_model
from .models.precision import choose_precision, precision_name
from .models.published_model import PublishedModel
from .models.records import known_row, models_folder
from .models.registry import ModelRow
from .models.starter_model import Starter
from .networks.autoencoder import Autoencoder
from .networks.condition import Condition
from .networks.detail_unet import DetailNetwork
from .offload import on_device, run_with_offload_fallback
from .progress import Progress, Stopwatch, part_of, silent
from .shape_editing import Base, Edit, EditedShape, field_of
from .surface_refinement import correct_regions, refine_surface
from .wavelet import field_to_tree, tree_to_field


@dataclass(frozen=True)
class Quality:
    """Factors of a model's default numbers of denoising steps and of candidates, of which the best agreement with the
    input is kept; ``half``: whether the mesh is the surface of the half field, which has the decoded field at every
    second grid point."""

    steps: float
    candidates: float
    half: bool = False


QUALITIES = {
    "draft": Quality(0.5, 0.0, half=True),
    "normal": Quality(1.0, 1.0),
    "best": Quality(1.0, 4.0),
}


@dataclass(frozen=True)
class Settings:
    """What a generation depends on besides its input. scale (guidance, ≥ 0), steps (2 … 1000) and fit (steps that then
    fit the shape to the input, 0 … 1000): None takes the model's default for the quality, one of QUALITIES. one_piece:
    leave out everything but the main piece; None: where the model's shapes are to be of one piece, and the input is not
    itself of several parts. finish: what becomes of the extracted surface. colour: whether the shape is coloured; None:
    where the model's shapes are to be."""

    model: str = "starter"
    seed: int = 0
    scale: float | None = None
    steps: int | None = None
    fit: int | None = None
    one_piece: bool | None = None
    quality: str = "normal"
    finish: Finish = DEFAULT
    colour: bool | None = None


@dataclass(frozen=True)
class FitPlan:
    """Steps after sampling that improve agreement with the prepared input: latent optimisation, the detail stage,
    surface refinement, and the kept share of a blockout's surface."""

    prepared: Prepared
    latent_steps: int = 0
    detail: bool = False
    surface_steps: int = 0
    hold: float = 0.0

    def weakened(self, strength: float) -> "FitPlan":
        """The plan of an edit of that strength, without the detail stage: an edited shape has its own details."""
        return replace(
            self,
            latent_steps=round(self.latent_steps * strength),
            detail=False,
            surface_steps=round(self.surface_steps * strength),
            hold=self.hold * strength,
        )


@dataclass(frozen=True)
class Generation:
    """A result: vertices (V, 3) float32 in model space, faces (F, 3) or, where quads were asked for, (F, 4) int32, the
    latent (4, 12, 12, 12) float32, what it came from, and UVs (F, 3, 2) float32 of the corners where they were asked
    for; colours (F, 3) uint8 of the faces, sRGB, and with UVs a texture (H, W, 3) of them, of a coloured shape."""

    vertices: np.ndarray
    faces: np.ndarray
    latent: np.ndarray
    record: dict = field(default_factory=dict)
    uvs: np.ndarray | None = None
    colours: np.ndarray | None = None
    texture: np.ndarray | None = None

    @property
    def placed_vertices(self) -> np.ndarray:
        """The vertices (V, 3) in the coordinates of the input, where that had some (a mesh, points); else in model
        space."""
        frame = self.record.get("frame")
        return Frame(np.asarray(frame["center"]), frame["scale"]).from_model(self.vertices) if frame else self.vertices

    def save(self, path: Path | str) -> None:
        """Write the mesh where the input was, with normals and where it comes from, to .glb, .obj, .ply or .stl. Raises
        OutputError."""
        write_mesh(
            path,
            self.placed_vertices,
            self.faces,
            provenance_of(self.record),
            self.uvs,
            self.record.get("smooth_angle", SMOOTH),
            self.colours,
            self.texture,
        )


@dataclass(frozen=True)
class ResultCallbacks:
    """Callbacks for intermediate results, so that a later stage's failure does not lose them.

    ``latent`` gets (4, 12, 12, 12) float32; ``levels`` the latents of a model of levels, as of MeshLatents.arrays;
    ``views`` the pictures of a model that makes these first, as files: name →
    PNG; ``note`` a sentence to show before a long stage; ``surface`` the surface as extracted, vertices (V, 3) float32
    and faces (F, 3) int32, with the record so far and the faces' colours (F, 3) uint8 or None.
    """

    latent: Callable[[np.ndarray], object] = lambda latent: None
    levels: Callable[[dict[str, np.ndarray]], object] = lambda latents: None
    views: Callable[[dict[str, bytes]], object] = lambda files: None
    note: Callable[[str], object] = lambda message: None
    surface: Callable[[np.ndarray, np.ndarray, dict, np.ndarray | None], object] = (
        lambda vertices, faces, record, colours: None
    )


def choose_device(wanted: str = "auto") -> torch.device:
    """The device of that name; "auto": CUDA where there is one, else the CPU. Raises ModelError for a device that is
    not there."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted not in ("cpu", "cuda", "mps"):
        raise ModelError(f"unknown device {wanted!r}", "Choose auto, cpu, cuda or mps.")
    if (wanted == "cuda" and not torch.cuda.is_available()) or (
        wanted == "mps" and not torch.backends.mps.is_available()
    ):
        raise ModelError(
            f"this computer, or this build of PyTorch, has no {wanted} device", "Set the device to auto or cpu."
        )
    return torch.device(wanted)


class Pipeline:
    """A loaded model and its stages; created by ``load``.

    All its networks lie on the device, or (``sequential_offload``, low-memory mode) in main memory, each moved to the
    device for its stage.
    """

    autoencoder: Autoencoder
    denoiser: Starter | PublishedModel
    detail: DetailNetwork | None

    def __init__(self, load: Callable[[torch.device], Loaded], device: torch.device, low_memory: str, needs: str):
        self._load, self.device, self._low_memory, self._needs = load, device, low_memory, needs
        self.sequential_offload: bool | None = None
        run_with_offload_fallback(self._take_up, low_memory, device, needs)

    @classmethod
    def load(
        cls,
        model: str = "starter",
        device: str = "auto",
        low_memory: str = "auto",
        models: Path | str | None = None,
        precision: str = "auto",
    ) -> "Pipeline":
        """The model of that name.

        ``low_memory``: "off", "on", or "auto": when the device's memory does not suffice otherwise. ``models``: the
        models folder. ``precision``: of the large published networks and of the decoder, "float32",
        "bfloat16", or "auto": bfloat16 where the device is faster with it. Raises ModelError (unknown, not installed,
        no such device), CheckpointError (weights missing or damaged), MemoryShortageError.
        """
        folder, chosen = models_folder(models), choose_device(device)
        row = known_row(model, folder)
        computed = choose_precision(precision, chosen)
        return cls(
            lambda place: load_model(row, folder, computed, place),
            chosen,
            low_memory,
            describe_memory(row, chosen, computed),
        )

    def _take_up(self, sequential_offload: bool) -> None:
        """Load the networks in this way, unless they are already."""
        if self.sequential_offload == sequential_offload:
            return
        # Before loading: both at once may not fit.
        self.sequential_offload = None
        for network in ("autoencoder", "denoiser", "detail"):
            self.__dict__.pop(network, None)
        loaded = self._load(torch.device("cpu") if sequential_offload else self.device)
        self.row, self.weight_hash, self.schedule = loaded.row, loaded.weight_hash, loaded.schedule
        self.precision = precision_name(loaded.precision)
        self.autoencoder, self.denoiser, self.detail, self.sequential_offload = (
            loaded.autoencoder,
            loaded.generator,
            loaded.detail,
            sequential_offload,
        )

    def _on_device(self, *modules: nn.Module) -> contextlib.AbstractContextManager:
        return on_device(self.device, *modules) if self.sequential_offload else contextlib.nullcontext()

    @torch.no_grad()
    def field_to_latent(self, field: np.ndarray | torch.Tensor, fit: int = 0) -> torch.Tensor:
        """Distance field (256, 256, 256) → latent (4, 12, 12, 12) before quantisation; with ``fit`` that many steps
        nearer to the field than the encoder brings it."""
        field = torch.as_tensor(field, dtype=torch.float32, device=self.device)
        tree = field_to_tree(field[None], self.row.padding)
        with self._on_device(self.autoencoder):
            latent = self.autoencoder.encode(tree)[0]
        return self.fit_latent(latent, of_field(field[::2, ::2, ::2]), fit)

    def fit_latent(
        self, latent: torch.Tensor, observation: Observation | None, steps: int, progress: Progress | None = None
    ) -> torch.Tensor:
        """Latent (4, 12, 12, 12) before quantisation, moved by ``steps`` steps towards what is observed (see Prepared).
        progress(stage, step, steps) may raise to stop."""
        if observation is None or steps == 0:
            return latent
        progress = progress or silent
        with self._on_device(self.autoencoder):
            return fit(self.autoencoder, latent, observation, steps, lambda step, count: progress("fit", step, count))

    def latent_to_field(
        self, latent: np.ndarray | torch.Tensor, plan: FitPlan | None = None, progress: Progress | None = None
    ) -> torch.Tensor:
        """Latent (4, 12, 12, 12) before quantisation → distance field (256, 256, 256) float32, with the plan's detail
        stage (if it improves agreement with the input), surface refinement and blockout. progress(stage, step, steps)
        may raise to stop."""
        return self.tree_to_field(self.decode(latent, progress), plan, progress)

    @torch.no_grad()
    def decode(self, latent: np.ndarray | torch.Tensor, progress: Progress | None = None) -> torch.Tensor:
        """Latent (4, 12, 12, 12) before quantisation → wavelet tree (1, 64, 46, 46, 46) float32."""
        (progress or silent)("decode", 0, 1)
        latent = torch.as_tensor(latent, dtype=torch.float32, device=self.device)
        with self._on_device(self.autoencoder):
            return self.autoencoder.decode(latent[None]).float()

    @torch.no_grad()
    def tree_to_field(
        self, tree: torch.Tensor, plan: FitPlan | None = None, progress: Progress | None = None, half: bool = False
    ) -> torch.Tensor:
        """Wavelet tree (1, 64, 46, 46, 46) → distance field; see ``latent_to_field``. ``half``: the half field (128,
        128, 128), without the blockout."""
        progress = progress or silent
        if plan is not None and plan.detail:
            progress("detail", 0, 1)
            tree = self._with_details(tree, plan.prepared)
        if plan is not None and plan.surface_steps:
            tree = self._refined(tree, plan, progress)
        if half:
            return half_field(tree)
        field = tree_to_field(tree)[0]
        return hold_blockout(field, plan.prepared.blockout, plan.hold) if plan is not None and plan.hold else field

    def _with_details(self, tree: torch.Tensor, known: Prepared) -> torch.Tensor:
        before = half_field(tree)
        features = detail_features(known.evidence(before.cpu()))
        with self._on_device(self.detail):
            refined = self.detail.refine(tree, features[None].to(self.device))
        better = known.observation is None or known.observation(half_field(refined)) <= known.observation(before)
        return refined if better else tree

    def _refined(self, tree: torch.Tensor, plan: FitPlan, progress: Progress) -> torch.Tensor:
        field = half_field(tree).cpu()
        evidence = plan.prepared.evidence(field)
        points = surface_points(evidence)
        if points is None:
            return tree
        beside = None if evidence.points is not None else plan.prepared.observation  # the points suffice
        return refine_surface(
            correct_regions(tree, points),
            points,
            plan.surface_steps,
            beside,
            lambda step, count: progress("refine", step, count),
        )

    def fit_plan(self, condition: str, prepared: Prepared, settings: Settings) -> FitPlan:
        """Plan for agreement with an input. Raises InputError."""
        use, share = self.row.conditions[condition], QUALITIES[settings.quality].steps
        default = (round(use.fit * share), round(use.refine * share))
        latent_steps, surface_steps = default if settings.fit is None else (int(settings.fit),) * 2
        if not 0 <= latent_steps <= 1000:
            raise InputError(f"the number of steps that fit the shape is {latent_steps}, expected 0 … 1000")
        if prepared.observation is None:
            if settings.fit:
                raise InputError(
                    f"fit is {latent_steps}, but this {condition} does not say where the shape is", "Leave it out."
                )
            latent_steps = surface_steps = 0
        detail = use.detail and prepared.evidence is not None and self.detail is not None
        hold = 0.0 if prepared.blockout is None else use.hold if prepared.hold is None else prepared.hold
        by_surface = use.refine > 0 and prepared.has_surface
        return FitPlan(prepared, latent_steps, detail, surface_steps if by_surface else 0, hold)

    def generate_latent(
        self,
        condition: str | Input,
        inputs: dict | None = None,
        settings: Settings = Settings(),
        progress: Progress | None = None,
    ) -> tuple[torch.Tensor, Prepared]:
        """Latent (4, 12, 12, 12) sampled for an input, as in ``generate``, and the prepared input.

        The same settings and input give the same latent on every call. progress(stage, step, steps) may raise to stop.
        Raises InputError for an unusable input or setting, ModelError for a condition the model does not take.
        """
        condition, inputs = raw_inputs(condition, inputs)
        scale, steps = self._checked(condition, settings)
        progress = progress or silent
        prepared = self._prepared(condition, inputs, progress)
        groups = [self._candidates(condition, settings)]
        start = self._start_from_exemplars(condition, inputs, groups)
        return self._sampled(condition, prepared, groups, scale, steps, progress, start)[0].latent, prepared

    def _candidates(self, condition: str, settings: Settings) -> list[int]:
        """The candidates' seeds, the given one first."""
        count = round(self.row.conditions[condition].candidates * QUALITIES[settings.quality].candidates)
        return candidate_seeds(settings.seed, max(1, count))

    def exemplar(self, condition: str, inputs: dict, seed: int) -> Exemplar | None:
        """The exemplar that sampling with a seed starts from; None: from noise. Raises CheckpointError."""
        alone = condition == "text" and not inputs.get("beside")
        if not alone or self.row.exemplars is None or self._originality(condition, inputs) == 1:
            return None
        exemplars, vectors = load_exemplars(self.row.exemplars)
        return exemplars.choose(inputs["prompt"], vectors, seed)

    def _originality(self, condition: str, inputs: dict) -> float:
        return inputs.get("originality", self.row.conditions[condition].originality)

    def _start_from_exemplars(self, condition: str, inputs: dict, groups: list[list[int]]) -> Start | None:
        """The start of the samples of every seed."""
        chosen = [self.exemplar(condition, inputs, seed) for group in groups for seed in group]
        latents = [torch.from_numpy(exemplar.latent) for exemplar in chosen if exemplar is not None]
        if len(latents) < len(chosen):
            return None
        # They were fitted to their shapes: the denoiser, which was trained on encoded ones, would blur them.
        return Start(torch.stack(latents).to(self.device), self._originality(condition, inputs), unbiased=True)

    def _prepared(self, condition: str, inputs: dict, progress: Progress) -> Prepared:
        progress("condition", 0, 1)
        if has_prompt_beside(condition, inputs) and condition not in self.row.prompted:
            raise InputError(
                f"the model {self.row.name} reads no prompt beside {condition}",
                "Leave it out, or choose another model.",
            )
        beside = inputs.get("beside", {})
        unread = [name for name in beside if self.row.published or name not in self.row.conditions]
        refuse_beside(self.row.name, condition, unread)
        return self.denoiser.prepare(condition, inputs)

    @torch.no_grad()
    def _sampled(
        self,
        condition: str,
        prepared: Prepared,
        groups: list[list[int]],
        scale: float | None,
        steps: int,
        progress: Progress,
        start: Start | None = None,
    ) -> list[Sample]:
        """Of every group of seeds the sample whose shape agrees best with the input."""
        if start is not None:
            if start.strength == 0:
                rows = (start.of_rows(number * len(group), 1) for number, group in enumerate(groups))
                return [Sample(group[0], row.latent[0]) for group, row in zip(groups, rows, strict=True)]
            steps = start.steps(steps, self.schedule)
        model = self.denoiser
        tensors, *beside = (
            tuple(tensor.to(self.device) for tensor in some) for some in (prepared.tensors, *prepared.beside.values())
        )
        with self._on_device(*model.encoding_modules):
            encoded = model.encode(
                condition,
                *tensors,
                beside=dict(zip(prepared.beside, beside, strict=True)),
                weights=prepared.weights,
            )
            empty = None if scale is None else model.empty(encoded)
        with self._on_device(*model.denoising_modules):
            known = model.projected(encoded if empty is None else encoded.stacked_with(empty))
            denoiser = conditioned(model.denoise, known) if scale is None else guided(model.denoise, known, scale)
            seeds, size = [seed for group in groups for seed in group], self.row.batch_size
            batches = [(first, seeds[first : first + size]) for first in range(0, len(seeds), size)]
            parts = [part_of(progress, number, len(batches)) for number in range(len(batches))]
            sampler = antithetic if start is not None and start.unbiased else ancestral
            # Drawn on the CPU, so that a seed means the same shape on every device.
            latents = [
                sampler(
                    denoiser,
                    self.schedule,
                    steps,
                    noises_of_seeds(batch, (4, 12, 12, 12), self.device),
                    partial(part, "sample"),
                    start and start.of_rows(first, len(batch)),
                )
                for (first, batch), part in zip(batches, parts, strict=True)
            ]
        samples = {seed: Sample(seed, latent) for seed, latent in zip(seeds, torch.cat(latents), strict=True)}
        if len(groups) == len(seeds):
            return [samples[seed] for seed in seeds]
        progress("choose", 0, 1)
        return [self._best([samples[seed] for seed in group], prepared, encoded, empty) for group in groups]

    def _best(
        self, candidates: list[Sample], prepared: Prepared, encoded: Condition, empty: Condition | None
    ) -> Sample:
        with self._on_device(self.autoencoder):
            best = best_of(candidates, prepared, self.autoencoder)
        if best is None and empty is not None:
            with self._on_device(*self.denoiser.denoising_modules):
                latents = torch.stack([candidate.latent for candidate in candidates])
                best = candidates[
                    int(likelihoods(self.denoiser.denoise, self.schedule, latents, encoded, empty).argmax())
                ]
        return best or candidates[0]

    def generate(
        self,
        condition: str | Input,
        inputs: dict | None = None,
        settings: Settings = Settings(),
        progress: Progress | None = None,
        keep: ResultCallbacks = ResultCallbacks(),
        edit: Edit | None = None,
    ) -> Generation:
        """A mesh for an input: a typed one (TextInput("a chair"), see inputs.py), or a condition's name and its raw
        inputs (see conditions/inputs.py). progress(stage, step, steps) may raise to stop. ``keep`` gets the latent as
        soon as it exists, and again when it has been fitted. ``edit``: the shape to start from, None: noise.

        Where the memory does not suffice, and low-memory mode is "auto", the stages begin again in that mode.
        Raises as generate_latent does, and MemoryShortageError.
        """
        condition, inputs = raw_inputs(condition, inputs)
        return self._tried(partial(self._generate, condition, inputs, [settings], progress or silent, keep, edit))[0]

    def vary(
        self,
        mesh: Mesh | np.ndarray,
        strength: float,
        condition: str | Input = "none",
        inputs: dict | None = None,
        settings: Settings = Settings(),
        **choices: Any,
    ) -> Generation:
        """A variation of a mesh or distance field: ``generate`` with an Edit of this mesh and strength, for which
        ``choices`` are further fields."""
        return self.generate(condition, inputs, settings, edit=Edit(mesh, strength, **choices))

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
        """One mesh a seed, in order, for one input: the same as ``generate`` with that seed in the settings, up to
        rounding.

        They are denoised in one batch, and refined and decoded one after the other. The progress of a stage is that of
        all of them together, and a record's timings are its share; its "agreement" is that of the shape with the input,
        higher is better, None for an input without constraints. ``keep`` gets the intermediate results of each, in
        order. Raises as ``generate``, and InputError without seeds.
        """
        condition, inputs = raw_inputs(condition, inputs)
        if not seeds:
            raise InputError("there is no seed", "Give one for each variation.")
        several = [replace(settings, seed=seed) for seed in seeds]
        return self._tried(partial(self._generate, condition, inputs, several, progress or silent, keep, edit))

    def _tried(self, generate: Callable[[], list[Generation]]) -> list[Generation]:
        """What ``generate`` makes, in low-memory mode where it has to be."""

        def attempt(sequential_offload: bool) -> list[Generation]:
            self._take_up(sequential_offload)
            return generate()

        return run_with_offload_fallback(
            attempt, "on" if self.sequential_offload else self._low_memory, self.device, self._needs
        )

    def encoded(
        self, edit: Edit, condition_frame: Frame | None = None, progress: Progress | None = None
    ) -> EditedShape:
        """An edit with its shapes encoded. ``condition_frame``: of the condition's input, which has the mesh's
        coordinates. Raises InputError."""
        progress = progress or silent
        progress("encode", 0, 1)
        frame, field, notes = field_of(edit.mesh, edit.frame or condition_frame)
        if edit.other is None:
            return EditedShape(edit, frame, ((self._base(field), 1.0),), notes)
        if edit.region is not None:
            raise InputError("a region of two shapes cannot be made anew", "Blend them first, then change the region.")
        _, other, more = field_of(edit.other, None)
        bases = (self._base(field), 1 - edit.mix), (self._base(other), edit.mix)
        return EditedShape(edit, frame, bases, (*notes, *more))

    def _base(self, field: np.ndarray) -> Base:
        latent = self.field_to_latent(field)
        whole = torch.as_tensor(field, dtype=torch.float32, device=self.device)
        return Base(whole, latent, half_field(self.decode(latent)))

    def _generate(
        self,
        condition: str,
        inputs: dict,
        settings: list[Settings],
        progress: Progress,
        keep: ResultCallbacks,
        edit: Edit | None,
    ) -> list[Generation]:
        """A mesh for each of the settings, which differ in their seeds alone."""
        for one in settings:
            scale, steps = self._checked(condition, one)
            check_available(one.finish)
        timings: dict[str, float] = {}
        timed = Stopwatch(progress, timings)
        prepared = self._prepared(condition, inputs, timed)
        plan = self.fit_plan(condition, prepared, settings[0])
        groups = [self._candidates(condition, one) for one in settings]
        if edit is None:
            edited, start = None, self._start_from_exemplars(condition, inputs, groups)
        else:
            edited = self.encoded(edit, prepared.frame, timed)
            start, plan = edited.start, plan.weakened(edit.strength)
        samples = self._sampled(condition, prepared, groups, scale, steps, timed, start)
        timed.stop()
        shared = {
            "timings": {stage: seconds / len(settings) for stage, seconds in timings.items()},
            "scale": scale,
            "steps": steps,
            "several": len(settings) > 1,
        }
        parts = [part_of(progress, number, len(settings)) for number in range(len(settings))]
        return [
            self._finished(condition, inputs, plan, one, sample, shared, part, keep, edited)
            for one, sample, part in zip(settings, samples, parts, strict=True)
        ]

    def _finished(
        self,
        condition: str,
        inputs: dict,
        plan: FitPlan,
        settings: Settings,
        sample: Sample,
        shared: dict,
        progress: Progress,
        keep: ResultCallbacks,
        edited: EditedShape | None,
    ) -> Generation:
        """A sample's mesh. ``shared``: what of the record is the same of all samples."""
        timings, prepared = dict(shared["timings"]), plan.prepared
        timed, latent, tree = Stopwatch(progress, timings), sample.latent, sample.tree
        keep.latent(latent.cpu().numpy())
        if plan.latent_steps:
            latent, tree = self.fit_latent(latent, prepared.observation, plan.latent_steps, timed), None
            keep.latent(latent.cpu().numpy())
        tree = self.decode(latent, timed) if tree is None else tree
        agrees = {"agreement": agreement(prepared, half_field(tree).cpu())} if shared["several"] else {}
        half = QUALITIES[settings.quality].half and not plan.hold
        distance = self.tree_to_field(tree, plan, timed, half)
        if edited is not None:
            distance = edited.applied(distance, half_field(tree))
        timed("surface", 0, 1)
        in_parts = prepared.in_parts or (edited is not None and edited.in_parts)
        one_piece = self.row.one_piece and not in_parts if settings.one_piece is None else settings.one_piece
        vertices, faces = field_to_mesh(distance, remove_dust=False)
        left_out = 0
        if edited is None or edited.edit.region is None:
            vertices, faces, left_out = main_components(vertices, faces, one_piece)
        colours = self._colours(condition, inputs, settings, vertices, faces, timed)
        exemplar = self.exemplar(condition, inputs, sample.seed) if edited is None else None
        began = exemplar and f"Began with the training shape “{exemplar.caption}”"
        notes = [*inputs.get("notes", ()), prepared.note, began, describe_left_out(left_out)]
        if edited is not None:
            notes += [*edited.notes, edited.note_on(distance)]
        timed.stop()
        frame, licence = prepared.frame if edited is None else edited.frame, self.row.licence
        record = {
            "model": self.row.name,
            "model_version": self.row.version,
            "weight_hash": self.weight_hash,
            "prompt": inputs.get("prompt"),
            "seed": settings.seed,
            "chosen_seed": sample.seed,
            "quality": settings.quality,
            "precision": self.precision,
            "resolution": RESOLUTION // 2 if half else RESOLUTION,
            "scale": shared["scale"],
            "steps": shared["steps"],
            **agrees,
            "fit": plan.latent_steps,
            "refine": plan.surface_steps,
            "hold": plan.hold,
            "one_piece": one_piece,
            "beside": {name: prepared.weights.get(name, 1.0) for name in (condition, *inputs["beside"])}
            if inputs.get("beside")
            else None,
            "edit": edited and edited.edit.to_record(),
            "exemplar": exemplar and {"id": exemplar.id, "caption": exemplar.caption},
            "originality": self._originality(condition, inputs) if exemplar else None,
            "colour": colours is not None,
            "condition": condition,
            "licence": licence.name,
            "non_commercial": licence.non_commercial,
            "ai_generated": True,
            "timings": timings,
            "frame": {"center": [float(c) for c in frame.center], "scale": float(frame.scale)} if frame else None,
            "note": ". ".join(filter(None, notes)),
        }
        return finished(vertices, faces, latent.cpu().numpy(), record, settings.finish, progress, keep, colours)

    def _colours(
        self, condition: str, inputs: dict, settings: Settings, vertices: np.ndarray, faces: np.ndarray, timed: Progress
    ) -> np.ndarray | None:
        """Colours (F, 3) of an extracted surface, None where none are wanted."""
        if not (self.row.coloured if settings.colour is None else settings.colour):
            return None
        from .colour.colouring import Colouring  # and SciPy's trees, which a shape without colours does not need
        from .colour.inputs import asked_by

        timed("colour", 0, 1)
        return Colouring.shipped().colours(vertices, faces, asked_by(condition, inputs, settings.seed))

    def _checked(self, condition: str, settings: Settings) -> tuple[float | None, int]:
        return checked(self.row, self.schedule.config.length, condition, settings)


def finished(
    vertices: np.ndarray,
    faces: np.ndarray,
    latent: np.ndarray,
    record: dict,
    settings: Finish,
    progress: Progress,
    keep: ResultCallbacks,
    colours: np.ndarray | None = None,
) -> Generation:
    """The generation of an extracted surface: kept, then finished. record: what is known of it so far."""
    keep.surface(vertices, faces, record, colours)
    result = finish(vertices, faces, settings, progress, colours)
    record = finished_record(record, settings, result)
    return Generation(result.vertices, result.faces, latent, record, result.uvs, result.colours, result.texture)


def checked(row: ModelRow, length: int, condition: str, settings: Settings) -> tuple[float | None, int]:
    """Scale and steps to use; no scale where there is nothing to guide. ``length``: of the schedule. Raises InputError,
    ModelError."""
    if settings.quality not in QUALITIES:
        raise InputError(f"the quality is {settings.quality!r}, expected one of {', '.join(QUALITIES)}")
    if condition not in row.conditions:
        raise ModelError(f"the model {row.name} takes no {condition}", f"It takes: {', '.join(row.conditions)}.")
    defaults = row.conditions[condition]
    scale = defaults.scale if settings.scale is None else float(settings.scale)
    steps = (
        max(2, round(defaults.steps * QUALITIES[settings.quality].steps))
        if settings.steps is None
        else int(settings.steps)
    )
    if defaults.scale is None and scale is not None:
        raise InputError(
            f"the guidance scale is {scale:g}, but with the condition {condition!r} there is nothing to follow",
            "Leave it out.",
        )
    if scale is not None and not (math.isfinite(scale) and 0 <= scale <= 100):
        raise InputError(f"the guidance scale is {scale}, expected 0 … 100", f"The default is {defaults.scale:g}.")
    if not 2 <= steps <= length:
        raise InputError(f"the number of steps is {steps}, expected 2 … {length}", f"The default is {defaults.steps}.")
    if not 0 <= settings.seed < 2**63:
        raise InputError(f"the seed is {settings.seed}, expected a whole number from 0 to 2^63 − 1")
    return scale, steps


def one_after_another(
    generate: Callable[..., Generation],
    condition: str | Input,
    inputs: dict | None,
    settings: Settings,
    seeds: Sequence[int],
    progress: Progress | None,
    keep: ResultCallbacks,
    edit: Edit | None = None,
) -> list[Generation]:
    """Variations by a pipeline without batching, one after the other."""
    parts = [part_of(progress or silent, number, len(seeds)) for number in range(len(seeds))]
    return [
        generate(condition, inputs, replace(settings, seed=seed), part, keep, edit)
        for seed, part in zip(seeds, parts, strict=True)
    ]


def refuse_edit(model: str, edit: Edit | None) -> None:
    """Raises ModelError where a model that cannot start from a shape is to do so."""
    if edit is not None:
        raise ModelError(
            f"the model {model} has no encoder of shapes, so that it cannot start from one", "Choose the starter."
        )


def refuse_precision(model: str, precision: str) -> None:
    """Raises ModelError where a model that computes in float32 alone is to use another precision."""
    if precision not in ("auto", "float32"):
        raise ModelError(f"the model {model} computes in float32, not in {precision}", "Leave the precision out.")


def refuse_beside(model: str, condition: str, unread: Sequence[str]) -> None:
    """Raises InputError where there are further inputs that a model does not read."""
    if unread:
        raise InputError(
            f"the model {model} reads no {' and no '.join(unread)} beside {condition}",
            "Leave it out, or choose the starter.",
        )


def describe_left_out(count: int) -> str:
    """Note on the number of loose pieces that were removed; "" for none."""
    return "" if not count else "A loose piece was left out" if count == 1 else f"{count} loose pieces were left out"


def describe_memory(row: ModelRow, device: torch.device, precision: torch.dtype) -> str:
    """Memory that a model takes, as text."""
    if row.published is None:
        return f"the model {row.name} is small, what else runs takes the memory"
    if device.type == "cpu":
        needed = row.published.memory(precision.itemsize) / 1e9
        return f"the model {row.name} needs about {needed:.1f} GB in {precision_name(precision)}"
    whole, offloaded = row.published.memory(), row.published.memory(sequential_offload=True)
    return f"the model {row.name} needs about {whole / 1e9:.1f} GB, {offloaded / 1e9:.1f} GB in low-memory mode"
