"""Prompts as inputs of the denoiser of colour volumes: the asked colour, and vectors of the other words."""

from collections.abc import Sequence

import numpy as np
import torch

from ..conditions.word_vectors import WordVectors
from ..networks.configs import GridUNetConfig
from ..networks.grid_unet import NO_COLOUR, PromptInputs
from .words import asked_colours, known_words


def prompt_inputs(prompts: Sequence[str], vectors: WordVectors, config: GridUNetConfig) -> PromptInputs:
    """Of B prompts. Words without a vector, and those beyond config.words, are left out."""
    words = np.zeros((len(prompts), config.words, config.word_size), np.float32)
    colours = []
    for row, prompt in zip(words, prompts):
        found = known_words(prompt, vectors)[: config.words]
        row[: len(found)] = found or row[:0]
        named = asked_colours(prompt)
        colours.append(named[0] + 1 if named else NO_COLOUR)
    return PromptInputs(torch.from_numpy(words), torch.tensor(colours))
