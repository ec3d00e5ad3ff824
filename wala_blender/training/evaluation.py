"""Measures a pipeline on meshes: the autoencoder, each condition, and what plain upsampling makes of the same voxels. Knows no files.

Reference: the mesh's own distance field at 256³, and its iso-surface. A shape counts only if the codec can hold it at all, by the
limits of the training store; how many do not, and why, is in the report.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from ..conditions.voxels import CELLS, occupancy_of
from ..errors import InputError
from ..geometry.distance import Frame, frame_of, mesh_to_distance
from ..geometry.metrics import Mesh, chamfer, iou
from ..geometry.surface import field_to_mesh
from ..geometry.views import framed, sample_field, trace
from ..wavelet import field_to_tree, tree_to_field
from .collections import Record, load_mesh
from .sketches import line_picture
from .store import POINTS, Limits, surface_points

if TYPE_CHECKING:
    from ..pipeline import Pipeline, Settings

DRAWING = 256  # pixels of the sketches drawn of the references
ELEVATIONS = (0.0, 40.0)  # degrees, as in training
RULES = {
    "reference": "signed distance field of the mesh at 256³, longest side -0.9…0.9, and its iso-surface",
    "chamfer": "mean of both directions' mean distance between 10,000 points a surface, in the reference's units",
    "voxels": "solid 16³; a cell is filled when any grid point of it is inside (rule 'any')",
    "nearest": "the model's own input voxels, each cell as it is",
    "trilinear": "the model's own input voxels, interpolated, solid above 1/2",
    "trilinear_half_filled": "other voxels than the model's: a cell is filled when at least half of it is inside; then as trilinear",
    "points": f"{POINTS} points of the mesh's visible surface",
    "sketch": "depth and normal discontinuities of the reference, seen from azimuth 0 and an elevation of 0…40° that the model is told",
    "text": "the caption; a caption does not tell the shape, so that its iou is low for any model",
    "thirds": "shapes sorted by the share of the grid that is solid",
    "no surface": "a result without a surface has iou 0 and no chamfer; chamfer_shapes tells how many have one",
}
Progress = Callable[[int, str], None]


@dataclass(frozen=True)
class Shape:
    """A reference: field (256, 256, 256) float32, its surface, the mesh in model space, the solid's share of the grid."""

    record: Record
    field: torch.Tensor
    surface: Mesh
    mesh: Mesh
    volume: float


def read_shape(record: Record, limits: Limits = Limits()) -> Shape:
    """The reference of one record. Raises InputError with the reason when the codec cannot hold the shape."""
    vertices, faces = load_mesh(record)
    vertices = frame_of(vertices).to_model(vertices)
    field = torch.from_numpy(mesh_to_distance(vertices, faces))
    inside = field < 0
    volume = float(inside.float().mean())
    if volume < limits.min_volume:
        raise InputError("next to no volume")
    if iou(tree_to_field(field_to_tree(field[None]))[0] < 0, inside) < limits.min_tree_iou:
        raise InputError("too thin for the wavelet tree")
    return Shape(record, field, field_to_mesh(field, remove_dust=False), (vertices, faces), volume)


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


def text_input(shape: Shape, rng: np.random.Generator) -> dict:
    return {"prompt": shape.record.caption}


INPUTS: dict[str, Callable[[Shape, np.random.Generator], dict]] = {
    "text": text_input, "sketch": sketch_input, "voxels": voxel_input, "points": point_input,
}


def upsampled(occupancy: np.ndarray, mode: str) -> torch.Tensor:
    """Field (256, 256, 256) float32, 1/2 minus the filling of cells (16, 16, 16): "nearest" or "trilinear" between the cells' centres."""
    cells = torch.from_numpy(occupancy.astype(np.float32))[None, None]
    return 0.5 - F.interpolate(cells, scale_factor=256 // CELLS, mode=mode)[0, 0]


def half_filled(field: torch.Tensor) -> np.ndarray:
    """Solid voxels (16, 16, 16) bool: a cell is filled when at least half of its grid points are inside."""
    return (F.avg_pool3d((field < 0).float()[None], field.shape[0] // CELLS)[0] >= 0.5).numpy()


def baselines(shape: Shape) -> dict[str, torch.Tensor]:
    """What plain upsampling makes of the shape's voxels, as fields."""
    given, half = occupancy_of(shape.field, CELLS), half_filled(shape.field)
    return {"nearest": upsampled(given, "nearest"), "trilinear": upsampled(given, "trilinear"),
            "trilinear_half_filled": upsampled(half, "trilinear")}


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
    """{"iou", "chamfer"} of a field (256, 256, 256) with the reference; chamfer None without a surface."""
    field = torch.as_tensor(field).cpu().float()
    try:
        distance = chamfer(field_to_mesh(field), shape.surface)
    except InputError:
        distance = None
    return {"iou": iou(field < 0, shape.field < 0), "chamfer": distance}


def measure(pipeline: "Pipeline", shape: Shape, conditions: Sequence[str], settings: "Settings") -> dict:
    """All scores of one shape: "autoencoder", each condition, and "baselines" where voxels are among them."""
    scores = {"autoencoder": score(pipeline.latent_to_field(pipeline.field_to_latent(shape.field)), shape)}
    for condition in conditions:
        inputs = INPUTS[condition](shape, _rng(shape, settings.seed))
        latent, prepared = pipeline.generate_latent(condition, inputs, settings)
        scores[condition] = score(from_frame(pipeline.latent_to_field(latent).cpu(), prepared.frame), shape)
    if "voxels" in conditions:
        scores["baselines"] = {name: score(field, shape) for name, field in baselines(shape).items()}
    return scores


def summary(scores: Sequence[dict], volumes: Sequence[float]) -> dict:
    """Mean and median IoU, mean chamfer, and mean IoU of the thin, middle and bulky third."""
    ious = np.array([one["iou"] for one in scores])
    distances = [one["chamfer"] for one in scores if one["chamfer"] is not None]
    thirds = zip(("thin", "middle", "bulky"), np.array_split(np.argsort(volumes, kind="stable"), 3))
    return {"iou": float(ious.mean()), "iou_median": float(np.median(ious)), "chamfer": float(np.mean(distances)) if distances else None,
            "chamfer_shapes": len(distances), "thirds": {name: float(ious[part].mean()) for name, part in thirds if len(part)}}


def evaluate(pipeline: "Pipeline", records: Iterable[Record], conditions: Sequence[str], limit: int | None, settings: "Settings",
             on_progress: Progress | None = None) -> dict:
    """The report: "autoencoder" and each condition with iou, iou_median, chamfer, thirds; the voxels' with "baselines".

    The limit takes shapes in the order of a hash of their ids: a fair sample. on_progress(done, id) is called before each.
    Raises InputError for an unknown condition or when no shape can be used.
    """
    unknown = sorted(set(conditions) - set(INPUTS))
    if unknown:
        raise InputError(f"unknown condition {unknown[0]!r}", f"Choose some of {', '.join(INPUTS)}")
    skipped, kept, rows = Counter(), [], []
    for record in sorted(records, key=lambda record: hashlib.sha1(record.id.encode()).digest()):
        if len(kept) == limit:
            break
        if on_progress is not None:
            on_progress(len(kept), record.id)
        try:
            shape = read_shape(record)
        except InputError as error:
            skipped[error.message] += 1
            continue
        kept.append(measure(pipeline, shape, conditions, settings))
        rows.append({"id": record.id, "caption": record.caption, "volume": shape.volume, **kept[-1]})
    if not kept:
        raise InputError(f"none of the {sum(skipped.values())} shapes can be used", "Choose another split or folder")
    volumes = [row["volume"] for row in rows]
    report = {name: summary([one[name] for one in kept], volumes) for name in ("autoencoder", *conditions)}
    if "voxels" in conditions:
        names = kept[0]["baselines"]
        report["voxels"]["baselines"] = {name: summary([one["baselines"][name] for one in kept], volumes) for name in names}
    about = {"model": settings.model, "seed": settings.seed, "count": len(kept), "skipped": dict(skipped), "rules": RULES}
    return about | report | {"shapes": rows}
