"""Memory that each stage of a full-size published model takes on a device: its weights, and what lies between its
layers at most.

Nothing is computed: the networks run on tensors without numbers (torch's FakeTensorMode), and torch's MemTracker counts
those that exist at once. In low-memory mode a device holds one stage's networks at a time, so that the largest stage is
what it needs; a device's own kernels may ask for working space besides, and CUDA takes a few hundred MB for itself. The
baseline is float32 with everything on the device.

    python benchmarks/working_memory.py [--json]
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from loading import SETTINGS  # noqa: E402

from wala_blender.conditions.shape_constraints import of_points  # noqa: E402
from wala_blender.latent_optimization import disagreement_of  # noqa: E402
from wala_blender.models.loading import assemble  # noqa: E402
from wala_blender.models.published_config import published_settings  # noqa: E402
from wala_blender.models.published_model import LARGE  # noqa: E402
from wala_blender.models.registry import Published  # noqa: E402
from wala_blender.wavelet import tree_to_field  # noqa: E402

BLOCKS = 32
FIT = "fit, one step"  # of the networks that decode


def without_numbers(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The module with fake weights of that type. To be called in FakeTensorMode."""
    state = {
        key: torch.empty(value.shape, dtype=dtype if value.is_floating_point() else value.dtype)
        for key, value in module.state_dict().items()
    }
    module.load_state_dict(state, assign=True)
    return module


def peak(modules: Iterable[nn.Module], run: Callable[[], object]) -> int:
    """Bytes of all tensors that exist at once while ``run`` runs, the modules' weights among them."""
    tracker = MemTracker()
    tracker.track_external(*modules)
    with tracker:
        run()
    return sum(counted["Total"] for counted in tracker.get_tracker_snapshot("peak").values())


def measure(half: bool) -> dict[str, dict[str, int]]:
    """Stage → bytes of "weights" and of everything at its "peak", with the large networks in bfloat16 or all in
    float32."""
    autoencoder, generator = assemble(
        published_settings(SETTINGS | {"transformer_num_blocks": BLOCKS}), "voxels", Published(None, 0)
    )
    figures = {}

    def stage(name: str, modules: Iterable[nn.Module], run: Callable[[], object]) -> None:
        weights = sum(parameter.nbytes for module in modules for parameter in module.state_dict().values())
        figures[name] = {"weights": weights, "peak": peak(modules, run)}

    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        for name, module in generator.components().items():
            without_numbers(module, torch.bfloat16 if half and name in LARGE else torch.float32)
        without_numbers(autoencoder, torch.float32)
        latent, cells = torch.empty(1, 4, 12, 12, 12), torch.empty(1, 1, 16, 16, 16)
        stage("condition", generator.encoding_modules, lambda: generator.encode("voxels", cells))
        both = generator.encode("voxels", cells).stacked_with(generator.encode("voxels", cells))
        stage(
            "denoising step, guided",
            generator.denoising_modules,
            lambda: generator.denoise(latent.expand(2, 4, 12, 12, 12), torch.zeros(2), both),
        )

        def decode() -> Tensor:
            return tree_to_field(autoencoder.decode(latent))

        stage("decode", (autoencoder,), decode)

        def fit_step() -> Tensor:
            moved = latent[0].clone().requires_grad_(True)
            return torch.autograd.grad(disagreement_of(autoencoder, moved, of_points(torch.empty(4096, 3))), moved)[0]

        stage(FIT, (autoencoder,), fit_step)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {"bfloat16": measure(True), "float32": measure(False)}
    if options.json:
        print(json.dumps(figures))
        return 0
    print(f"{'GB':24}" + "".join(f"{kind + ': weights':>20}{'peak':>8}" for kind in figures))
    for name in figures["float32"]:
        print(
            f"{name:24}"
            + "".join(f"{row[name]['weights'] / 1e9:20.2f}{row[name]['peak'] / 1e9:8.2f}" for row in figures.values())
        )
    offloaded = max(row["peak"] for row in figures["bfloat16"].values())
    weights = sum(row["weights"] for name, row in figures["float32"].items() if name != FIT)
    whole = weights + max(row["peak"] - row["weights"] for row in figures["float32"].values())
    print(
        f"bfloat16 in turns: {offloaded / 1e9:.2f} GB, {offloaded / whole:.2f} of {whole / 1e9:.2f} GB, float32 with everything on the device"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
