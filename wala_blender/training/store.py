"""The store of training samples: per shape, some turned variants with everything training needs. Knows files and geometry; not networks.

One .npz a shape (uncompressed, written to a temporary name and renamed, so that a stopped build resumes) beside index.jsonl,
which also names the shapes left out and why. Variant 0 is the shape as its author left it; the others are turned about the up
axis, half of them mirrored. Wavelet trees are stored sparse: details below THRESHOLD are dropped.
"""

import hashlib
import json
import logging
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from ..conditions.voxels import occupancy_of
from ..errors import InputError
from ..files import write_whole
from ..geometry.distance import EXTENT, TRUNCATION, frame_of, mesh_to_distance
from ..geometry.metrics import iou, sample_surface
from ..geometry.views import framed, trace
from ..wavelet import field_to_tree, tree_to_field
from .collections import Record, load_mesh, read_records

log = logging.getLogger(__name__)

THRESHOLD = 2e-4  # of detail coefficients; costs less than 0.001 IoU
POINTS = 4096
PICTURE = 128
VIEWS = 2
_TURNS = ((0.0, 0.0), (15.0, 75.0), (75.0, 345.0))  # degrees of each variant's turn: from, to
_MAYBE_THIN = 0.03  # share of the grid; bulkier shapes survive the tree, so that the check is spared
_BASE_TRUNCATION = TRUNCATION * 1.5  # a turned shape may be scaled down by sqrt(2)


@dataclass(frozen=True)
class Limits:
    """What a shape must satisfy to be kept. min_volume: share of the 256³ grid; min_tree_iou: of the tree's field with the field."""

    min_volume: float = 0.0015
    min_tree_iou: float = 0.9


def turn_field(field: torch.Tensor, degrees: float, mirror: bool, scale: float) -> torch.Tensor:
    """Field (R, R, R) of the shape mirrored in x (if asked), turned about +Y by degrees and scaled about the origin.

    A turn about the up axis moves (x, z) alike at every height, so that it is a two-dimensional resampling with the heights as channels.
    """
    R = field.shape[0]
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    axis = torch.arange(R, dtype=field.dtype) * (2 / R) - 1
    x, z = torch.meshgrid(axis, axis, indexing="ij")
    source_x, source_z = (cosine * x - sine * z) / scale, (sine * x + cosine * z) / scale  # the inverse turn
    if mirror:
        source_x = -source_x
    to_grid = R / (R - 1)
    grid = torch.stack([(source_z + 1) * to_grid - 1, (source_x + 1) * to_grid - 1], -1)[None]
    heights = field.permute(1, 0, 2)  # y, x, z
    if scale != 1.0:
        source = ((axis / scale + 1) * (R / 2)).clamp(0, R - 1)
        below = source.floor().long().clamp(max=R - 2)
        share = (source - below)[:, None, None]
        heights = heights[below] * (1 - share) + heights[below + 1] * share
    turned = functional.grid_sample(heights[None], grid, padding_mode="border", align_corners=True)[0]
    return (turned.permute(1, 0, 2) * scale).contiguous()


def turn_points(points: np.ndarray, degrees: float, mirror: bool) -> np.ndarray:
    """The same mirror and turn for points (n, 3), without the scale."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return (points * (np.array([-1, 1, 1]) if mirror else 1)) @ turn.T


def surface_points(vertices: np.ndarray, faces: np.ndarray, field: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, 3) float32 on the part of the mesh that is the field's surface: shells hidden inside others are left out."""
    points = sample_surface(vertices, faces, count * 4, rng)
    R = field.shape[0]
    index = np.clip(np.rint((points + 1) * R / 2).astype(int), 0, R - 1)
    visible = points[np.abs(field[tuple(index.T)]) < 2.0 / R * 1.5]
    if len(visible) == 0:
        raise InputError("no part of the mesh lies on the surface of its solid")
    return visible[rng.integers(0, len(visible), count)].astype(np.float32)


def sparse_tree(tree: torch.Tensor) -> dict[str, np.ndarray]:
    """coarse (46³) float16, and flat index uint32 / value float16 of the detail channels' (63 × 46³) entries above THRESHOLD."""
    details = tree[1:].flatten()
    index = torch.nonzero(details.abs() > THRESHOLD)[:, 0]
    return {"coarse": tree[0].half().numpy(), "index": index.numpy().astype(np.uint32), "value": details[index].half().numpy()}


def dense_tree(coarse: np.ndarray, index: np.ndarray, value: np.ndarray) -> torch.Tensor:
    """Tree (64, n, n, n) float16 back from sparse_tree's parts."""
    D = coarse.shape[0]
    tree = torch.zeros(64 * D**3, dtype=torch.float16)
    tree[: D**3] = torch.from_numpy(coarse).flatten()
    tree[torch.from_numpy(index.astype(np.int64)) + D**3] = torch.from_numpy(value)
    return tree.view(64, D, D, D)


def build_sample(record: Record, limits: Limits) -> dict[str, np.ndarray]:
    """All arrays of one shape. Raises InputError with the reason when the shape does not qualify."""
    seed = int(hashlib.sha1(record.id.encode()).hexdigest()[:8], 16)
    rng = np.random.default_rng(seed)
    vertices, faces = load_mesh(record)
    vertices = frame_of(vertices).to_model(vertices)
    base = mesh_to_distance(vertices, faces, truncation=_BASE_TRUNCATION)
    if (base < 0).mean() < limits.min_volume:
        raise InputError("next to no volume")
    points = surface_points(vertices, faces, base, POINTS * 2, rng)
    base = torch.from_numpy(base)
    parts = defaultdict(list)
    for number, (low, high) in enumerate(_TURNS):
        degrees, mirror = float(rng.uniform(low, high)), bool(number and rng.random() < 0.5)
        turned = turn_points(vertices, degrees, mirror)
        scale = 2 * EXTENT / (turned.max(0) - turned.min(0)).max()
        center = (turned.max(0) + turned.min(0)) / 2 * scale
        if np.abs(center).max() > 0.02:
            continue  # lopsided when turned: resampling keeps the origin, so the box would not be centred
        field = base if number == 0 else turn_field(base, degrees, mirror, scale)
        field = field.clamp(-TRUNCATION, TRUNCATION)
        tree = field_to_tree(field[None])[0]
        if number == 0 and (field < 0).float().mean() < _MAYBE_THIN:
            agreement = iou(tree_to_field(tree[None])[0] < 0, field < 0)
            if agreement < limits.min_tree_iou:
                raise InputError(f"too thin for the wavelet tree (IoU {agreement:.2f})")
        sparse = sparse_tree(tree)
        parts["coarse"].append(sparse["coarse"])
        parts["index"].append(sparse["index"])
        parts["value"].append(sparse["value"])
        parts["occupancy"].append(np.packbits(occupancy_of(field)))
        parts["points"].append((turn_points(points[rng.permutation(len(points))[:POINTS]], degrees, mirror) * scale).astype(np.float16))
        parts["turn"].append(degrees)
        parts["mirror"].append(mirror)
        for _ in range(VIEWS):
            elevation = float(rng.uniform(0, 40))
            distance = float("inf") if rng.random() < 0.5 else float(rng.uniform(3.5, 8))
            camera = framed(turned * scale, elevation, distance)
            depth, normal = trace(field, camera, PICTURE)
            parts["depth"].append(depth.half().numpy())
            parts["normal"].append((normal * 127).round().to(torch.int8).numpy())
            parts["elevation"].append(elevation)
    offsets = np.cumsum([0] + [len(i) for i in parts["index"]])
    arrays = {name: np.stack(parts[name]) for name in ("coarse", "occupancy", "points", "depth", "normal")}
    arrays |= {name: np.asarray(parts[name], dtype=np.float32) for name in ("turn", "elevation")}
    return arrays | {"mirror": np.asarray(parts["mirror"]), "offsets": offsets,
                     "index": np.concatenate(parts["index"]), "value": np.concatenate(parts["value"])}


def _file_of(store: Path, record: Record) -> Path:
    return store / "samples" / (record.id.replace("/", "--") + ".npz")


def _build_one(record: Record, store: Path, limits: Limits) -> dict:
    torch.set_num_threads(1)
    entry = {**asdict(record), "collection": record.collection.name, "split": record.split, "skipped": None}
    file = _file_of(store, record)
    try:
        arrays = build_sample(record, limits)
    except InputError as error:
        return entry | {"skipped": str(error)}
    write_whole(file, lambda stream: np.savez(stream, **arrays))
    return entry | {"file": file.name, "variants": len(arrays["turn"])}


def ordered(records: list[Record], cap: int) -> list[Record]:
    """Records by turns over the heads (what a thing is), common things first but less than in proportion, at most cap of a head.

    The first n are thus a varied sample for any n.
    """
    by_head = defaultdict(list)
    for record in sorted(records, key=lambda r: hashlib.sha1(r.id.encode()).digest()):
        by_head[record.head].append(record)
    ranked = [((rank + 1) / len(group) ** 0.75, record) for group in by_head.values() for rank, record in enumerate(group[:cap])]
    return [record for _, record in sorted(ranked, key=lambda pair: (pair[0], pair[1].id))]


def build(data: Path, store: Path, split: str = "all", limit: int | None = None, cap: int = 40, jobs: int = 2, limits: Limits = Limits()) -> Counter:
    """Build (or go on building) a store of the collections in data. Returns how many were kept and skipped, by reason."""
    (store / "samples").mkdir(parents=True, exist_ok=True)
    index = store / "index.jsonl"
    done = {}
    if index.exists():
        done = {entry["id"]: entry for entry in map(json.loads, index.read_text(encoding="utf-8").splitlines())}
    records = ordered(read_records(data, split), cap)[:limit]
    todo = [record for record in records if record.id not in done]
    log.info("%d shapes, %d done before", len(records), len(records) - len(todo))
    with ProcessPoolExecutor(jobs) as pool, open(index, "a", encoding="utf-8") as stream:
        running = pool.map(_build_one, todo, [store] * len(todo), [limits] * len(todo), chunksize=1)
        for entry in tqdm(running, total=len(todo), desc="shapes", unit=""):
            stream.write(json.dumps(entry) + "\n")
            stream.flush()
            done[entry["id"]] = entry
    return Counter("kept" if not entry["skipped"] else entry["skipped"].split(" (")[0] for entry in done.values())
