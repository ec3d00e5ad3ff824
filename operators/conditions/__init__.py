"""Inputs of a shape in Blender: one module of this folder each, with its SPEC.

Everything a capture returns is a copy: no RNA data outlives the call. A new condition is a module here, beside one in
the library and one in training; a second way to provide a condition is only a module here. The interface draws from
this table, the only import it has from the operators.
"""

import importlib
import pkgutil

from ..capture.spec import CaptureSpec
from .text import poll_soon

__all__ = ["CAPTURES", "poll_soon"]


def _found() -> dict[str, CaptureSpec]:
    names = (module.name for module in pkgutil.iter_modules(__path__))
    specs = [importlib.import_module(f".{name}", __name__).SPEC for name in names]
    return {spec.identifier: spec for spec in sorted(specs, key=lambda spec: spec.order)}


CAPTURES: dict[str, CaptureSpec] = _found()
