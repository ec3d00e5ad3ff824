"""What every condition promises by its spec: one test a promise, over all of them."""

import pytest
from torch import nn

from operators.models.catalog import STARTER
from wala_blender.cli.main import parser
from wala_blender.conditions.inputs import _LISTS, _VALUES, FILES
from wala_blender.conditions.specs import ENCODER_CONFIGS, SPECS
from wala_blender.models.registry import MODELS

every = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


@every
def test_its_inputs_can_be_read_and_the_command_line_gives_them(spec):
    raw = {*spec.needs, *(option.becomes for option in spec.options)}
    assert raw <= {*FILES, *_LISTS, *_VALUES}
    words = ["generate", f"--{spec.cli.name}", *(["file.png"] if spec.cli.count != 0 else []), "--out", "a.glb"]
    inputs = spec.cli.read(getattr(parser().parse_args(words), spec.cli.name))
    assert set(inputs) <= set(spec.needs) and bool(inputs) == bool(spec.needs)


@every
def test_both_kinds_of_model_find_what_they_need(spec):
    made = spec.implementation
    assert bool(spec.defaults) == bool(made.prepare) and bool(spec.published) == bool(made.published_prepare)
    assert spec.encoder in ("", *ENCODER_CONFIGS) and bool(spec.encoder_config) == bool(made.encoder)
    if spec.encoder_config:
        assert spec.encoder == spec.name and issubclass(made.encoder, nn.Module)
        made.encoder(spec.encoder_config())
    if spec.published and spec.needs:
        assert made.published_encoder.component in ("condition_encoder", "image_encoder")


def test_orders_are_no_two_alike():
    assert len({spec.order for spec in SPECS.values()}) == len(SPECS)


def test_models_take_conditions_that_there_are():
    shapes = [row for row in MODELS.values() if row.makes == "shapes"]
    for row in shapes:
        assert all(SPECS[name].published if row.published else SPECS[name].defaults for name in row.conditions)
    assert {name for row in shapes for name in row.conditions} == set(SPECS) - {"mesh"}
    assert [row.name for row in MODELS.values() if "mesh" in row.conditions] == ["lagem", "levels"]


def test_blender_knows_what_the_starter_takes():
    row = MODELS[STARTER.name]
    assert set(STARTER.conditions) == set(row.conditions) and set(STARTER.prompted) == set(row.prompted)
