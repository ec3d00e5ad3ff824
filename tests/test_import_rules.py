"""Who may import whom: walks the import statements of every zone. Knows design's table of zones; runs nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STANDARD = set(sys.stdlib_module_names)
OURS = {"wala_blender", "runtime", "operators", "ui"}

# zone → (its files, what it may import besides itself and the standard library)
LIBRARY = {
    "torch",
    "numpy",
    "pywt",
    "scipy",
    "skimage",
    "PIL",
    "tifffile",
    "OpenEXR",
    "igl",
    "fast_simplification",
    "pynanoinstantmeshes",
    "xatlas",
    "mapbox_earcut",
    "DracoPy",
    "safetensors",
    "tokenizers",
    "tqdm",
    "transformers",
    "huggingface_hub",
    "filelock",
    "accelerate",
    "peft",
    "lagrange",
}
WORKER_SIDE = {"worker.py", "engine.py"}
SHARED = {"wala_blender.known_words", "wala_blender.errors"}  # with Blender's side
ZONES = {
    "the entry": ([ROOT / "__init__.py"], {"operators", "ui"}),
    "wala_blender": (sorted((ROOT / "wala_blender").rglob("*.py")), LIBRARY),
    "runtime": ([path for path in sorted((ROOT / "runtime").rglob("*.py")) if path.name not in WORKER_SIDE], {"numpy"}),
    "runtime's worker": ([ROOT / "runtime/worker.py"], {"numpy"}),
    "runtime's engine": ([ROOT / "runtime/engine.py"], {"numpy", "torch", "wala_blender"}),
    # Words are looked up while they are typed, by the library's own table, which needs no torch: a test below.
    "operators": (
        sorted((ROOT / "operators").rglob("*.py")),
        {"bpy", "bl_operators", "gpu", "gpu_extras", "mathutils", "numpy", "runtime", *SHARED},
    ),
    # The conditions are drawn by the table that the operators capture them by; that one package, nothing beside it.
    "ui": (sorted((ROOT / "ui").rglob("*.py")), {"bpy", "bl_ui", "operators.conditions"}),
}


def imports(path: Path, tree: ast.AST) -> list[tuple[int, str]]:
    """(line, module) of every import in a file, wherever it stands; relative ones are resolved from the repository's
    root."""
    package = path.relative_to(ROOT).parts[:-1]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.lineno, node.module))
        elif isinstance(node, ast.ImportFrom):
            base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            names = [alias.name for alias in node.names] if not base[0] else [".".join(filter(None, base))]
            found += [(node.lineno, name) for name in names]
    return found


def breaches(path: Path, source: str, allowed: set[str]) -> list[str]:
    """The imports of a file that are neither its own zone's nor the standard library's nor allowed, by the name of a
    package or of a module in one."""
    allowed = allowed | STANDARD | {path.relative_to(ROOT).parts[0]}
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for line, name in imports(path, ast.parse(source))
        if name.split(".")[0] not in allowed and name not in allowed
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_keeps_to_its_imports(zone):
    files, allowed = ZONES[zone]
    assert files, f"no files in zone {zone}"
    found = [breach for path in files for breach in breaches(path, path.read_text(encoding="utf-8"), allowed)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "from torch import nn",
        "def f():\n    import wala_blender.cli.main",
        "from ..ui import panels",
        "from .. import ui",
        "from ... import wala_blender",
    ],
)
def test_a_breach_is_found_wherever_it_hides(source):
    folder = "operators/capture" if source.startswith("from ...") else "operators"
    assert len(breaches(ROOT / folder / "imagined.py", source, ZONES["operators"][1])) == 1


def test_what_blender_imports_of_the_library_is_without_torch_and_packages():
    """In a process of its own: what Blender's Python has is the standard library and numpy."""
    code = f"import sys, {', '.join(sorted(SHARED))}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert not {"torch", "scipy", "skimage", "PIL", "igl", "tokenizers", "safetensors"} & set(done.stdout.split())


def test_the_interface_sees_nothing_of_the_operators_but_the_conditions():
    sources = {"from ..operators.conditions import CAPTURES": 0, "from ..operators import session": 1}
    for source, count in (sources | {"from ..operators.conditions.text import SPEC": 1}).items():
        assert len(breaches(ROOT / "ui/imagined.py", source, ZONES["ui"][1])) == count, source


@pytest.mark.parametrize("zone", ["runtime", "operators", "ui", "wala_blender"])
def test_inside_a_package_imports_are_relative(zone):
    """Blender loads the packages under another name, where an absolute import of ours finds nothing, or a
    stranger's."""
    found = []
    for path in sorted((ROOT / zone).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module]
                if isinstance(node, ast.ImportFrom) and node.level == 0
                else []
            )
            found += [f"{path.relative_to(ROOT)}:{node.lineno} {name}" for name in names if name.split(".")[0] == zone]
    assert not found, "\n".join(found)


# The library's layers, the lowest first: a module imports from its own package and from lower layers. What is not named
# is of the pipeline's.
LAYERS = (
    ("errors", "files", "array_files", "configuration", "renamed_settings", "arguments"),
    ("geometry", "wavelet"),
    ("networks",),
    ("conditions",),
    ("diffusion",),
    ("models",),
    ("the pipeline",),
    ("training.data",),
    ("training",),
    ("evaluation",),
    ("cli",),
    ("__main__",),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
BOTTOM = LAYERS[0]  # single modules that may import each other


def layer_of(module: tuple[str, ...]) -> str:
    """The layer of a module of the library, given without the package's name: ("training", "data", "captions") →
    "training.data"."""
    return next((name for name in (".".join(module[:2]), module[0]) if name in LAYER), "the pipeline")


def library_imports(module: tuple[str, ...], source: str) -> list[tuple[int, tuple[str, ...]]]:
    """(line, module) of every relative import of a module of the library."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (
                (*module[: len(module) - node.level], *(node.module or "").split("."))
                if node.module
                else module[: len(module) - node.level]
            )
            found += [(node.lineno, (*base, alias.name)) for alias in node.names]
    return found


def upward_imports(module: tuple[str, ...], source: str) -> list[str]:
    """The imports of a module that lie in a higher layer, or in another package of its own."""
    own = layer_of(module)
    found = []
    for line, target in library_imports(module, source):
        other = layer_of(target)
        if LAYER[other] > LAYER[own] or (LAYER[other] == LAYER[own] and other != own and own not in BOTTOM):
            found.append(f"{'/'.join(module)}.py:{line} ({own}) imports {'.'.join(target)} ({other})")
    return found


def library_modules() -> dict[tuple[str, ...], Path]:
    folder = ROOT / "wala_blender"
    return {
        path.relative_to(folder).with_suffix("").parts: path
        for path in sorted(folder.rglob("*.py"))
        if path.parent != folder or path.name != "__init__.py"
    }


def test_the_library_keeps_to_its_layers():
    found = [
        breach
        for module, path in library_modules().items()
        for breach in upward_imports(module, path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_every_layer_is_there():
    there = {layer_of(module) for module in library_modules()}
    assert there == set(LAYER)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("errors", "from .pipeline import Pipeline"),
        ("networks/denoiser", "from ..conditions import voxels"),
        ("geometry/meshes", "from ..wavelet import forward"),
        ("models/loading", "def f():\n    from ..training.runs import network"),
        ("training/data/build", "from ..loop import run"),
        ("training/loop", "from ..evaluation.report import Table"),
        ("pipeline", "from . import cli"),
        ("evaluation/report", "from ..cli.main import main"),
    ],
)
def test_an_import_of_a_higher_layer_is_found(module, source):
    assert len(upward_imports(tuple(module.split("/")), source)) == 1


def test_only_the_command_line_and_benchmarks_use_training_and_evaluation():
    """The extension leaves both out of its zip."""
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for zone in ("runtime", "operators", "ui", "demo")
        for path in sorted((ROOT / zone).rglob("*.py"))
        for line, name in absolute_imports(path)
        if name.startswith(("wala_blender.training", "wala_blender.evaluation"))
    ]
    assert not found, "\n".join(found)


def absolute_imports(path: Path) -> list[tuple[int, str]]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return [(node.lineno, alias.name) for node in nodes if isinstance(node, ast.Import) for alias in node.names] + [
        (node.lineno, f"{node.module}.{alias.name}")
        for node in nodes
        if isinstance(node, ast.ImportFrom) and not node.level
        for alias in node.names
    ]
