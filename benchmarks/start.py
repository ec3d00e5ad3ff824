"""Processor seconds from a process's start to an answer, each in processes of their own and in turns, beside importing
torch alone.

python benchmarks/start.py [--repeats 3] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHAPE = 'from wala_blender.pipeline import Pipeline, Settings\nmade = Pipeline.load("starter", device="cpu")'
WAYS = {
    "import torch": ["-c", "import torch"],
    "wala --help": ["-m", "wala_blender", "--help"],
    "wala models": ["-m", "wala_blender", "models"],
    "the starter loaded": ["-c", SHAPE],
    "wala generate --text": ["-m", "wala_blender", "generate", "--text", "a chair", "--out"],
}


def processor_seconds(arguments: list[str]) -> float:
    """Of a process; one that ends in --out gets a file for its mesh."""
    before = os.times()
    with tempfile.TemporaryDirectory() as folder:
        argv = [*arguments, f"{folder}/made.glb"] if arguments[-1] == "--out" else arguments
        subprocess.run([sys.executable, *argv], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    turns = [{name: processor_seconds(arguments) for name, arguments in WAYS.items()} for _ in range(options.repeats)]
    medians = {name: statistics.median(turn[name] for turn in turns) for name in WAYS}
    if options.json:
        print(json.dumps(medians))
        return 0
    for name, seconds in medians.items():
        print(f"{name:24}{seconds:8.2f} s{seconds / medians['import torch']:8.2f} of importing torch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
