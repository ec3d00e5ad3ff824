"""Measures a pipeline on meshes: the autoencoder, each condition, and what simpler methods make of the same inputs. Knows no files.

Reference: the mesh's own distance field at 256³, and its iso-surface. A shape counts only if the codec can hold it at all, by the
limits of the training store; how many do not, and why, is in the report.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from ..conditions.voxels import CELLS, occupancy_of
from ..errors import InputError
from ..geometry.distance import TRUNCATION, Frame
from ..geometry.metrics import Mesh, chamfer_and_f_score, coverage_and_distance, iou, sample_surface, silhouette_iou, silhouettes
from ..geometry.surface import field_to_mesh
from ..geometry.views import framed, sample_field, trace
from .baselines import BASELINES, TrainingShapes
from .captions import NOTHING
from .collections import Record
from .duplicates import fingerprint
from .fitness import Limits, Unfit, check_tree, fit_field, read_fit, surface_points
from .report import summarise
from .sketches import line_picture
from .store import POINTS

if TYPE_CHECKING:
    from ..pipeline import Pipeline, Settings

DRAWING = 256  # pixels of the sketches drawn of the references
ELEVATIONS = (0.0, 40.0)  # degrees, as in training
NEAREST = 5  # training shapes that are asked for the prompt's noun
CLOUD = 1024  # points a shape for coverage
SETS = ("text", "none")  # conditions that do not tell one shape: what counts is the set of results
RULES = {
    "reference": "signed distance field of the mesh at 256³, longest side -0.9…0.9, and its iso-surface",
    "chamfer": "mean of both directions' mean distance between 10,000 points a surface, in the reference's units",
    "f_score": "harmonic mean of the shares of 10,000 points a surface that lie within 0.05 of the other's",
    "silhouette_iou": "mean overlap of the silhouettes from 20 directions spread over the half-sphere; not the light field distance",
    "voxels": "solid 16³; a cell is filled when any grid point of it is inside (rule 'any')",
    "nearest": "the model's own input voxels, each cell as it is",
    "trilinear": "the model's own input voxels, interpolated, solid above 1/2",
    "trilinear_half_filled": "other voxels than the model's: a cell is filled when at least half of it is inside; then as trilinear",
    "points": f"{POINTS} points of the mesh's visible surface, without normals",
    "screened_poisson": "screened Poisson surface of the same points with the reference's normals, which the model is not told",
    "sketch": "depth and normal discontinuities of the reference, seen from azimuth 0 and an elevation of 0…40° that the model is told",
    "mean_shape": "one shape for every input: the training shapes' mean distance field at its best level",
    "retrieved_by_drawing": "the training shape one of whose drawings is most like the sketch",
    "nearest_training_shape": "the training shape most like the reference itself by 16³ voxels: what no look-up by an input does better",
    "own_nearest_iou": "overlap of the results with the training shapes most like them: near 1 where a model only looks up",
    "text": "the caption; a caption does not tell the shape, so that its iou is low for any model",
    "noun": f"share of the {NEAREST} training shapes most like the result (by 16³ voxels) that carry the prompt's noun or a synonym; "
            "chance: share of all training shapes that do",
    "coverage": f"share of references that are the nearest one of some result, by chamfer distance of {CLOUD} points",
    "minimum_matching_distance": "mean over references of the distance to the nearest result",
    "random_training_shapes": "as many training shapes, drawn at random, in the place of results",
    "thirds": "shapes sorted by the share of the grid that is solid",
    "no surface": "a result without a surface has iou, f_score and silhouette_iou 0 and no chamfer; chamfer_shapes tells how many have one",
}
Progress = Callable[[int, str], None]
Look = Callable[["Shape", str, dict, torch.Tensor], None]


@dataclass(frozen=True)
class Shape:
    """A reference: field (R, R, R) float32, its surface, the mesh in model space, the solid's share of the grid."""

    record: Record
    field: torch.Tensor
    surface: Mesh
    mesh: Mesh
    volume: float

    @cached_property
    def silhouettes(self) -> np.ndarray:
        return silhouettes((self.field < 0).numpy())


def read_shape(record: Record, train: TrainingShapes | None, limits: Limits = Limits()) -> Shape:
    """The reference of one record. Raises Unfit with the reason when the codec cannot hold the shape, or when it is a training shape."""
    vertices, faces = read_fit(record, limits)
    if train is not None and train.has(fingerprint(vertices, faces)):
        raise Unfit("duplicate", "of a training shape")
    field = fit_field(vertices, faces, limits, TRUNCATION)
    check_tree(field, None, limits)
    return Shape(record, field, field_to_mesh(field, remove_dust=False), (vertices, faces), float((field < 0).float().mean()))


def _rng(shape: Shape, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, int(hashlib.sha1(shape.record.id.encode()).hexdigest()[:8], 16)])


def voxel_input(shape: Shape, rng: np.random.Generator) -> dict:
    return {"occupancy": occupancy_of(shape.field, CELLS)}


def point_input(shape: Shape, rng: np.random.Generator) -> dict:
    return {"points": surface_points(*shape.mesh, shape.field.numpy(), POINTS, rng)}


def sketch_input(shape: Shape, rng: np.random.Generator) -> dict:
    """Dark lines on white, (256, 256) uint8, three pixels wide, of the reference seen from a random elevation."""
    elevation = float(rng.uniform(*ELEVATIONS))
    depth, normal = trace(shape.field, framed(shape.surface[0], elevation), DRAWING)
    lines = F.max_pool2d(line_picture(depth[None], normal[None]), 3, 1, 1)[0, 0]
    return {"image": (255 * (1 - lines)).round().to(torch.uint8).numpy(), "elevation": elevation}


def depth_input(shape: Shape, rng: np.random.Generator) -> dict:
    """The mesh, for the condition to look at from one side."""
    return depths_input(shape, rng) | {"azimuth": 0.0, "elevation": float(rng.uniform(*ELEVATIONS))}


def depths_input(shape: Shape, rng: np.random.Generator) -> dict:
    """The mesh, for the condition to look at from the sides that the model wants."""
    return {"vertices": shape.surface[0].astype(np.float64), "faces": shape.surface[1].astype(np.int64)}


def text_input(shape: Shape, rng: np.random.Generator) -> dict:
    return {"prompt": shape.record.caption}


def no_input(shape: Shape, rng: np.random.Generator) -> dict:
    return {}


INPUTS: dict[str, Callable[[Shape, np.random.Generator], dict]] = {
    "text": text_input, "sketch": sketch_input, "depth": depth_input, "depths": depths_input, "voxels": voxel_input, "points": point_input,
    "none": no_input,
}


def from_frame(field: torch.Tensor, frame: Frame | None) -> torch.Tensor:
    """A field (R, R, R) in the model space of ``frame`` on the grid of the input's coordinates, where the reference is.

    A cloud of points does not quite reach its shape's bounding box, so that the model gets it a little larger and off the centre.
    """
    R = field.shape[0]
    if frame is None or max(float(np.abs(frame.center).max()), abs(frame.scale - 1)) < 0.1 / R:
        return field
    axis = torch.arange(R) * (2 / R) - 1
    center = [float(c) for c in frame.center]
    slabs = []
    for x in axis.split(32):
        points = torch.stack(torch.meshgrid(*((a - c) * frame.scale for a, c in zip((x, axis, axis), center)), indexing="ij"), -1)
        slabs.append(sample_field(field, points.float()))
    return torch.cat(slabs) / frame.scale


def score(field: torch.Tensor, shape: Shape) -> dict:
    """{"iou", "chamfer", "f_score", "silhouette_iou"} of a field (R, R, R) with the reference."""
    field = torch.as_tensor(field).cpu().float()
    try:
        distance, near = chamfer_and_f_score(field_to_mesh(field), shape.surface)
    except InputError:
        distance, near = None, 0.0
    inside = field < 0
    return {"iou": iou(inside, shape.field < 0), "chamfer": distance, "f_score": near,
            "silhouette_iou": silhouette_iou(silhouettes(inside.numpy()), shape.silhouettes)}


def cloud(field: torch.Tensor, seed: int) -> np.ndarray | None:
    """Points (CLOUD, 3) of a field's surface; None without one."""
    try:
        return sample_surface(*field_to_mesh(torch.as_tensor(field).cpu().float()), CLOUD, np.random.default_rng(seed))
    except InputError:
        return None


def measure(pipeline: "Pipeline", shape: Shape, conditions: Sequence[str], settings: "Settings", train: TrainingShapes | None,
            look: Look | None) -> tuple[dict, dict[str, np.ndarray | None]]:
    """One shape's scores by condition, each with its baselines', and the clouds of those results that count as a set."""
    scores, clouds = {}, {}
    scores["autoencoder"] = score(pipeline.latent_to_field(pipeline.field_to_latent(shape.field)), shape)
    if train is not None:
        scores["nearest_training_shape"] = score(train.field(train.nearest(shape.field)[0]), shape)
    for condition in conditions:
        rng = _rng(shape, settings.seed)
        inputs = INPUTS[condition](shape, rng)
        # Without an input it is the seed alone that makes one result another.
        own = settings if inputs else replace(settings, seed=int(rng.integers(2**31)))
        latent, prepared = pipeline.generate_latent(condition, inputs, own)
        field = from_frame(pipeline.latent_to_field(latent).cpu(), prepared.frame)
        scores[condition] = score(field, shape) | {
            "baselines": {name: score(made, shape) for name, made in BASELINES.get(condition, _no_baselines)(shape.field, inputs, train).items()}}
        if train is not None and (field < 0).any():
            alike = train.nearest(field, NEAREST)
            scores[condition]["own_nearest_iou"] = iou(train.field(alike[0]) < 0, field < 0)
            if condition == "text" and shape.record.head != NOTHING:
                scores[condition]["noun"] = train.carry(shape.record.head, alike)
        if condition in SETS:
            clouds[condition] = cloud(field, 0)
        if look is not None:
            look(shape, condition, inputs, field)
    return scores, clouds


def _no_baselines(field: torch.Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, torch.Tensor]:
    return {}


def evaluate(pipeline: "Pipeline", records: Iterable[Record], conditions: Sequence[str], limit: int | None, settings: "Settings",
             on_progress: Progress | None = None, train: TrainingShapes | None = None, look: Look | None = None) -> dict:
    """The report: "autoencoder" and each condition with iou, chamfer, f_score, silhouette_iou, medians, thirds and "baselines".

    The limit takes shapes in the order of a hash of their ids: a fair sample. on_progress(done, id) is called before each,
    look(shape, condition, inputs, field) with every result. Raises InputError for an unknown condition or when no shape can be used.
    """
    unknown = sorted(set(conditions) - set(INPUTS))
    if unknown:
        raise InputError(f"unknown condition {unknown[0]!r}", f"Choose some of {', '.join(INPUTS)}")
    skipped, rows, references = Counter(), [], []
    made: dict[str, list] = {name: [] for name in conditions if name in SETS}
    for record in sorted(records, key=lambda record: hashlib.sha1(record.id.encode()).digest()):
        if len(rows) == limit:
            break
        if on_progress is not None:
            on_progress(len(rows), record.id)
        try:
            shape = read_shape(record, train)
        except Unfit as unfit:
            skipped[unfit.reason] += 1
            continue
        scores, clouds = measure(pipeline, shape, conditions, settings, train, look)
        rows.append({"id": record.id, "caption": record.caption, "head": record.head, "volume": shape.volume, **scores})
        for name, points in clouds.items():
            made[name].append(points)
        if made:
            references.append(sample_surface(*shape.surface, CLOUD, np.random.default_rng(1)))
    if not rows:
        raise InputError(f"none of the {sum(skipped.values())} shapes can be used", "Choose another split or folder")
    report = summarise(rows, conditions, train)
    for name, clouds in made.items():
        report[name] |= _as_set(clouds, references)
    if made and train is not None:
        drawn = np.random.default_rng(settings.seed).choice(len(train.entries), len(rows), replace=len(train.entries) < len(rows))
        report["random_training_shapes"] = _as_set([cloud(train.field(int(index)), 0) for index in drawn], references)
    about = {"model": settings.model, "seed": settings.seed, "count": len(rows), "skipped": dict(skipped), "rules": RULES}
    return about | report | {"shapes": rows}


def _as_set(clouds: list[np.ndarray | None], references: list[np.ndarray]) -> dict:
    clouds = [points for points in clouds if points is not None]
    if not clouds:
        return {}
    coverage, distance = coverage_and_distance(clouds, references)
    return {"coverage": coverage, "minimum_matching_distance": distance}
