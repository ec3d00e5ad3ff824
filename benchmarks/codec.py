"""The codec's speed and what it keeps: torch's wavelets beside PyWavelets', distance fields of meshes, and the paper's
Table 1 on scans.

Times are medians of runs in one process, PyWavelets and torch in turns; their ratio is what counts on another machine.
Without --data only the wavelets are measured, on a shape made here.

    python benchmarks/codec.py [--data FOLDER] [--split scans] [--limit 12] [--repeats 3] [--json]
"""

import argparse
import hashlib
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pywt
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from wala_blender.errors import InputError  # noqa: E402
from wala_blender.geometry.distance import TRUNCATION, frame_of, grid_coordinates, mesh_to_distance  # noqa: E402
from wala_blender.roundtrip import round_trip  # noqa: E402
from wala_blender.training.data.mesh_datasets import SPLITS, load_mesh, read_records  # noqa: E402
from wala_blender.wavelet import field_to_tree, forward, inverse, tree_to_field  # noqa: E402
from wala_blender.wavelet.filters import WAVELET  # noqa: E402
from wala_blender.wavelet.transform import LEVELS  # noqa: E402

PAPER = {"coarse": 0.9531, "wavelet_tree": 0.9956}  # WaLa, Table 1: Google Scanned Objects


def torus() -> np.ndarray:
    """Truncated distance field (256, 256, 256) float32 of a torus."""
    axis = grid_coordinates().astype(np.float32)
    x, y, z = axis[:, None, None], axis[None, :, None], axis[None, None, :]
    return np.clip(np.hypot(np.hypot(x, z) - 0.6, y) - 0.25, -TRUNCATION, TRUNCATION)


def timed(call: Callable[[], object]) -> tuple[object, float]:
    """The result of ``call`` and its seconds."""
    since = time.perf_counter()
    return call(), time.perf_counter() - since


def wavelets(repeats: int) -> dict:
    """Medians of seconds of both libraries, all levels kept, float32, and of "tree", torch's way to and from the
    wavelet tree, which spares the finest details; and how far the libraries' coefficients and fields are apart."""
    field = torus()
    tensor, seconds = torch.from_numpy(field)[None], {"pywt": ([], []), "torch": ([], []), "tree": ([], [])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inverse(forward(tensor))  # the filters' matrices are made once and kept
        for _ in range(repeats):
            theirs, there = timed(lambda: pywt.wavedecn(field, WAVELET, mode="constant", level=LEVELS))
            their_field, back = timed(lambda: pywt.waverecn(theirs, WAVELET, mode="constant"))
            seconds["pywt"][0].append(there), seconds["pywt"][1].append(back)
            ours, there = timed(lambda: forward(tensor))
            our_field, back = timed(lambda: inverse(ours))
            seconds["torch"][0].append(there), seconds["torch"][1].append(back)
            tree, there = timed(lambda: field_to_tree(tensor))
            _, back = timed(lambda: tree_to_field(tree))
            seconds["tree"][0].append(there), seconds["tree"][1].append(back)
    figures = {}
    for number, way in enumerate(("forward", "inverse")):
        median = {library: statistics.median(times[number]) for library, times in seconds.items()}
        figures[way] = {
            **median,
            "ratio": median["pywt"] / median["torch"],
            "tree_ratio": median["pywt"] / median["tree"],
        }
    figures["largest_difference"] = {
        "coarse": float(np.abs(ours.coarse[0].numpy() - theirs[0]).max()),
        "field": float(np.abs(our_field[0].numpy() - their_field[:256, :256, :256]).max()),
    }
    return figures


def meshes(folder: Path, split: str, limit: int, say: Callable[[str], None]) -> dict[str, dict]:
    """By collection: seconds of the distance field, and the IoU of the coarse part alone and of the wavelet tree with
    the field."""
    found: dict[str, list[tuple]] = {}
    for record in sorted(read_records(folder, split), key=lambda record: hashlib.sha1(record.id.encode()).digest()):
        rows = found.setdefault(record.file.stem, [])
        if len(rows) == limit:
            continue
        vertices, faces = load_mesh(record)
        try:
            field, seconds = timed(lambda: mesh_to_distance(frame_of(vertices).to_model(vertices), faces))
        except InputError as error:
            say(f"{record.id} is left out: {error}")
            continue
        stages = {stage.name: stage.iou for stage in round_trip(field)[0]}
        rows.append((seconds, stages["coarse"], stages["wavelet_tree"]))
        say(
            f"{record.id:40} {seconds:7.2f} s   coarse {stages['coarse']:.4f}   wavelet tree {stages['wavelet_tree']:.4f}"
        )
    return {name: summary(rows) for name, rows in found.items() if rows}


def summary(rows: list[tuple]) -> dict:
    """Means and medians of (seconds, coarse, wavelet tree) rows."""
    columns = dict(zip(("seconds", "coarse", "wavelet_tree"), zip(*rows)))
    return {"count": len(rows)} | {
        name: {
            "mean": statistics.fmean(values),
            "median": statistics.median(values),
            "worst": (max if name == "seconds" else min)(values),
        }
        for name, values in columns.items()
    }


def lines(figures: dict) -> list[str]:
    """The figures as tables."""
    table = [f"{'wavelets at 256³':20}{'PyWavelets':>12}{'torch':>10}{'ratio':>8}{'torch, tree':>13}{'ratio':>8}"]
    for way in ("forward", "inverse"):
        row = figures["wavelets"][way]
        table.append(
            f"{way:20}{row['pywt']:10.2f} s{row['torch']:8.2f} s{row['ratio']:8.2f}{row['tree']:11.2f} s"
            f"{row['tree_ratio']:8.2f}"
        )
    apart = figures["wavelets"]["largest_difference"]
    table.append(f"largest difference: coarse {apart['coarse']:.1e}, field {apart['field']:.1e}")
    if figures["meshes"]:
        table += [
            "",
            f"{'mesh → field → back':20}{'shapes':>8}{'s, median':>11}{'s, worst':>10}{'coarse':>9}{'tree':>9}"
            f"{'median':>9}{'worst':>9}",
        ]
    for name, row in figures["meshes"].items():
        tree = row["wavelet_tree"]
        table.append(
            f"{name:20}{row['count']:8}{row['seconds']['median']:11.2f}{row['seconds']['worst']:10.2f}{row['coarse']['mean']:9.4f}"
            f"{tree['mean']:9.4f}{tree['median']:9.4f}{tree['worst']:9.4f}"
        )
    if figures["meshes"]:
        table.append(f"{'paper, 256³, GSO':49}{PAPER['coarse']:9.4f}{PAPER['wavelet_tree']:9.4f}")
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="collections of meshes, NAME.npz with NAME.jsonl")
    parser.add_argument("--split", default="scans", choices=SPLITS)
    parser.add_argument(
        "--limit", type=int, default=12, metavar="N", help="meshes of a collection at most (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    figures = {"threads": torch.get_num_threads(), "wavelets": wavelets(options.repeats), "meshes": {}}
    try:
        if options.data is not None:
            figures["meshes"] = meshes(options.data, options.split, options.limit, say)
    except InputError as error:
        say(f"The meshes are left out: {error}")
    print(json.dumps(figures) if options.json else "\n".join(lines(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
