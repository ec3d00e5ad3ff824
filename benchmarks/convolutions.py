"""Processor time of the networks' 3-D convolutions of one sample on the CPU, beside torch's own choice of how to
compute them, in turns.

python benchmarks/convolutions.py [--repeats 20] [--json]
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from wala_blender.networks.layers import convolution  # noqa: E402

# channels in and out, cells along an axis: of the starter's and the published denoisers, decoders and detail stage
SIZES = ((64, 64, 12), (128, 128, 12), (112, 112, 12), (64, 4, 12), (160, 160, 9), (48, 48, 23))


def milliseconds(module: nn.Module, x: torch.Tensor) -> float:
    since = time.process_time()
    module(x)
    return 1000 * (time.process_time() - since)


@torch.no_grad()
def measure(channels: int, out_channels: int, cells: int, repeats: int) -> dict:
    """Medians of both ways, and the largest difference between their results."""
    ours, plain = convolution(channels, out_channels), nn.Conv3d(channels, out_channels, 3, padding=1)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(1, channels, cells, cells, cells)
    difference = float((ours(x) - plain(x)).abs().max())
    times = [(milliseconds(ours, x), milliseconds(plain, x)) for _ in range(repeats)]
    here, there = (statistics.median(column) for column in zip(*times))
    return {
        "channels": f"{channels} → {out_channels}",
        "cells": cells,
        "ours_ms": here,
        "torch_ms": there,
        "ratio": here / there,
        "difference": difference,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [measure(*size, options.repeats) for size in SIZES]
    if options.json:
        print(json.dumps(rows))
        return 0
    print(f"{'channels':>12}{'cells':>7}{'ours, ms':>10}{'torch, ms':>11}{'ratio':>7}{'difference':>12}")
    for row in rows:
        print(
            f"{row['channels']:>12}{row['cells']:>7}{row['ours_ms']:10.2f}{row['torch_ms']:11.2f}{row['ratio']:7.2f}{row['difference']:12.1e}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
