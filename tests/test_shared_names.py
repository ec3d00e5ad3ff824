"""Names that folders share without importing each other: stages of a generation, and provenance."""

import ast
import re
from pathlib import Path

from wala_blender.finishing.finish import STAGE
from wala_blender.geometry.meshes import PROVENANCE
from wala_blender.text_to_shape import OF_THE_SHAPE

ROOT = Path(__file__).resolve().parents[1]
REPORTED = re.compile(r"""\b(?:progress|silent|timed|part)(?:\)?\(|, )"(\w+)\"""")
REPORTERS = ("wala_blender/pipeline.py", "wala_blender/mesh_to_mesh.py", "wala_blender/text_to_shape.py")


def constant(file, name):
    """The value of a literal in a module that is not imported."""
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{file} has no {name}")


def reported_stages():
    """The stages that the library reports."""
    sources = [(ROOT / file).read_text(encoding="utf-8") for file in (*REPORTERS, "runtime/engine.py")]
    return {STAGE} | {name for source in sources for name in REPORTED.findall(source)}


def test_every_stage_has_its_place_on_the_progress_bar():
    stages = reported_stages()
    assert {"load", "views", "condition", "sample", "fit", "decode", "query", "surface"} <= stages
    shares, titles = (constant("operators/jobs/panel_state.py", name) for name in ("SHARES", "TITLES"))
    assert stages == set(shares) == set(titles)
    for file in ("demo/__main__.py", "benchmarks/generate.py"):
        assert set(constant(file, "STAGES")) <= stages, file


def test_objects_and_files_have_the_same_provenance():
    of_an_object = set(constant("operators/jobs/deliver.py", "PROVENANCE"))
    assert of_an_object - {"job", "ai_generated"} == set(PROVENANCE) - {"precision"}
    assert {f"shape_{name}" for name in OF_THE_SHAPE} & of_an_object == {"shape_model", "shape_weight_hash"}
