"""Conditions in training and evaluation: one module of this folder each, with its TRAINING."""

import importlib
import pkgutil

from ...conditions.specs import SPECS
from ..condition_training import Batch, ConditionTraining


def _found() -> dict[str, ConditionTraining]:
    names = {module.name for module in pkgutil.iter_modules(__path__)}
    return {name: importlib.import_module(f".{name}", __name__).TRAINING for name in SPECS if name in names}


TRAININGS: dict[str, ConditionTraining] = _found()
# Batches of those that there are any of
BATCHES: dict[str, Batch] = {name: training.batch for name, training in TRAININGS.items() if training.batch}
