"""Every table that has a row for each condition, held against the library's: one that was forgotten is named."""

import pytest

from operators.models.catalog import STARTER
from wala_blender.cli.main import parser
from wala_blender.conditions.inputs import _LISTS, _VALUES, FILES
from wala_blender.conditions.spec import OPTIONS, TABLE
from wala_blender.evaluation.inputs import INPUTS
from wala_blender.models.registry import MODELS
from wala_blender.models.starter_model import KINDS


def test_a_models_conditions_are_in_the_table():
    for row in MODELS.values():
        assert set(row.conditions) <= set(TABLE), row.name


def test_the_starters_encoders_are_its_conditions():
    assert set(KINDS) == set(MODELS["starter"].conditions)


def test_what_is_measured_is_in_the_table():
    assert set(INPUTS) <= set(TABLE)


def test_blender_knows_what_the_starter_takes():
    assert set(STARTER.conditions) == set(MODELS[STARTER.name].conditions) and set(STARTER.prompted) == set(
        MODELS[STARTER.name].prompted
    )


def test_every_raw_input_can_be_read():
    readable = {*FILES, *_LISTS, *_VALUES}
    assert {name for row in TABLE.values() for name in row.needs} | {option.becomes for option in OPTIONS} <= readable


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_the_command_line_gives_what_the_condition_needs(row):
    words = ["generate", f"--{row.option}", *(["file.png"] if row.count != 0 else []), "--out", "a.glb"]
    inputs = row.read(getattr(parser().parse_args(words), row.option))
    assert set(inputs) <= set(row.needs) and bool(inputs) == bool(row.needs)
    assert set(row.also) <= {option.name for option in OPTIONS}
