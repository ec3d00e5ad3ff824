"""Builds the extension's zip and runs the checks of tests/blender/inside in every Blender module there is: 5.0 and 4.2.

WALA_BLENDER_PYTHONS (separated by the path
separator) replaces the list of Pythons.
"""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path(__file__).resolve().parent / "inside"
PYTHONS = {"5.0": ROOT / ".venv/bin/python", "4.2": ROOT / ".venv42/bin/python"}


def pythons() -> dict[str, Path]:
    given = os.environ.get("WALA_BLENDER_PYTHONS")
    return {path: Path(path) for path in given.split(os.pathsep)} if given else PYTHONS


def run(python: Path, *arguments, env=None, timeout=300) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(python), *map(str, arguments)], capture_output=True, text=True, env=env, timeout=timeout, cwd=ROOT
    )


@pytest.fixture(scope="session")
def builder():
    """The extension tool that comes with Blender's module."""
    found = find_spec("bpy")
    if found is None:
        pytest.skip("needs Blender's module: pip install bpy")
    return next(Path(found.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))


@pytest.fixture(scope="session")
def package(builder, tmp_path_factory) -> Path:
    """The zip an artist would install."""
    folder = tmp_path_factory.mktemp("package")
    done = run(sys.executable, builder, "build", "--source-dir", ROOT, "--output-dir", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("wala-*.zip"))


def test_the_manifest_is_valid(builder, package):
    done = run(sys.executable, builder, "validate", package)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_zip_holds_what_artists_need_and_nothing_else(package):
    names = zipfile.ZipFile(package).namelist()
    for needed in (
        "__init__.py",
        "blender_manifest.toml",
        "operators/jobs/session.py",
        "ui/panels.py",
        "runtime/worker.py",
        "runtime/requirements.txt",
        "wala_blender/errors.py",
    ):
        assert needed in names
    weights = [path.relative_to(ROOT).as_posix() for path in (ROOT / "wala_blender/models").glob("**/*.safetensors")]
    assert set(weights) <= set(names)
    roots = {name.split("/")[0] for name in names}
    assert roots <= {
        "__init__.py",
        "blender_manifest.toml",
        "operators",
        "ui",
        "runtime",
        "wala_blender",
        "LICENSE",
        "README.md",
        "MODEL_CARD.md",
    }
    assert not [name for name in names if name.endswith((".exe", ".dll", ".so", ".pyc"))]


@pytest.mark.parametrize("version", sorted(pythons()))
def test_inside_blender(version, package, tmp_path):
    python = pythons()[version]
    if not python.is_file():
        pytest.skip(f"{python} is missing: make a virtual environment there with bpy, numpy and pytest")
    env = {
        **os.environ,
        "BLENDER_USER_RESOURCES": str(tmp_path / "Blender ü"),
        "WALA_PACKAGE": str(package),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(INSIDE),
    }
    done = run(
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "installed",
        "-c",
        os.devnull,
        "--rootdir",
        INSIDE,
        "-o",
        "python_files=check_*.py",
        "--import-mode=importlib",
        INSIDE,
        env=env,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
