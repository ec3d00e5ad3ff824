"""Builder of a store of training samples: several variants of each shape, with all arrays that training needs.

One .npz a shape (uncompressed, written to a temporary name and renamed, so that a stopped build resumes) beside
index.jsonl, which also names the shapes left out and why, and report.json, which counts them. Variant 0 is the shape as
its author left it, seats turned to the front; the others are stretched along its axes and turned about the up axis,
half of them mirrored. Wavelet trees are stored sparse: details below THRESHOLD are dropped.
"""

import hashlib
import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ...conditions.voxels import occupancy_of
from ...files import write_whole
from ...geometry.distance import RESOLUTION, TRUNCATION, upsample
from ...geometry.renderer import framed, trace
from ...wavelet import field_to_tree
from .duplicates import fingerprint, first_alike
from .mesh_datasets import Record, read_records, shape_of
from .orientation import to_front
from .process_pool import DIED, surviving_map
from .shape_augmentation import STRETCH, Variant, fitted
from .shape_filter import Limits, Unfit, check_tree, fingerprint_of, fit_field, read_fit, surface_points

log = logging.getLogger(__name__)

THRESHOLD = 2e-4  # of detail coefficients; costs less than 0.001 IoU
POINTS = 4096
PICTURE = 128
VIEWS = 2
_TURNS = ((15.0, 75.0), (75.0, 345.0))  # degrees of each further variant's turn: from, to
VARIANTS = 1 + len(_TURNS)  # of a shape, at most
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?")


def sparse_tree(tree: torch.Tensor) -> dict[str, np.ndarray]:
    """coarse (46³) float16, and flat index uint32 / value float16 of the detail channels' (63 × 46³) entries above
    THRESHOLD."""
    details = tree[1:].flatten()
    index = torch.nonzero(details.abs() > THRESHOLD)[:, 0]
    return {
        "coarse": tree[0].half().numpy(),
        "index": index.numpy().astype(np.uint32),
        "value": details[index].half().numpy(),
    }


def dense_tree(coarse: np.ndarray, index: np.ndarray, value: np.ndarray) -> torch.Tensor:
    """Tree (64, n, n, n) float16 back from sparse_tree's parts."""
    D = coarse.shape[0]
    tree = torch.zeros(64 * D**3, dtype=torch.float16)
    tree[: D**3] = torch.from_numpy(coarse).flatten()
    tree[torch.from_numpy(index.astype(np.int64)) + D**3] = torch.from_numpy(value)
    return tree.view(64, D, D, D)


def variants_of(vertices: np.ndarray, rng: np.random.Generator, count: int) -> list[Variant]:
    """``count`` variants of a shape; the first is the shape itself."""
    variants = [fitted(vertices, 0.0, False, (1.0, 1.0, 1.0))]
    for low, high in _TURNS[: count - 1]:
        degrees, mirror = float(rng.uniform(low, high)), bool(rng.random() < 0.5)
        variants.append(fitted(vertices, degrees, mirror, tuple(rng.uniform(*STRETCH, 3))))
    return variants


def build_sample(
    record: Record, limits: Limits, variants: int = VARIANTS, half: bool = False
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """All arrays of ``variants`` variants of one shape, and its fingerprint; ``half``: from distances at every second
    grid point. Raises Unfit."""
    rng = np.random.default_rng(int(hashlib.sha1(record.id.encode()).hexdigest()[:8], 16))
    vertices, faces = read_fit(record, limits)
    authored = fingerprint(vertices, faces)  # duplicates and references are compared in this form
    shape = shape_of(record)
    if shape is None:  # generated ones face the front
        vertices = to_front(vertices, faces, record.head)
    shapes = variants_of(vertices, rng, variants)
    truncation = TRUNCATION / min(variant.smallest_scale() for variant in shapes)
    resolution = RESOLUTION // 2 if half else RESOLUTION
    base = (
        torch.from_numpy(shape.field(resolution, truncation))
        if shape
        else fit_field(vertices, faces, limits, truncation, resolution)
    )
    if half:
        base = torch.from_numpy(upsample(base.numpy()))
    points = surface_points(vertices, faces, base.numpy(), POINTS * 2, rng)
    parts = defaultdict(list)
    for number, variant in enumerate(shapes):
        field = (variant.field(base) if number else base).clamp(-TRUNCATION, TRUNCATION)
        tree = field_to_tree(field[None])[0]
        if number == 0:
            check_tree(field, tree, limits)
        sparse = sparse_tree(tree)
        parts["coarse"].append(sparse["coarse"])
        parts["index"].append(sparse["index"])
        parts["value"].append(sparse["value"])
        parts["occupancy"].append(np.packbits(occupancy_of(field)))
        parts["points"].append(variant.points(points[rng.permutation(len(points))[:POINTS]]).astype(np.float16))
        for depth, normal, elevation in _views(field, variant.points(vertices), rng):
            parts["depth"].append(depth.half().numpy())
            parts["normal"].append((normal * 127).round().to(torch.int8).numpy())
            parts["elevation"].append(elevation)
    offsets = np.cumsum([0] + [len(i) for i in parts["index"]])
    arrays = {name: np.stack(parts[name]) for name in ("coarse", "occupancy", "points", "depth", "normal")}
    arrays |= {
        "elevation": np.asarray(parts["elevation"], dtype=np.float32),
        "offsets": offsets,
        "index": np.concatenate(parts["index"]),
        "value": np.concatenate(parts["value"]),
    }
    sides = vertices.max(axis=0) - vertices.min(axis=0)
    arrays["solid"] = np.float32(float((base < 0).sum()) * (2 / RESOLUTION) ** 3 / sides.prod())
    return arrays, authored


def _views(
    field: torch.Tensor, vertices: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor, float]]:
    for _ in range(VIEWS):
        elevation = float(rng.uniform(0, 40))
        distance = float("inf") if rng.random() < 0.5 else float(rng.uniform(3.5, 8))
        yield *trace(field, framed(vertices, elevation, distance), PICTURE), elevation


def _file_of(store: Path, record: Record) -> Path:
    """Where a shape's sample lies. Names that a file system may not like, or that others might become, get a hash."""
    name = record.id.replace("/", "--")
    if not _PLAIN_NAME.fullmatch(record.id) or "--" in record.id or len(name) > 150:
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[-100:] + "-" + hashlib.sha1(record.id.encode()).hexdigest()[:12]
    return store / "samples" / (name + ".npz")


def _result_or_unfit(action: Callable[[Record, Limits], object], record: Record, limits: Limits) -> object:
    """action(record, limits), or the Unfit it raises: an error of one shape must not stop the build."""
    torch.set_num_threads(1)
    try:
        return action(record, limits)
    except Unfit as unfit:
        return unfit
    except Exception as error:  # damaged meshes raise many kinds of exceptions in libraries
        log.debug("%s", record.id, exc_info=True)
        return Unfit("unreadable", f"{type(error).__name__}: {error}"[:200])


def _write_sample(record: Record, limits: Limits, store: Path, variants: int, half: bool) -> dict:
    arrays, geometry = build_sample(record, limits, variants, half)
    file = _file_of(store, record)
    write_whole(file, lambda stream: np.savez(stream, **arrays))
    return {
        "file": file.name,
        "bytes": file.stat().st_size,
        "variants": len(arrays["coarse"]),
        "solid": round(float(arrays["solid"]), 4),
        "geometry": [round(float(n), 5) for n in geometry],
    }


def _entry(record: Record, result: dict | Unfit | object) -> dict:
    """The line of index.jsonl."""
    entry = {**asdict(record), "file": None, "source": str(record.file), "split": record.split, "skipped": None}
    if result is DIED:
        result = Unfit("unreadable", "the process that read it died")
    return entry | ({"skipped": str(result)} if isinstance(result, Unfit) else result)


def ordered(records: list[Record], cap: int | None) -> list[Record]:
    """Records by turns over the heads (what a thing is), common things first but less than in proportion, at most cap
    of a head.

    The first n are thus a varied sample for any n.
    """
    by_head = defaultdict(list)
    for record in sorted(records, key=lambda r: hashlib.sha1(r.id.encode()).digest()):
        by_head[record.head].append(record)
    ranked = [
        ((rank + 1) / len(group) ** 0.75, record)
        for group in by_head.values()
        for rank, record in enumerate(group[:cap])
    ]
    return [record for _, record in sorted(ranked, key=lambda pair: (pair[0], pair[1].id))]


def _read_done(index: Path) -> dict[str, dict]:
    """Lines of an index by id; what a stopped build left of a last line is cut off."""
    if not index.exists():
        return {}
    content = index.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        write_whole(index, lambda stream: stream.write(whole))
    return {entry["id"]: entry for entry in map(json.loads, whole.decode().splitlines())}


def _duplicates(todo: list[Record], done: dict[str, dict], limits: Limits, jobs: int) -> dict[str, Unfit]:
    """Records that are the same shape as one before them, in the store or among themselves, and those that cannot be
    read at all, by id."""
    known = [(entry["id"], entry["geometry"]) for entry in done.values() if entry.get("geometry")]
    unfit, ids, prints = {}, [name for name, _ in known], [np.array(geometry) for _, geometry in known]
    fingerprints = surviving_map(partial(_result_or_unfit, fingerprint_of, limits=limits), todo, jobs)
    for record, moments in tqdm(zip(todo, fingerprints), total=len(todo), desc="looking for duplicates", unit=""):
        if moments is DIED or isinstance(moments, Unfit):
            unfit[record.id] = moments
        else:
            ids.append(record.id)
            prints.append(moments)
    first = first_alike(np.array(prints))
    return unfit | {
        ids[i]: Unfit("duplicate", f"of {ids[first[i]]}") for i in range(len(known), len(ids)) if first[i] != i
    }


def build(
    source: Path,
    store: Path,
    split: str = "all",
    limit: int | None = None,
    cap: int | None = None,
    jobs: int = 2,
    up: str = "y",
    limits: Limits = Limits(),
    unnamed: bool = False,
    variants: int = VARIANTS,
    half: bool = False,
) -> dict:
    """Build (or go on building) a store of a folder's or a collection's meshes, or of generated shapes (see
    read_records), with 1…VARIANTS variants of each; ``half``: see build_sample. Returns the report, which is written
    beside the index."""
    records = ordered(read_records(source, split, up, unnamed), cap)[:limit]
    (store / "samples").mkdir(parents=True, exist_ok=True)
    index = store / "index.jsonl"
    done = _read_done(index)
    todo = [record for record in records if record.id not in done]
    log.info("%d shapes, %d done before", len(records), len(records) - len(todo))
    unfit = _duplicates(todo, done, limits, jobs)
    with open(index, "a", encoding="utf-8") as stream:

        def write(entry: dict) -> None:
            stream.write(json.dumps(entry) + "\n")
            stream.flush()
            done[entry["id"]] = entry

        for record in todo:
            if record.id in unfit:
                write(_entry(record, unfit[record.id]))
        todo = [record for record in todo if record.id not in unfit]
        results = surviving_map(
            partial(_result_or_unfit, partial(_write_sample, store=store, variants=variants, half=half), limits=limits),
            todo,
            jobs,
        )
        for record, one in tqdm(zip(todo, results), total=len(todo), desc="shapes", unit=""):
            write(_entry(record, one))
    report = _report(list(done.values()))
    write_whole(store / "report.json", lambda stream: stream.write(json.dumps(report, indent=1).encode()))
    return report


def _report(entries: list[dict]) -> dict:
    """Counts and bytes of what was kept, counts of what was not by reason, and each one's reason."""
    kept = [entry for entry in entries if not entry["skipped"]]
    skipped = {entry["id"]: entry["skipped"] for entry in entries if entry["skipped"]}
    return {
        "shapes": len(entries),
        "kept": len(kept),
        "by_split": Counter(entry["split"] for entry in kept),
        "bytes": sum(entry.get("bytes", 0) for entry in kept),
        "skipped": Counter(reason.split(" (")[0] for reason in skipped.values()),
        "reasons": skipped,
    }
