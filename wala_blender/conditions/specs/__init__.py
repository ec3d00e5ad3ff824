"""Specifications of all conditions: one module of this folder each, with its SPEC.

A new condition is a module here; every table of conditions is a view of SPECS.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from ...errors import InputError
from ..options import SHARED, Option
from ..spec import ConditionSpec, Defaults


def _found() -> dict[str, ConditionSpec]:
    names = (module.name for module in pkgutil.iter_modules(__path__))
    specs = [importlib.import_module(f".{name}", __name__).SPEC for name in names]
    return {spec.name: spec for spec in sorted(specs, key=lambda spec: spec.order)}


SPECS: dict[str, ConditionSpec] = _found()
# Encoder of a model of the starter's kind → the type of its configuration
ENCODER_CONFIGS = {spec.encoder: spec.encoder_config for spec in SPECS.values() if spec.encoder_config}
OPTIONS: tuple[Option, ...] = tuple(
    dict.fromkeys((*SHARED, *(option for spec in SPECS.values() for option in spec.options)))
)
# Condition → settings of the published examples; also for folders that hold a model of that kind
PUBLISHED_DEFAULTS: dict[str, Defaults] = {spec.name: spec.published for spec in SPECS.values() if spec.published}


def check_inputs(condition: str, inputs: Mapping) -> None:
    """Raises InputError when a condition lacks its raw input. Unknown conditions pass: the model checks them."""
    needs = _needs(condition)
    if needs and not any(name in inputs for name in needs):
        raise InputError(f"{condition} needs {' or '.join(needs)}, and there is {', '.join(inputs) or 'no input'}")


def has_prompt_beside(condition: str, inputs: Mapping) -> bool:
    """Whether a prompt was given beside another condition's input."""
    return "prompt" in inputs and "prompt" not in _needs(condition)


def _needs(condition: str) -> tuple[str, ...]:
    return SPECS[condition].needs if condition in SPECS else ()
