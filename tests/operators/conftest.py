"""Cameras for the tests of views and placements; the extension as a package, for modules that import their
neighbours."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXTENSION = "wala_extension"  # as Blender's bl_ext.user_default.wala


def camera_matrix(eye, target, up=(0, 0, 1)) -> np.ndarray:
    """The (4, 4) world matrix of a camera at an eye that looks at a target."""
    eye = np.asarray(eye, float)
    back = eye - target
    back /= np.linalg.norm(back)
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    matrix[:3, 3] = eye
    return matrix


@pytest.fixture
def looking_at():
    return camera_matrix


@pytest.fixture(scope="session")
def extension_module():
    """A function: a module of the extension that imports no bpy, by its name from the root."""
    package = sys.modules.setdefault(EXTENSION, ModuleType(EXTENSION))
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    return lambda name: importlib.import_module(f"{EXTENSION}.{name}")
