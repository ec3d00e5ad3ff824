"""What an input says of a shape's colours."""

from collections.abc import Mapping

from ..conditions.specs import SPECS
from .colouring import Asked


def asked_by(condition: str, inputs: Mapping, seed: int) -> Asked:
    """The colours that a condition's raw inputs ask for. Raises InputError for a picture that shows no thing."""
    prompt = str(inputs.get("prompt") or "")
    if not SPECS[condition].shows_colours or "image" not in inputs:
        return Asked(prompt, seed)
    from ..conditions.image import elevation_of
    from .picture import shown_colours

    return Asked(prompt, seed, shown_colours(inputs["image"]), elevation_of(dict(inputs)))
