"""Words of a prompt as inputs of colouring: the asked colours, and word vectors of the rest."""

import re

import numpy as np

from ..conditions.word_vectors import WordVectors
from ..geometry.colour_spaces import NAMES

_SHADES = {
    "grey": "gray silver silvery steel chrome metallic ash charcoal",
    "white": "ivory snowy snow-white",
    "black": "ebony jet-black",
    "red": "crimson scarlet ruby maroon cherry",
    "green": "lime olive emerald mint jade teal",
    "blue": "navy azure cyan turquoise cobalt aqua",
    "yellow": "gold golden lemon cream",
    "orange": "amber apricot",
    "brown": "tan beige chocolate bronze copper rusty wooden wood timber",
    "purple": "violet lilac lavender mauve",
    "pink": "rose magenta fuchsia",
}
COLOUR_WORDS = {name: name for name in NAMES} | {
    shade: name for name, shades in _SHADES.items() for shade in shades.split()
}
_STOP = frozenset(
    "a an the of with and or in on at to for from by one two three some few low poly simple small large big old new "
    "object model shape thing coloured colored colour color painted made its very".split()
)
_AFTER = re.compile(r"\b(?:with|on|in|of|under|behind|beside|for)\b")  # what follows describes the noun before it


def asked_colours(prompt: str) -> list[int]:
    """Indices into NAMES of the colours that a prompt names, the main one, which comes first, first."""
    found = [NAMES.index(COLOUR_WORDS[word]) for word in _words(prompt) if word in COLOUR_WORDS]
    return list(dict.fromkeys(found))


def word_features(prompt: str, vectors: WordVectors) -> np.ndarray:
    """(2 · D + 1,) float32: the unit vector of the sum of the prompt's words but for colours, that of its noun, and
    whether any word is known."""
    known = _known(prompt, vectors)
    if not known:
        return np.zeros(2 * vectors.size + 1, np.float32)
    noun = (_known(_AFTER.split(prompt.lower())[0], vectors) or known)[-1]
    total = np.sum(known, axis=0)
    return np.concatenate([total / max(float(np.linalg.norm(total)), 1e-9), noun, [1.0]]).astype(np.float32)


def _known(text: str, vectors: WordVectors) -> list[np.ndarray]:
    words = [word for word in _words(text) if word not in COLOUR_WORDS and word not in _STOP]
    return [vector for word in words if (vector := vectors(word)) is not None]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z][a-z-]*", text.lower())
