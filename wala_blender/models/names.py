"""Names of models: one rule for the command line, the models folder, about.json and jobs."""

import re

from ..errors import ModelError

# A file name everywhere: no word that Windows keeps for devices, no dot or space at the end. runtime/request.py has the
# same, held by a test.
NAME = re.compile(r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9_-])?")


def is_name(name: object) -> bool:
    """Whether a value can be a model's name."""
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def check_name(name: object) -> str:
    """The name. Raises ModelError for what cannot be a model's name."""
    if not is_name(name):
        raise ModelError(
            f"{name!r} cannot be a model's name",
            "A name has 1 to 64 letters a-z, digits, spaces, dashes, dots and underscores.",
        )
    return name
