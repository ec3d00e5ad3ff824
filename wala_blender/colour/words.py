"""Words of a prompt as inputs of colouring: the asked colours, and word vectors of the rest."""

from collections.abc import Sequence

import numpy as np

from ..conditions.prompts import COLOUR_WORDS, FILLERS, PREPOSITIONS, named_part, words_of
from ..conditions.word_vectors import WordVectors
from ..geometry.colour_spaces import NAMES


def asked_colours(prompt: str) -> list[int]:
    """Indices into NAMES of the colours that a prompt names, the main one, which comes first, first."""
    found = [NAMES.index(COLOUR_WORDS[word]) for word in words_of(prompt) if word in COLOUR_WORDS]
    return list(dict.fromkeys(found))


def word_features(prompt: str, vectors: WordVectors) -> np.ndarray:
    """(2 · D + 1,) float32: the unit vector of the sum of the prompt's words but for colours, that of its noun, and
    whether any word is known."""
    known = _known(words_of(prompt), vectors)
    if not known:
        return np.zeros(2 * vectors.size + 1, np.float32)
    noun = (_known(named_part(prompt), vectors) or known)[-1]
    total = np.sum(known, axis=0)
    return np.concatenate([total / max(float(np.linalg.norm(total)), 1e-9), noun, [1.0]]).astype(np.float32)


def known_words(prompt: str, vectors: WordVectors) -> list[np.ndarray]:
    """Unit vectors (D,) of a prompt's words but for colours, the noun's first."""
    known = _known(words_of(prompt), vectors)
    noun = max(len(_known(named_part(prompt), vectors)), 1) - 1
    return [*known[noun : noun + 1], *known[:noun], *known[noun + 1 :]]


def unknown_words(prompt: str, vectors: WordVectors) -> list[str]:
    """A prompt's words, in their order, that are no colours, say something and have no vector."""
    return vectors.unknown(_telling(words_of(prompt)))


def _telling(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in COLOUR_WORDS and word not in FILLERS | PREPOSITIONS]


def _known(words: Sequence[str], vectors: WordVectors) -> list[np.ndarray]:
    return [vector for word in _telling(words) if (vector := vectors(word)) is not None]
