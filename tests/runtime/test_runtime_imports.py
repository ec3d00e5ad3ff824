"""Blender's side of the boundary needs nothing but the standard library and numpy, and importing all of it loads no
torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"
FILES = sorted(RUNTIME.glob("*.py"))
ONLY_WHEN_RUNNING = {"engine.py": {"wala_blender"}}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports(path):
    allowed = set(sys.stdlib_module_names) | {"numpy"} | ONLY_WHEN_RUNNING.get(path.name, set())
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{path.name}:{node.lineno} leaves the package"
            names = [node.module] if node.level == 0 else []
        else:
            continue
        for name in names:
            assert name.split(".")[0] in allowed, f"{path.name}:{node.lineno} imports {name}"


def test_no_file_was_missed():
    assert {"jobs.py", "supervisor.py", "worker.py", "engine.py", "environment.py"} <= {path.name for path in FILES}


def test_importing_everything_loads_nothing_heavy():
    modules = ", ".join(f"runtime.{path.stem}" for path in FILES if path.stem != "__init__")
    program = f"import sys, {modules}; print(sorted(set(sys.modules) & {{'torch', 'bpy', 'wala_blender', 'scipy'}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=RUNTIME.parent, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "[]"
