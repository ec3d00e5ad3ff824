"""Words that a model knows, and for those that it doesn't the nearest ones. Imports neither torch nor the networks."""

import json
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np

from .conditions.prompts import COLOUR_WORDS, FILLERS, PREPOSITIONS, content_words, singular, words_of
from .conditions.word_vectors import WordVectors
from .errors import CheckpointError
from .exemplars import NEAR, load_names
from .models.registry import EXEMPLARS, WORD_PIECES, WORD_VECTORS

SUGGESTIONS = 3
_ALIKE = 0.42  # cosine below which a word is no suggestion
_SPELLED = 0.75  # share of letters in common above which a word may be a slip of another


class KnownWords:
    """Words of exemplars' names and of the training captions."""

    def __init__(self, names: Sequence[str], pieces: Sequence[str], vectors: WordVectors | None):
        """names: of exemplars; pieces: words that the text encoder has a token for."""
        split = [(words_of(name), content_words(name)) for name in names]
        self._words = {word for _, words in split for word in words} | set(pieces)
        # What is suggested is a name by itself: the last words of longer ones are often no things.
        self.nouns = list(dict.fromkeys(shown[-1] for shown, words in split if len(words) == 1 and len(shown[-1]) > 2))
        self._vectors = vectors

    @classmethod
    def load(cls, folder: Path) -> "KnownWords":
        """Of a model's folder. Raises CheckpointError: one of its files is damaged, or it has no word pieces."""
        exemplars, vectors, pieces = (folder / name for name in (EXEMPLARS, WORD_VECTORS, WORD_PIECES))
        try:
            vocabulary = json.loads(pieces.read_bytes())["model"]["vocab"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"the word pieces in {pieces} cannot be read ({error})", "Install the extension again."
            ) from error
        names = [name for some in load_names(exemplars) for name in some] if exemplars.is_file() else []
        whole = [piece for piece in vocabulary if piece.isalpha() and len(piece) > 1]
        return cls(names, whole, WordVectors.load(vectors) if vectors.is_file() else None)

    def unknown(self, prompt: str) -> list[tuple[str, list[str]]]:
        """The unknown words of a prompt in their order, each with up to SUGGESTIONS known ones: for its noun those that
        mean the nearest, for others those spelled like them."""
        named = content_words(prompt)[-1:]
        words = [word for word in dict.fromkeys(words_of(prompt)) if not self.knows(word)]
        return [(word, self.nearest(word) if singular(word) in named else self._spelled(word)) for word in words]

    def knows(self, word: str) -> bool:
        """Whether names or captions have a word in lower case, or names one that stands for it."""
        if word in COLOUR_WORDS or word in FILLERS | PREPOSITIONS:
            return True
        if all(part in self._words or singular(part) in self._words for part in word.split("-")):
            return True
        return bool(self._cosines(word).max(initial=0) > NEAR)

    def nearest(self, word: str) -> list[str]:
        """Up to SUGGESTIONS nouns of exemplars: those that mean the nearest, then those spelled like the word."""
        cosines = self._cosines(word)
        alike = [self.nouns[row] for row in np.argsort(-cosines, kind="stable") if cosines[row] > _ALIKE]
        return list(dict.fromkeys(alike + self._spelled(word)))[:SUGGESTIONS]

    def _spelled(self, word: str) -> list[str]:
        return get_close_matches(word, self.nouns, SUGGESTIONS, _SPELLED)

    def _cosines(self, word: str) -> np.ndarray:
        """(N,) of a word and the nouns; (0,) for a word without a vector."""
        vector = self._vectors(word) if self._vectors is not None else None
        return np.zeros(0, np.float32) if vector is None else self._noun_vectors @ vector

    @cached_property
    def _noun_vectors(self) -> np.ndarray:
        """(N, D) of the nouns; rows of 0 for those without a vector."""
        assert self._vectors is not None
        found = [self._vectors(noun) for noun in self.nouns]
        nothing = np.zeros(self._vectors.size, np.float32)
        return np.stack([nothing if one is None else one for one in found]) if found else np.zeros((0, len(nothing)))
