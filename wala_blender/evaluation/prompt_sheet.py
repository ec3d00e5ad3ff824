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
from ..training.input_pictures import GROUND, PICTURE_SIZE, picture_of

if TYPE_CHECKING:
    from ..pipeline import Pipeline, Settings

log = logging.getLogger(__name__)
_ACROSS, _LETTERS, _MARGIN = 10, 13, 36  # cells in a row; pixels of a letter, and under a picture


def prompt_sheet(pipeline: "Pipeline", prompts: Sequence[str], settings: "Settings") -> Image.Image:
    """A picture a prompt, in their order, ten in a row, as generated with those settings. Raises InputError,
    ModelError."""
    across = min(_ACROSS, len(prompts))
    sheet = Image.new("L", (across * PICTURE_SIZE, -(-len(prompts) // across) * (PICTURE_SIZE + _MARGIN)), 255)
    draw, font, began = ImageDraw.Draw(sheet), ImageFont.load_default(_LETTERS), time.monotonic()
    for number, prompt in enumerate(prompts):
        x, y = number % across * PICTURE_SIZE, number // across * (PICTURE_SIZE + _MARGIN)
        sheet.paste(_rendered_result(pipeline, prompt, settings), (x, y))
        words = "\n".join(textwrap.wrap(prompt, PICTURE_SIZE // 7)[:2])
        draw.multiline_text(
            (x + PICTURE_SIZE / 2, y + PICTURE_SIZE + _MARGIN / 2), words, 0, font, anchor="mm", align="center"
        )
        left = (time.monotonic() - began) * (len(prompts) / (number + 1) - 1)
        log.info(
            "prompt %d of %d, %s; about %d min %02d s left", number + 1, len(prompts), prompt, *divmod(round(left), 60)
        )
    return sheet


def _rendered_result(pipeline: "Pipeline", prompt: str, settings: "Settings") -> Image.Image:
    """What is delivered for a prompt; an empty picture where there is no surface."""
    try:
        generation = pipeline.generate("text", {"prompt": prompt}, settings)
        field = mesh_to_distance(
            frame_of(generation.vertices).to_model(generation.vertices), np.asarray(generation.faces, dtype=np.int64)
        )
    except InputError as error:
        log.warning("%s: %s", prompt, error)
        return Image.new("L", (PICTURE_SIZE, PICTURE_SIZE), GROUND)
    return picture_of(torch.from_numpy(field)) or Image.new("L", (PICTURE_SIZE, PICTURE_SIZE), GROUND)
