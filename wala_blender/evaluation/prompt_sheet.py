"""Contact sheet of the shapes generated from a list of prompts, to be judged by eye."""

import logging
import textwrap
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ..errors import InputError
from ..geometry.distance import frame_of, mesh_to_distance
from ..training.input_pictures import GROUND, SIDE, picture_of

if TYPE_CHECKING:
    from ..pipeline import Pipeline, Settings

log = logging.getLogger(__name__)
_ACROSS, _LETTERS, _MARGIN = 10, 13, 36  # cells in a row; pixels of a letter, and under a picture


def prompt_sheet(pipeline: "Pipeline", prompts: Sequence[str], settings: "Settings") -> Image.Image:
    """A picture a prompt, in their order, ten in a row, as generated with those settings. Raises InputError,
    ModelError."""
    across = min(_ACROSS, len(prompts))
    sheet = Image.new("L", (across * SIDE, -(-len(prompts) // across) * (SIDE + _MARGIN)), 255)
    draw, font, began = ImageDraw.Draw(sheet), ImageFont.load_default(_LETTERS), time.monotonic()
    for number, prompt in enumerate(prompts):
        x, y = number % across * SIDE, number // across * (SIDE + _MARGIN)
        sheet.paste(_made(pipeline, prompt, settings), (x, y))
        words = "\n".join(textwrap.wrap(prompt, SIDE // 7)[:2])
        draw.multiline_text((x + SIDE / 2, y + SIDE + _MARGIN / 2), words, 0, font, anchor="mm", align="center")
        left = (time.monotonic() - began) * (len(prompts) / (number + 1) - 1)
        log.info(
            "prompt %d of %d, %s; about %d min %02d s left", number + 1, len(prompts), prompt, *divmod(round(left), 60)
        )
    return sheet


def _made(pipeline: "Pipeline", prompt: str, settings: "Settings") -> Image.Image:
    """What is delivered for a prompt; an empty picture where there is no surface."""
    try:
        made = pipeline.generate("text", {"prompt": prompt}, settings)
        field = mesh_to_distance(
            frame_of(made.vertices).to_model(made.vertices), np.asarray(made.faces, dtype=np.int64)
        )
    except InputError as error:
        log.warning("%s: %s", prompt, error)
        return Image.new("L", (SIDE, SIDE), GROUND)
    return picture_of(torch.from_numpy(field)) or Image.new("L", (SIDE, SIDE), GROUND)
