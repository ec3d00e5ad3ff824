"""Evaluation of a model of levels: reconstruction, what each level holds, what stays when details are made anew, what
the cascade makes, and how long that takes."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..geometry.distance import RESOLUTION, frame_of, mesh_to_distance
from ..geometry.metrics import Mesh, coverage_and_distance, iou, sample_surface
from ..geometry.occupancy import occupancy_field
from ..geometry.point_sets import unit_sphere_frame
from ..geometry.surface import field_to_mesh
from ..level_latents import MeshLatents, Variation
from ..mesh_to_mesh import OF_A_SMALL_MODEL, MeshToMesh
from ..pipeline import Pipeline, Settings
from ..training.data.mesh_datasets import Record
from ..training.level_shapes import inside, turned_about_up
from .level_report import KEEPS, VARIANTS, bars_of
from .reference_vectors import check_file, read_entries
from .shapes import Progress, Shape, fit_shapes
from .training_set import TrainingShapes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extent:
    """How much is measured: shapes at most, those of them whose variations are, each with so many seeds, and samples of
    nothing."""

    shapes: int = 24
    control_shapes: int = 12
    control_seeds: int = 4
    samples: int = 48


FAST = Extent(8, 4, 3, 12)

CELLS = 64  # cells a side of the grid that solids are compared on
CLOUD = 2048  # points of a surface
VECTORS = ("lagem_autoencoder", "lagem_levels", "vecset_edm")


def logits_of(maker: MeshToMesh, levels: Sequence[Tensor]) -> np.ndarray:
    """What latents decode to: (CELLS + 1,)*3 over the unit sphere's cube, positive inside."""
    sets = maker.model.decode(levels)

    def logits(points: np.ndarray) -> np.ndarray:
        found = maker.model.query(torch.from_numpy(points)[None].to(levels[0].device), sets)[0]
        return (found - maker.threshold).cpu().numpy()

    return occupancy_field(logits, CELLS, **OF_A_SMALL_MODEL)


def solid_of(maker: MeshToMesh, levels: Sequence[Tensor]) -> np.ndarray:
    """The same as a solid, bool."""
    return logits_of(maker, levels) > 0


def true_solid(shape: Shape, latents: MeshLatents) -> np.ndarray:
    """A reference shape on the same grid."""
    axis = np.linspace(-1, 1, CELLS + 1)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    return inside(shape.field, latents.sphere.from_model(grid)).reshape((CELLS + 1,) * 3)


def surface_of(maker: MeshToMesh, levels: Sequence[Tensor]) -> Mesh | None:
    """The surface that latents decode to, None without one."""
    try:
        return field_to_mesh(-logits_of(maker, levels)[:-1, :-1, :-1])
    except InputError:
        return None


def _noise(level: Tensor, seed: int) -> Tensor:
    return torch.randn(level.shape, generator=torch.Generator().manual_seed(seed)).to(level)


def measured_levels(maker: MeshToMesh, latents: MeshLatents, truth: np.ndarray, seed: int) -> dict[str, float]:
    """IoU of the reconstruction, and with Z1, and Z1 and Z2, replaced by noise."""
    z3, z2, z1 = latents.levels
    kinds = {"iou": (z3, z2, z1), "fine_noise": (z3, z2, _noise(z1, seed))}
    kinds["fine_major_noise"] = (z3, _noise(z2, seed + 1), _noise(z1, seed))
    return {name: iou(solid_of(maker, levels), truth) for name, levels in kinds.items()}


def measured_control(
    maker: MeshToMesh, latents: MeshLatents, truth: np.ndarray, seeds: int
) -> dict[str, tuple[float, float]]:
    """By what is kept: mean pairwise IoU of the results of so many seeds, and their mean IoU with the original."""
    found = {}
    for keep in KEEPS:
        solids = [
            solid_of(maker, Variation(keep).applied(latents.levels, maker.denoisers, seed)) for seed in range(seeds)
        ]
        pairs = [iou(a, b) for a, b in combinations(solids, 2)]
        found[keep] = (float(np.mean(pairs)), float(np.mean([iou(solid, truth) for solid in solids])))
    return found


class NearestTraining:
    """IoU of a surface with the training shape that is nearest to it, by 16³ voxels, in any of its orientations: turned
    by quarters and mirrored, as the cascade is trained on them."""

    def __init__(self, train: TrainingShapes):
        self._train = train

    def __call__(self, surface: Mesh) -> float:
        vertices, faces = surface
        field = torch.from_numpy(mesh_to_distance(frame_of(vertices).to_model(vertices), faces, CELLS))
        turns = [_turned(field, quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]
        overlaps = np.stack([self._train.overlaps(turned) for turned in turns])
        number, index = np.unravel_index(overlaps.argmax(), overlaps.shape)
        step = RESOLUTION // CELLS
        return iou(turns[number] < 0, self._train.field(int(index))[::step, ::step, ::step] < 0)


def _turned(field: Tensor, quarters: int, mirrored: bool) -> Tensor:
    """A field (R, R, R) turned about the up axis, and mirrored; index i lies at 2·i/R − 1."""
    whole = torch.cat([field, field[:1]], 0)
    whole = torch.cat([whole, whole[:, :1]], 1)
    whole = torch.rot90(torch.cat([whole, whole[:, :, :1]], 2), quarters, (0, 2))
    return (whole.flip(0) if mirrored else whole)[:-1, :-1, :-1].contiguous()


def training_clouds(train: TrainingShapes, count: int) -> list[np.ndarray]:
    """Points (CLOUD, 3), in the unit sphere, of random training shapes, turned as the cascade is trained on them."""
    generator, clouds = torch.Generator().manual_seed(0), []
    order = torch.randperm(len(train.entries), generator=generator).tolist()
    turns = turned_about_up(count, generator).numpy()
    for turn, index in zip(turns, order):
        vertices, faces = field_to_mesh(train.field(index)[::2, ::2, ::2])
        vertices = unit_sphere_frame(vertices).to_model(vertices)
        clouds.append(sample_surface(vertices, faces, CLOUD, np.random.default_rng(index)) @ turn)
    return clouds


def _cloud(surface: Mesh, seed: int) -> np.ndarray:
    vertices, faces = surface
    return sample_surface(unit_sphere_frame(vertices).to_model(vertices), faces, CLOUD, np.random.default_rng(seed))


def measured_cascade(
    maker: MeshToMesh,
    encoded: Sequence[MeshLatents],
    references: Sequence[np.ndarray],
    train: TrainingShapes,
    samples: int,
) -> dict:
    """So many shapes of nothing: their coverage of the references beside that of training shapes, how many have no
    surface, and their IoU with the nearest training shape beside that of shapes whose fine details alone are made
    anew."""
    nearest: dict[str, list[float]] = {"generated": [], "encoded": []}
    clouds, without = [], 0
    near = NearestTraining(train)
    for seed in range(samples):
        for kind, keep in (("generated", "nothing"), ("encoded", "structure+major")):
            own = encoded[seed % len(encoded)]
            surface = surface_of(maker, Variation(keep).applied(own.levels, maker.denoisers, seed))
            if surface is None:
                without += kind == "generated"
                continue
            nearest[kind].append(near(surface))
            if kind == "generated":
                clouds.append(_cloud(surface, seed))
    coverage, distance = coverage_and_distance(clouds, list(references)) if clouds else (0.0, float("inf"))
    by_training = coverage_and_distance(training_clouds(train, samples), list(references))
    return {
        "coverage": coverage,
        "distance": distance,
        "training_coverage": by_training[0],
        "training_distance": by_training[1],
        "without_surface": without,
        "nearest": {kind: float(np.mean(values)) if values else 0.0 for kind, values in nearest.items()},
    }


def measured_seconds(maker: MeshToMesh, mesh: Mesh) -> tuple[float, bool]:
    """Seconds of VARIANTS variants as they are delivered, and whether a seed gives the same mesh again."""
    inputs = {"vertices": mesh[0], "faces": mesh[1], "keep": "structure"}
    began = time.perf_counter()
    results = maker.variations("mesh", inputs, Settings(maker.row.name), list(range(VARIANTS)))
    seconds = time.perf_counter() - began
    again = maker.generate("mesh", inputs, Settings(maker.row.name, seed=VARIANTS - 1))
    return seconds, bool(np.array_equal(again.vertices, results[-1].vertices))


def vectors_passed(folder: Path) -> tuple[int, int]:
    """How many quantities of LaGeM's reference vectors in a folder are within their bars, of how many."""
    entries = read_entries(folder)
    rows = [row for name in VECTORS for row in check_file(folder / f"{name}.npz", entries.get(name))]
    return sum(row.passed for row in rows), len(rows)


def evaluate_levels(
    maker: MeshToMesh,
    records: Iterable[Record],
    train: TrainingShapes,
    extent: Extent = Extent(),
    starter: Pipeline | None = None,
    vectors: Path | None = None,
    on_progress: Progress | None = None,
) -> dict:
    """The report: "shapes", the means, and "bars". ``starter``: whose autoencoder is measured on the same shapes;
    ``vectors``: a folder of reference vectors. Raises InputError where no shape can be used."""
    skipped: Counter[str] = Counter()
    rows: list[dict] = []
    encoded: list[MeshLatents] = []
    references: list[np.ndarray] = []
    meshes: list[Mesh] = []
    for shape in fit_shapes(records, extent.shapes, train, skipped, on_progress):
        with torch.no_grad():
            latents = maker.encode(*shape.mesh)
            truth = true_solid(shape, latents)
            row: dict = {"id": shape.record.id} | measured_levels(maker, latents, truth, 2 * len(rows))
            if len(rows) < extent.control_shapes:
                row["control"] = measured_control(maker, latents, truth, extent.control_seeds)
        if starter is not None:
            decoded = starter.latent_to_field(starter.field_to_latent(shape.field))
            row["starter"] = iou(decoded[::4, ::4, ::4] < 0, shape.field[::4, ::4, ::4] < 0)
        log.info("%s: %s", shape.record.id, row)
        rows.append(row)
        encoded.append(latents)
        references.append(_cloud(shape.mesh, len(rows)))
        meshes.append(shape.mesh)
    with torch.no_grad():
        cascade = measured_cascade(maker, encoded, references, train, extent.samples)
    seconds, repeated = measured_seconds(maker, meshes[0])
    report = {
        "model": maker.row.name,
        "count": len(rows),
        "extent": asdict(extent),
        "skipped": dict(skipped),
        "means": {name: _mean(rows, name) for name in ("iou", "fine_noise", "fine_major_noise", "starter")},
        "iou_median": float(np.median([row["iou"] for row in rows])),
        "cascade": cascade,
        "seconds": seconds,
        "repeated": repeated,
        "vectors": vectors_passed(vectors) if vectors else None,
        "shapes": rows,
    }
    return report | {"bars": [asdict(bar) | {"passed": bar.passed} for bar in bars_of(report)]}


def _mean(rows: Sequence[dict], name: str) -> float | None:
    values = [row[name] for row in rows if name in row]
    return float(np.mean(values)) if values else None
