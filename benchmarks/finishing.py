"""What finishing costs and changes: processor seconds of each step beside extracting the surface, the error in cells,
and whether the mesh is manifold, on shapes of the starter.

python benchmarks/finishing.py [--out FOLDER] [--json]
"""

import argparse
import json
import sys
import time
from pathlib import Path

import igl
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from demo.inputs import blockout, solid  # noqa: E402
from wala_blender.finishing.finish import finish  # noqa: E402
from wala_blender.finishing.settings import AS_EXTRACTED, Finish  # noqa: E402
from wala_blender.geometry.distance import mesh_to_distance  # noqa: E402
from wala_blender.geometry.surface import field_to_mesh  # noqa: E402
from wala_blender.geometry.topology import is_manifold, triangulated  # noqa: E402
from wala_blender.inputs import TextInput, VoxelInput  # noqa: E402
from wala_blender.pipeline import Pipeline, Settings  # noqa: E402

CELL = 2 / 256
SAMPLES = 20_000
SETTINGS = {
    "20,000": Finish(),
    "2,000": Finish(faces=2000),
    "low poly": Finish("low-poly"),
    "quads": Finish("quads"),
    "crisp": Finish(crisp=1.0),
    "symmetric": Finish(symmetry="x"),
    "flat base": Finish(flat_base=True),
    "hollow": Finish(hollow=0.05),
    "smooth": Finish(smoothing=10),
    "UVs": Finish(faces=10_000, uv=True),
}


def sofa() -> VoxelInput:
    """The demo's blockout, in the model's axes and proportions, as 16³ cells."""
    vertices, quads = solid(blockout())
    vertices = np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], axis=1)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    field = mesh_to_distance((vertices - (low + high) / 2) * 1.8 / (high - low).max(), triangulated(quads))
    return VoxelInput((field < 0).reshape(16, 16, 16, 16, 16, 16).mean(axis=(1, 3, 5)) > 0.5)


INPUTS = {"chair": lambda: TextInput("a chair"), "sword": lambda: TextInput("a sword"), "sofa": sofa}


def error(vertices: np.ndarray, faces: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Distances in cells from points of the extracted surface to a mesh."""
    points = surface[np.random.default_rng(0).integers(len(surface), size=SAMPLES)].astype(float)
    triangles = triangulated(faces).astype(np.int64)
    return np.sqrt(np.abs(igl.point_mesh_squared_distance(points, vertices.astype(float), triangles)[0])) / CELL


def extraction_seconds(vertices: np.ndarray, faces: np.ndarray) -> float:
    field = mesh_to_distance(vertices, faces)
    started = time.process_time()
    field_to_mesh(field)
    return time.process_time() - started


def measured(name: str, vertices: np.ndarray, faces: np.ndarray, settings: Finish, out: Path | None) -> dict:
    started = time.process_time()
    finished = finish(vertices, faces, settings)
    seconds = time.process_time() - started
    total = max(sum(finished.timings.values()), 1e-9)
    steps = {step: seconds * share / total for step, share in finished.timings.items()}
    off = error(finished.vertices, finished.faces, vertices)
    if out:
        np.savez(out / f"{name}.npz", vertices=finished.vertices, faces=finished.faces)
    return {
        "faces": len(finished.faces),
        "sides": finished.faces.shape[1],
        "manifold": is_manifold(finished.faces),
        "seconds": seconds,
        "steps": steps,
        "error": {"mean": off.mean(), "p99": float(np.quantile(off, 0.99)), "worst": off.max()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, help="a folder for the meshes, .npz")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    pipeline, report = Pipeline.load("starter", "cpu"), {}
    for shape, make_input in INPUTS.items():
        generation = pipeline.generate(make_input(), settings=Settings(finish=AS_EXTRACTED))
        report[shape] = {
            "faces": len(generation.faces),
            "extraction": extraction_seconds(generation.vertices, generation.faces),
        }
        if options.out:
            np.savez(options.out / f"{shape}_full.npz", vertices=generation.vertices, faces=generation.faces)
        for name, settings in SETTINGS.items():
            report[shape][name] = measured(
                f"{shape}_{name}", generation.vertices, generation.faces, settings, options.out
            )
    if options.json:
        print(json.dumps(report, default=float))
        return 0
    for shape, rows in report.items():
        print(f"{shape}: {rows.pop('faces'):,} triangles, extracted in {rows.pop('extraction'):.2f} s")
        for name, row in rows.items():
            off = row["error"]
            steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in row["steps"].items())
            print(
                f"  {name:10} {row['faces']:7,} faces of {row['sides']}  {'manifold' if row['manifold'] else 'NOT MANIFOLD'}"
                f"  {row['seconds']:5.2f} s ({steps})  error {off['mean']:.3f}, p99 {off['p99']:.3f}, worst {off['worst']:.3f} cells"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
