"""Evaluation of a pipeline on reference shapes: the autoencoder, each condition, and baselines with the same inputs. No
files are read or written."""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from ..errors import InputError
from ..geometry.distance import Frame
from ..geometry.light_field import descriptor, light_field_distance
from ..geometry.metrics import (
    chamfer_and_f_score,
    count_pieces,
    coverage_and_distance,
    iou,
    normal_angle,
    sample_surface,
    silhouette_iou,
    silhouettes,
)
from ..geometry.renderer import sample_field
from ..geometry.surface import field_to_mesh
from ..training.conditions import TRAININGS
from ..training.data.captions import UNNAMED
from ..training.data.mesh_datasets import Record
from ..training.input_pictures import InputPicture
from .inputs import Trial, trials_of
from .report import summarise
from .shapes import Progress, Shape, fit_shapes
from .training_set import TrainingShapes

if TYPE_CHECKING:
    from ..pipeline import Pipeline, Settings

log = logging.getLogger(__name__)
NEAREST = 5  # nearest training shapes whose captions are compared with the prompt's noun
FAST = 8  # shapes of a fast evaluation
CLOUD = 1024  # points a shape for coverage
FITTED = 16  # steps that fit the autoencoder's latent to the shape itself
RULES = {note: words for training in TRAININGS.values() for note, words in training.notes.items()} | {
    "reference": "signed distance field of the mesh at 256³, longest side -0.9…0.9, and its iso-surface; turned as its author left it, seats too",
    "mse": "mean squared difference of the distance field that comes back from the latent and the reference's, over the 256³ grid points",
    "d_iou, d_mse": "mean over the collections of each collection's mean",
    "chamfer": "mean of both directions' mean distance between 10,000 points a surface, in the reference's units",
    "f_score": "harmonic mean of the shares of 10,000 points a surface that lie within 0.05 of the other's",
    "normal_angle": "mean angle in degrees between the outward normals at 10,000 random points of a surface and at the other's points nearest to "
    "them, averaged over both directions",
    "pieces": "solids that do not touch, in the decoded mesh without dust, before small parts are left out where one piece is wanted; "
    "one_piece: share of results in one piece, of which the references' own share is reference_one_piece",
    "silhouette_iou": "mean overlap of the silhouettes from 20 directions spread over the half-sphere",
    "light_field_distance": "Chen et al. 2003: the least sum of absolute differences of ten silhouettes' Zernike moments and Fourier coefficients, over "
    "60 rotations and ten light fields a shape (geometry/light_field.py); in 255ths, without the authors' rounding",
    "not_fitted": "the model's own result before it is fitted to the input",
    "autoencoder_fitted": f"the latent moved by {FITTED} steps towards the shape's own field, through the decoder's gradient",
    "nearest_training_shape": "the training shape most like the reference itself by 16³ voxels: what no look-up by an input does better",
    "own_nearest_iou": "overlap of the results with the training shapes most like them: near 1 where a model only looks up",
    "noun": f"share of the {NEAREST} training shapes most like the result (by 16³ voxels) that carry the prompt's noun or a synonym; "
    "chance: share of all training shapes that do",
    "coverage": f"share of references that are the nearest one of some result, by chamfer distance of {CLOUD} points",
    "minimum_matching_distance": "mean over references of the distance to the nearest result",
    "random_training_shapes": "as many training shapes, drawn at random, in the place of results",
    "thirds": "shapes sorted by the share of the grid that is solid",
    "no surface": "a result without a surface has iou, f_score, silhouette_iou and pieces 0, no chamfer, normal_angle and light_field_distance; chamfer_shapes tells how "
    "many have one",
}
OnResult = Callable[[Shape, str, Sequence[InputPicture], torch.Tensor], None]


class Codec(Protocol):
    """Interface of codecs, such as a Pipeline: a shape to its latent and back."""

    def field_to_latent(self, field: torch.Tensor) -> torch.Tensor: ...

    def latent_to_field(self, latent: torch.Tensor) -> torch.Tensor: ...


def _rng(shape: Shape, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, int(hashlib.sha1(shape.record.id.encode()).hexdigest()[:8], 16)])


def from_frame(field: torch.Tensor, frame: Frame | None) -> torch.Tensor:
    """A field (R, R, R) in the model space of ``frame`` on the grid of the input's coordinates, where the reference is.

    A cloud of points does not quite reach its shape's bounding box, so that the model gets it a little larger and off
    the centre.
    """
    R = field.shape[0]
    if frame is None or max(float(np.abs(frame.center).max()), abs(frame.scale - 1)) < 0.1 / R:
        return field
    axis = torch.arange(R) * (2 / R) - 1
    center = [float(c) for c in frame.center]
    slabs = []
    for x in axis.split(32):
        points = torch.stack(
            torch.meshgrid(*((a - c) * frame.scale for a, c in zip((x, axis, axis), center)), indexing="ij"), -1
        )
        slabs.append(sample_field(field, points.float()))
    return torch.cat(slabs) / frame.scale


def score(field: torch.Tensor, shape: Shape, fast: bool = False) -> dict:
    """{"iou", "chamfer", "f_score", "normal_angle", "pieces"} of a field (R, R, R) with the reference; and, but for a
    fast evaluation, {"silhouette_iou", "light_field_distance"}."""
    field = torch.as_tensor(field).cpu().float()
    inside = field < 0
    overlap = {"iou": iou(inside, shape.field < 0)}
    if not fast:
        overlap |= {
            "silhouette_iou": silhouette_iou(silhouettes(inside.numpy()), shape.silhouettes),
            "light_field_distance": light_field_distance(descriptor(inside.numpy()), shape.light_fields)
            if inside.any()
            else None,
        }
    try:
        mesh = field_to_mesh(field)
    except InputError:
        return overlap | {"chamfer": None, "f_score": 0.0, "normal_angle": None, "pieces": 0}
    distance, near = chamfer_and_f_score(mesh, shape.surface)
    return overlap | {
        "chamfer": distance,
        "f_score": near,
        "normal_angle": normal_angle(mesh, shape.surface),
        "pieces": count_pieces(*mesh),
    }


def codec_score(codec: Codec, shape: Shape, latent: torch.Tensor | None = None, fast: bool = False) -> dict:
    """``score`` of the reconstruction from the shape's latent, or from a given one, and "mse", of the distance
    field."""
    field = codec.latent_to_field(codec.field_to_latent(shape.field) if latent is None else latent).cpu().float()
    return score(field, shape, fast) | {"mse": float((field - shape.field).square().mean())}


def cloud(field: torch.Tensor, seed: int) -> np.ndarray | None:
    """Points (CLOUD, 3) of a field's surface; None without one."""
    try:
        return sample_surface(*field_to_mesh(torch.as_tensor(field).cpu().float()), CLOUD, np.random.default_rng(seed))
    except InputError:
        return None


def measure(
    pipeline: "Pipeline",
    shape: Shape,
    trials: Mapping[str, Trial],
    settings: "Settings",
    train: TrainingShapes | None,
    on_result: OnResult | None,
    fast: bool = False,
    pace: "Pace | None" = None,
) -> tuple[dict, dict[str, np.ndarray | None]]:
    """One shape's scores by the trials' names, each with its baselines', and the clouds of those results that count as
    a set. fast: of the results alone, without what they are compared with."""
    scores, clouds = {"autoencoder": codec_score(pipeline, shape, fast=fast)}, {}
    if not fast:
        scores["autoencoder_fitted"] = codec_score(pipeline, shape, pipeline.field_to_latent(shape.field, FITTED))
    if pace is not None:
        pace.report(shape, "autoencoder", scores["autoencoder"])
    if train is not None and not fast:
        scores["nearest_training_shape"] = score(train.field(train.nearest(shape.field)[0]), shape)
    for name, trial in trials.items():
        rng = _rng(shape, settings.seed)
        inputs = trial.make(shape, rng)
        # Without an input, results differ only by their seeds.
        own = settings if inputs else replace(settings, seed=int(rng.integers(2**31)))
        latent, prepared = pipeline.generate_latent(trial.condition, inputs, own)
        plan = pipeline.fit_plan(trial.condition, prepared, own)
        unfitted = replace(plan, latent_steps=0, surface_steps=0)
        lines = {} if fast else trial.evaluation.baselines(shape.field, inputs, train)
        if (plan.latent_steps or plan.surface_steps) and not fast:
            lines |= {"not_fitted": from_frame(pipeline.latent_to_field(latent, unfitted).cpu(), prepared.frame)}
        fitted = pipeline.fit_latent(latent, prepared.observation, plan.latent_steps)
        field = from_frame(pipeline.latent_to_field(fitted, plan).cpu(), prepared.frame)
        scores[name] = score(field, shape, fast) | {
            "baselines": {line: score(result, shape) for line, result in lines.items()}
        }
        if pace is not None:
            pace.report(shape, name, scores[name])
        if train is not None and not fast and (field < 0).any():
            alike = train.nearest(field, NEAREST)
            scores[name]["own_nearest_iou"] = iou(train.field(alike[0]) < 0, field < 0)
            if trial.by_name and shape.record.head != UNNAMED:
                scores[name]["noun"] = train.carry(shape.record.head, alike)
        if trial.as_set:
            clouds[name] = cloud(field, 0)
        if on_result is not None:
            on_result(shape, name, trial.show(inputs), field)
    return scores, clouds


class Pace:
    """Logs every result, with the estimated remaining time."""

    def __init__(self, shapes: int, trials: int):
        self._began, self._done, self._each, self._all = time.monotonic(), 0, trials, shapes * trials

    def report(self, shape: Shape, name: str, one: dict) -> None:
        self._done += 1
        seconds = (time.monotonic() - self._began) * (self._all / self._done - 1)
        angle = "no surface" if one["normal_angle"] is None else f"normals {one['normal_angle']:.1f}°"
        log.info(
            "shape %d of %d, %s, %s: IoU %.3f, %s; about %d min %02d s left",
            -(-self._done // self._each),
            self._all // self._each,
            shape.record.id,
            name,
            one["iou"],
            angle,
            *divmod(round(max(0.0, seconds)), 60),
        )


def evaluate(
    pipeline: "Pipeline",
    records: Iterable[Record],
    conditions: Sequence[str],
    limit: int | None,
    settings: "Settings",
    on_progress: Progress | None = None,
    train: TrainingShapes | None = None,
    on_result: OnResult | None = None,
    fast: bool = False,
) -> dict:
    """The report: "autoencoder" and each trial of the conditions (their names are in "trials") with iou, chamfer,
    f_score, silhouette_iou, medians, thirds and "baselines".

    fast: FAST shapes at most and only what takes no long: neither baselines nor fitted latents, silhouettes or light
    fields. ``limit`` and ``on_progress``: see fit_shapes; on_result(shape, trial, shown, field) is called with every
    result. Raises InputError for an unknown condition or when no shape can be used.
    """
    trials = trials_of(conditions, pipeline.denoiser.views)
    for name, trial in trials.items():
        if trial.has_caption_beside and trial.condition not in pipeline.row.prompted:
            raise InputError(f"{name}: the model {pipeline.row.name} reads no caption beside it")
    records = list(records)
    limit = min(limit or FAST, FAST) if fast else limit
    pace = Pace(min(len(records), limit or len(records)), 1 + len(trials))
    skipped, rows, references = Counter(), [], []
    clouds_of: dict[str, list] = {name: [] for name, trial in trials.items() if trial.as_set}
    for shape in fit_shapes(records, limit, train, skipped, on_progress):
        scores, clouds = measure(pipeline, shape, trials, settings, train, on_result, fast, pace)
        rows.append(shape.about | scores)
        for name, points in clouds.items():
            clouds_of[name].append(points)
        if clouds_of:
            references.append(sample_surface(*shape.surface, CLOUD, np.random.default_rng(1)))
    report = summarise(rows, ("autoencoder", "autoencoder_fitted", "nearest_training_shape", *trials), train)
    for name, clouds in clouds_of.items():
        report[name] |= _as_set(clouds, references)
    if clouds_of and train is not None:
        drawn = np.random.default_rng(settings.seed).choice(
            len(train.entries), len(rows), replace=len(train.entries) < len(rows)
        )
        report["random_training_shapes"] = _as_set([cloud(train.field(int(index)), 0) for index in drawn], references)
    about = {
        "model": settings.model,
        "seed": settings.seed,
        "count": len(rows),
        "skipped": dict(skipped),
        "rules": RULES,
        "trials": list(trials),
    }
    return about | report | {"shapes": rows}


def _as_set(clouds: list[np.ndarray | None], references: list[np.ndarray]) -> dict:
    clouds = [points for points in clouds if points is not None]
    if not clouds:
        return {}
    coverage, distance = coverage_and_distance(clouds, references)
    return {"coverage": coverage, "minimum_matching_distance": distance}
