"""What bfloat16 changes in a full-size published denoiser (1152 wide, 32 blocks, patch 1): its x₀ beside float32's, on
the CPU.

The weights are random numbers, so that this shows how roundings add up through the layers, not what they do to a shape.
The baseline is float32 with its inputs alone rounded to bfloat16.

    python benchmarks/precision.py [--blocks 32] [--json]
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from loading import networks  # noqa: E402

from wala_blender.diffusion.schedule import Schedule  # noqa: E402

TIMES = (900, 300)
TOKENS, WIDTH = 512, 1024


def difference(output: Tensor, reference: Tensor) -> float:
    """Root mean square of the difference over that of the reference."""
    return float((output.float() - reference).square().mean().sqrt() / reference.square().mean().sqrt())


@torch.no_grad()
def measure(blocks: int) -> list[dict[str, float]]:
    generator = torch.Generator().manual_seed(0)
    denoiser = networks(blocks)["denoiser"].to_empty(device="cpu")
    for parameter in denoiser.parameters():
        parameter.normal_(0, 0.02, generator=generator)
    shape = torch.randn(1, 4, 12, 12, 12, generator=generator)
    tokens = torch.randn(1, TOKENS, WIDTH, generator=generator)
    rows, schedule, answers = [], Schedule(), {}
    noisy = {
        t: schedule.add_noise(shape, torch.randn(shape.shape, generator=generator), torch.tensor([t])) for t in TIMES
    }
    for kind in ("float32", "rounded inputs", "bfloat16"):
        if kind == "bfloat16":
            denoiser.bfloat16()
        for t in TIMES:
            dtype = torch.float32 if kind == "float32" else torch.bfloat16
            x, context = noisy[t].to(dtype), tokens.to(dtype)
            if kind == "rounded inputs":
                x, context = x.float(), context.float()
            since = time.perf_counter()
            answers[kind, t] = denoiser(x, torch.tensor([t]), context), time.perf_counter() - since
    for t in TIMES:
        reference, seconds = answers["float32", t]
        rows.append(
            {
                "time": t,
                "bfloat16": difference(answers["bfloat16", t][0], reference),
                "rounded_inputs": difference(answers["rounded inputs", t][0], reference),
                "seconds_ratio": answers["bfloat16", t][1] / seconds,
            }
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure(options.blocks)
    if options.json:
        print(json.dumps(rows))
        return 0
    print(f"{'t':>6}{'bfloat16':>12}{'inputs alone':>15}{'its time ÷ float32':>21}")
    for row in rows:
        print(f"{row['time']:6}{row['bfloat16']:12.4f}{row['rounded_inputs']:15.4f}{row['seconds_ratio']:21.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
