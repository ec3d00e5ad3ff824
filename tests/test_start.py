"""What a process imports before it can answer: each case in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def imported(code: str, modules: set[str]) -> set[str]:
    """Those of the modules that are there after the code ran."""
    code += f"\nimport sys\nprint('modules:', *({modules!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_a_shape_from_words_is_made_without_torchs_compiler_and_what_other_inputs_need():
    code = """
from wala_blender.pipeline import Pipeline, Settings
made = Pipeline.load("starter", device="cpu").generate("text", {"prompt": "a chair"}, Settings(steps=2, colour=False))
assert len(made.faces)
"""
    heavy = {
        "torch._dynamo",
        "torch._inductor",
        "sympy",
        "trimesh",
        "scipy.spatial",
        "skimage.filters",
        "skimage.morphology",
        "transformers",
    }
    assert imported(code, heavy) == set()


def test_a_fitted_shape_needs_no_compiler_either():
    code = """
import numpy as np
from wala_blender.pipeline import Pipeline, Settings
occupancy = np.zeros((16, 16, 16), bool)
occupancy[4:12, 4:12, 4:12] = True
Pipeline.load("starter", device="cpu").generate("voxels", {"occupancy": occupancy}, Settings(steps=2, fit=1))
"""
    assert imported(code, {"torch._dynamo", "trimesh"}) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"], ["models"], ["models", "list", "--json"]])
def test_the_command_line_answers_without_the_libraries_that_compute(arguments):
    code = f"""
from wala_blender.cli.main import main
try:
    code = main({arguments!r})
except SystemExit as left:
    code = left.code
assert code == 0
"""
    assert imported(code, {"torch", "scipy", "skimage", "igl", "PIL", "huggingface_hub", "transformers"}) == set()
