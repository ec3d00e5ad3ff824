"""What all tests share. Puts the tests' own folder on the path, so that they find shapes.py; marks tests by where they
are."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path.append(str(TESTS))

# Folders and files whose tests are slow: they generate, train or evaluate, or start many processes.
SLOW = ("blender", "faults", "test_evaluation.py", "test_training_runs.py")


def pytest_collection_modifyitems(items):
    for item in items:
        place = item.path.relative_to(TESTS).parts[0]
        if place == "blender":
            item.add_marker(pytest.mark.blender)
        if place in SLOW:
            item.add_marker(pytest.mark.slow)
