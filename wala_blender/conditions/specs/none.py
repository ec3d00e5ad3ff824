"""Condition "none": unconditional generation; the seed alone selects the shape."""

from ..spec import CliOption, ConditionSpec, Defaults, Implementation


def _load() -> Implementation:
    from ..types import Prepared

    return Implementation(lambda inputs, model: Prepared(()), published_prepare=lambda inputs, model: Prepared(()))


SPEC = ConditionSpec(
    name="none",
    order=8,
    needs=(),
    cli=CliOption("unconditional", "whatever the model makes of nothing", lambda _: {}, count=0),
    load=_load,
    defaults=Defaults(None, 16),
    published=Defaults(None, 1000),
)
