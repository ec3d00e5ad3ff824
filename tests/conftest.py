"""What all tests share. Puts the tests' own folder on the path, so that they find shapes.py; marks tests by where they
are."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path.append(str(TESTS))

# Folders, files and tests that are slow: they generate, train or evaluate, or start many processes.
SLOW = (
    "blender/",
    "faults/",
    "test_evaluation.py",
    "test_training_runs.py",
    "test_cli.py::test_evaluate",
)


def pytest_configure(config):
    # here and not in pyproject.toml, as the tests inside Blender have no configuration file
    config.addinivalue_line("markers", "slow: left out by `make test-fast`; given by SLOW in tests/conftest.py")
    config.addinivalue_line("markers", "blender: needs Blender")


def pytest_collection_modifyitems(items):
    for item in items:
        place = item.path.relative_to(TESTS).as_posix()
        name = f"{place}::{item.name}"
        if place.startswith("blender/"):
            item.add_marker(pytest.mark.blender)
        if name.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
