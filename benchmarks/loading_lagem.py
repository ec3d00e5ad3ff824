"""Memory and seconds of loading LaGeM's full-size checkpoint (405 tensors, 2.0 GB, and its optimizer's 4.0 GB beside).

The weights are random numbers, written as the published training script writes them into a temporary folder (6 GB,
deleted afterwards). Loading runs in a process of its own and reads every weight once, for what is memory-mapped takes
time and memory only then.

    python benchmarks/loading_lagem.py [--folder FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from benchmarks.loading import BLOCK, STATUS, memory, read_once  # noqa: E402
from wala_blender.models.lagem import USUAL_FILE, load_autoencoder  # noqa: E402

KEYS = Path(__file__).resolve().parents[1] / "tests/parity/lagem_levels.json"
BAR = 1.2  # peak memory over the weights' size
BASIS = "point_embed.basis"


def write_checkpoint(path: Path) -> None:
    """A published pickle, through a mapped file: at no time is the whole of it in memory."""
    from wala_blender.networks.set_layers import frequency_basis

    shapes = json.loads(KEYS.read_text())["lagem_levels"]["published"]
    sizes = [torch.Size(shape).numel() for shape in shapes.values()]
    numbers = torch.from_file(str(path.with_suffix(".numbers")), shared=True, size=3 * sum(sizes))
    drawn = torch.randn(BLOCK, generator=torch.Generator().manual_seed(0)) * 0.02
    for piece in numbers.split(BLOCK):
        piece.copy_(drawn[: len(piece)])
    weights, *moments = numbers.chunk(3)
    model = {key: part.view(shape) for (key, shape), part in zip(shapes.items(), weights.split(sizes))}
    content = {"model": model | {BASIS: frequency_basis()}, "optimizer": {"state": dict(enumerate(moments))}}
    torch.save(content | {"epoch": 350, "scaler": {}, "args": argparse.Namespace(lr=1e-4)}, path)
    path.with_suffix(".numbers").unlink()


def measure(path: Path) -> dict[str, float]:
    """Peak memory over the weights' size, above what the process had before, and seconds."""
    with open(path, "rb") as stream:
        while stream.read(1 << 24):
            pass
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from now
    before, since = memory("VmRSS"), time.perf_counter()
    model = load_autoencoder(path)
    read_once(model.state_dict().values())
    size = sum(4 * value.numel() for value in model.state_dict().values())
    return {
        "tensors": len(model.state_dict()),
        "gb": size / 1e9,
        "peak_to_weights": (memory("VmHWM") - before) / size,
        "seconds": time.perf_counter() - since,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="for the temporary file (default: the system's)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)  # what a process of its own is started with
    options = parser.parse_args()
    if not STATUS.exists():
        print("loading_lagem.py reads Linux's /proc: not measured here", file=sys.stderr)
        return 0
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return 0
    with tempfile.TemporaryDirectory(prefix="wala-loading-", dir=options.folder) as name:
        path = Path(name) / USUAL_FILE
        write_checkpoint(path)
        command = [sys.executable, __file__, "--measure", str(path)]
        figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        figures["file_gb"] = path.stat().st_size / 1e9
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    return 0 if figures["peak_to_weights"] <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
