"""Who may import whom: walks the import statements of every zone. Knows design's table of zones; runs nothing."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STANDARD = set(sys.stdlib_module_names)
OURS = {"wala_blender", "runtime", "operators", "ui"}

# zone → (its files, what it may import besides itself and the standard library)
LIBRARY = {"torch", "numpy", "pywt", "scipy", "skimage", "PIL", "tifffile", "OpenEXR", "igl", "mapbox_earcut", "DracoPy", "safetensors", "tokenizers", "tqdm", "transformers",
           "huggingface_hub", "filelock", "accelerate", "peft", "lagrange"}
WORKER_SIDE = {"worker.py", "engine.py"}
ZONES = {
    "the entry": ([ROOT / "__init__.py"], {"operators", "ui"}),
    "wala_blender": (sorted((ROOT / "wala_blender").rglob("*.py")), LIBRARY),
    "runtime": ([path for path in sorted((ROOT / "runtime").rglob("*.py")) if path.name not in WORKER_SIDE], {"numpy"}),
    "runtime's worker": ([ROOT / "runtime/worker.py"], {"numpy"}),
    "runtime's engine": ([ROOT / "runtime/engine.py"], {"numpy", "torch", "wala_blender"}),
    "operators": (sorted((ROOT / "operators").rglob("*.py")), {"bpy", "mathutils", "numpy", "runtime"}),
    "ui": (sorted((ROOT / "ui").rglob("*.py")), {"bpy"}),
}


def imports(path: Path, tree: ast.AST) -> list[tuple[int, str]]:
    """(line, top-level name) of every import in a file, wherever it stands; relative ones are resolved from the repository's root."""
    package = path.relative_to(ROOT).parts[:-1]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.lineno, node.module.split(".")[0]))
        elif isinstance(node, ast.ImportFrom):
            base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            names = [alias.name for alias in node.names] if not base[0] else [base[0]]
            found += [(node.lineno, name) for name in names]
    return found


def breaches(path: Path, source: str, allowed: set[str]) -> list[str]:
    own = path.relative_to(ROOT).parts[0]
    return [f"{path.relative_to(ROOT)}:{line} imports {name}" for line, name in imports(path, ast.parse(source))
            if name not in STANDARD and name not in allowed and name != own]


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_keeps_to_its_imports(zone):
    files, allowed = ZONES[zone]
    assert files, f"no files in zone {zone}"
    found = [breach for path in files for breach in breaches(path, path.read_text(encoding="utf-8"), allowed)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("source", ["import torch", "from torch import nn", "def f():\n    import wala_blender.cli", "from ..ui import panels",
                                    "from .. import ui", "from ... import wala_blender"])
def test_a_breach_is_found_wherever_it_hides(source):
    folder = "operators/capture" if source.startswith("from ...") else "operators"
    assert len(breaches(ROOT / folder / "imagined.py", source, ZONES["operators"][1])) == 1


@pytest.mark.parametrize("zone", ["runtime", "operators", "ui", "wala_blender"])
def test_inside_a_package_imports_are_relative(zone):
    """Blender loads the packages under another name, where an absolute import of ours finds nothing, or a stranger's."""
    found = []
    for path in sorted((ROOT / zone).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module] \
                if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            found += [f"{path.relative_to(ROOT)}:{node.lineno} {name}" for name in names if name.split(".")[0] == zone]
    assert not found, "\n".join(found)
