"""Names and labels in the field's terms: those that were replaced stay replaced.

Looks at what the code names (values, functions, classes, arguments, attributes, modules), and at what artists and users
of the command line read; not at prose.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from wala_blender.renamed_settings import RENAMED

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("wala_blender", "runtime", "operators", "ui", "demo", "benchmarks")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# Replaced name → its replacement
NAMES = {
    "Babble": "InvalidMessages",
    "CURVES": "BETA_SCHEDULES",
    "Claim": "EnvironmentLock",
    "Conversation": "WorkerSession",
    "Door": "WorkerListener",
    "ENOUGH": "STOP_RATIO, MIN_…",
    "EXIT_NOBODY_CAME": "EXIT_NO_CLIENT",
    "Given": "BlockInputs",
    "Home": "Destination",
    "Keep": "ResultCallbacks",
    "LINE": "LINE_WIDTH, LINE_LENGTH",
    "Link": "WorkerConnection",
    "Look": "OnResult",
    "MOMENTA": "ADAM_BETAS",
    "Making": "JobOperator",
    "RATE": "LEARNING_RATE",
    "Released": "PublishedModel",
    "Row": "what the row is of",
    "SIDE": "IMAGE_SIZE, GRID_SIZE, …",
    "SMALLEST": "MIN_SIZE",
    "Seen": "DepthRenders",
    "Shown": "InputPicture",
    "_attempt": "what is attempted",
    "board": "panel_state",
    "compute_again": "checkpoint_gradients",
    "end_in_words": "describe_exit",
    "feel_pulse": "check_heartbeat",
    "give_back": "free_memory",
    "given": "what it is: arguments, inputs, value",
    "guess": "estimate",
    "in_turns": "sequential_offload",
    "lent_to": "on_device",
    "load_maker": "load_pipeline",
    "look": "validate, poll, on_result",
    "look_at": "validate",
    "looked_at": "validation_entries",
    "looks": "validations, features",
    "made": "what it is: result, output, installed",
    "said": "what it is: caption, message",
    "thing": "mask, object",
    "told": "what it is: reported, fields",
    "try_ways": "run_with_offload_fallback",
    "usual": "default, mean_latent",
    "ways": "offload_modes",
}
# Settings of training whose former names mean nothing else
NAMES |= {
    former: current
    for renamed in RENAMED.values()
    for former, current in renamed.items()
    if former not in ("drop", "encoded", "checkpoints", "mix", "fewest", "several", "noisy", "lacking")
}
MODULES = {
    "attempt": "job_runner",
    "board": "panel_state",
    "collections": "mesh_datasets",
    "facing": "orientation",
    "fitness": "shape_filter",
    "installed": "records",
    "installing": "install",
    "kept_jobs": "job_retention",
    "link": "worker_connection",
    "memory": "offload",
    "placed": "grid_features",
    "polls": "poll",
    "released": "published_model",
    "task": "subprocess_task",
    "variants": "shape_augmentation",
}
LABELS = {
    r"[Rr]ound [Aa]bout": "Multi-View",
    r"being looked after|looks after": "A model download is running",
    r"[Bb]oard": "panel",
    r"\blook at a run\b|times .* looked at": "validation",
}
LABEL_ARGUMENTS = ("name", "description", "text", "help", "title", "message", "confirm_text")
LABEL_ATTRIBUTES = ("bl_label", "bl_description")


def names_in(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of what a module defines: values, arguments, attributes, functions, classes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.lineno, node.name


def labels_in(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of what is shown: labels, descriptions, helps, and the docstrings of Blender's classes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg in LABEL_ARGUMENTS:
            texts = [part for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in LABEL_ATTRIBUTES:
            texts = [node.value]
        elif isinstance(node, ast.ClassDef) and "_OT_" in node.name and isinstance(node.body[0], ast.Expr):
            texts = [node.body[0].value]
        else:
            continue
        yield from ((text.lineno, text.value) for text in texts if isinstance(getattr(text, "value", None), str))


def replaced(source: str) -> list[str]:
    """Replaced names and labels that a module has, each with what to say instead."""
    found = [
        f"{line}: {name} → {NAMES.get(name) or NAMES[name.strip('_')]}"
        for line, name in names_in(source)
        if name in NAMES or name.strip("_") in NAMES
    ]
    return found + [
        f"{line}: “{text}” → {instead}"
        for line, text in labels_in(source)
        for pattern, instead in LABELS.items()
        if re.search(pattern, text)
    ]


def test_replaced_names_and_labels_do_not_come_back():
    found = [f"{path.relative_to(ROOT)}:{one}" for path in FILES for one in replaced(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


def test_replaced_modules_do_not_come_back():
    found = [f"{path.relative_to(ROOT)} → {MODULES[path.stem]}" for path in FILES if path.stem in MODULES]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "class Door: pass",
        "def feel_pulse(self): pass",
        "def f(given): pass",
        "_looks = 3",
        "self.said = 3",
        "for made in (): pass",
        "draft_until: float = 0.2",
        'bl_label = "Depth Round About"',
        'add("--x", help="the models are being looked after")',
        'class WALA_OT_x:\n    """Views Round About"""',
    ],
)
def test_a_replaced_name_is_found(source):
    assert len(replaced(source)) == 1


@pytest.mark.parametrize("source", ['"""What was made, and told."""', 'print("made")', "x = record.made", "lookup = 3"])
def test_prose_and_other_names_are_free(source):
    assert not replaced(source)
