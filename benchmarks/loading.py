"""Memory and seconds of loading a full-size published model (1152 wide, 32 blocks, patch 1) from a warm disk cache.

The weights are random numbers, written as a published checkpoint into a temporary folder (9 GB, deleted afterwards) and
converted as `wala models convert` does. Each way of loading then runs in a process of its own, and reads every weight
once, for what is memory-mapped takes time and memory only then. The baseline is torch.load of the float32 pickle, in
the same run.

    python benchmarks/loading.py [--folder FOLDER] [--blocks 32] [--json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from wala_blender.models.checkpoint import RENAMES, load_components, save_components  # noqa: E402
from wala_blender.models.install import HALF_PRECISION  # noqa: E402
from wala_blender.models.loading import assemble  # noqa: E402
from wala_blender.models.published_config import published_settings  # noqa: E402
from wala_blender.models.records import CHECKPOINT, CONVERTED  # noqa: E402
from wala_blender.models.registry import Published  # noqa: E402

SETTINGS = {
    "dit_block_type": "cross_dit",
    "att_patch_size": 1,
    "att_hidden_size": 1152,
    "transformer_num_heads": 16,
    "unet_model_channels": 128,
    "unet_num_res_blocks": [2],
    "add_condition_time_ch": 1,
    "use_voxel_conditions": True,
    "voxel_context_dim": 1024,
    "voxel_dim": 8,
}
BLOCK = 1 << 24  # numbers drawn; the file repeats them
PAGE = 4096
STATUS = Path("/proc/self/status")


def networks(blocks: int) -> dict[str, nn.Module]:
    """Component name → network, on the meta device."""
    autoencoder, generator = assemble(
        published_settings(SETTINGS | {"transformer_num_blocks": blocks}), "voxels", Published(None, 0)
    )
    return {"autoencoder": autoencoder, **generator.components()}


def write_checkpoint(folder: Path, blocks: int) -> None:
    """A published pickle, through a mapped file: at no time is the whole of it in memory."""
    prefixes = {ours: published for published, ours in RENAMES}
    shapes = {
        prefixes[f"{name}."] + key: value.shape
        for name, module in networks(blocks).items()
        for key, value in module.state_dict().items()
    }
    total = sum(shape.numel() for shape in shapes.values())
    numbers = torch.from_file(str(folder / "numbers"), shared=True, size=total)
    drawn = torch.randn(BLOCK, generator=torch.Generator().manual_seed(0)) * 0.02
    for piece in numbers.split(BLOCK):
        piece.copy_(drawn[: len(piece)])
    parts = numbers.split([shape.numel() for shape in shapes.values()])
    torch.save(
        {"state_dict": {key: part.view(shape) for (key, shape), part in zip(shapes.items(), parts)}},
        folder / CHECKPOINT,
    )
    (folder / "numbers").unlink()


def read_once(tensors: Iterable[Tensor]) -> None:
    """One byte of every page."""
    for tensor in tensors:
        tensor.detach().flatten().view(torch.uint8)[::PAGE].sum()


def load_pickle(folder: Path, blocks: int) -> Iterable[Tensor]:
    return torch.load(folder / CHECKPOINT, weights_only=True)["state_dict"].values()


def load_ours(dtypes: dict[str, torch.dtype]) -> Callable[[Path, int], Iterable[Tensor]]:
    def load(folder: Path, blocks: int) -> Iterable[Tensor]:
        modules = networks(blocks)
        load_components(folder / CONVERTED, modules, dtypes)
        return [value for module in modules.values() for value in module.state_dict().values()]

    return load


def convert(folder: Path, blocks: int) -> Iterable[Tensor]:
    modules = networks(blocks)
    load_components(folder / CHECKPOINT, modules, HALF_PRECISION)
    save_components(folder / CONVERTED, modules, dtype=None)
    return ()


# name → what it reads, and how
WAYS: dict[str, tuple[str, Callable[[Path, int], Iterable[Tensor]]]] = {
    "convert": (CHECKPOINT, convert),
    "torch.load of the pickle, float32": (CHECKPOINT, load_pickle),
    "ours, as stored (bfloat16)": (CONVERTED, load_ours(HALF_PRECISION)),
    "ours, to float32 (CPU)": (CONVERTED, load_ours({})),
}


def memory(line: str) -> int:
    """Bytes, as Linux counts them for this process."""
    return 1024 * int(STATUS.read_text().split(f"{line}:")[1].split()[0])


def measure(way: str, folder: Path, blocks: int) -> dict[str, float]:
    """Seconds (and of the processor alone), and peak memory over the size of the file that is read, above what the
    process had before."""
    file, load = WAYS[way]
    networks(1)  # imports
    with open(folder / file, "rb") as stream:
        while stream.read(1 << 24):
            pass
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from now
    before, since, used = memory("VmRSS"), time.perf_counter(), time.process_time()
    read_once(load(folder, blocks))
    size = (folder / file).stat().st_size
    return {
        "seconds": time.perf_counter() - since,
        "processor_seconds": time.process_time() - used,
        "file_gb": size / 1e9,
        "peak_to_file": (memory("VmHWM") - before) / size,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="for the temporary files (default: the system's)")
    parser.add_argument("--blocks", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)  # what a process of its own is started with
    options = parser.parse_args()
    if not STATUS.exists():
        print("loading.py reads Linux's /proc: not measured here", file=sys.stderr)
        return 0
    if options.measure:
        print(json.dumps(measure(options.measure, options.folder, options.blocks)))
        return 0
    figures = {}
    with tempfile.TemporaryDirectory(prefix="wala-loading-", dir=options.folder) as name:
        write_checkpoint(Path(name), options.blocks)
        for way in WAYS:
            command = [sys.executable, __file__, "--measure", way, "--folder", name, "--blocks", str(options.blocks)]
            figures[way] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    if options.json:
        print(json.dumps(figures))
        return 0
    print(f"{'':36}{'file, GB':>10}{'peak ÷ file':>13}{'seconds':>10}{'of the processor':>18}")
    for way, row in figures.items():
        print(
            f"{way:36}{row['file_gb']:10.2f}{row['peak_to_file']:13.2f}{row['seconds']:10.1f}{row['processor_seconds']:18.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
