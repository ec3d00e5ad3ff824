"""Frozen word vectors: a compact table of unit vectors, and the nearest known names of a word.

A table is an .npz of ``words`` (text joined by line ends, uint8) and ``vectors`` int8 (N, D), each word's components
scaled so that the largest is ±127; only directions are kept. Similarity is the cosine.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import CheckpointError
from ..files import write_whole


class WordVectors:
    """Unit vectors (D,) float32 of some words."""

    def __init__(self, words: Sequence[str], vectors: np.ndarray):
        """vectors (N, D), any scale; the first of equal words counts."""
        self._row = {word: row for row, word in reversed(list(enumerate(words)))}
        self._vectors = np.asarray(vectors)

    @classmethod
    def load(cls, file: Path | str) -> "WordVectors":
        """Raises CheckpointError when the table is missing or damaged."""
        try:
            with np.load(file) as table:
                words, vectors = table["words"].tobytes().decode().split("\n"), table["vectors"]
        except Exception as error:  # numpy raises half a dozen kinds for a damaged file
            raise CheckpointError(
                f"the word vectors in {file} cannot be read ({error})", "Install the extension again."
            ) from error
        if len(words) != len(vectors):
            raise CheckpointError(
                f"{file} has {len(words)} words and {len(vectors)} vectors", "Install the extension again."
            )
        return cls(words, vectors)

    @property
    def size(self) -> int:
        """D."""
        return self._vectors.shape[1]

    def __contains__(self, word: str) -> bool:
        return self._find(word) is not None

    def __call__(self, word: str) -> np.ndarray | None:
        """A word's unit vector (D,) float32, or None where the table has no such word, nor its singular."""
        row = self._find(word)
        return None if row is None else _unit(self._vectors[row].astype(np.float32))

    def rank(self, word: str) -> int:
        """A word's place in the table, which begins with the most common words; the number of words for others."""
        row = self._find(word)
        return len(self._vectors) if row is None else row

    def of(self, phrase: str) -> np.ndarray | None:
        """The unit vector of a name of several words: of the sum of theirs; None where it has no known word."""
        found = [vector for word in phrase.split() if (vector := self(word)) is not None]
        return _unit(np.sum(found, axis=0)) if found else None

    def unknown(self, words: Iterable[str]) -> list[str]:
        """Those that the table does not have, in their order, once each."""
        return list(dict.fromkeys(word for word in words if word not in self))

    def nearest(self, word: str, names: Sequence[str], count: int = 3) -> list[tuple[str, float]]:
        """Of the names, which may have several words, the ``count`` nearest to a word with their cosines, the nearest
        first; [] for a word that the table does not have. Names without a known word are left out."""
        vector = self.of(word)
        if vector is None:
            return []
        known = [(name, float(other @ vector)) for name in dict.fromkeys(names) if (other := self.of(name)) is not None]
        return sorted(known, key=lambda pair: -pair[1])[:count]

    def _find(self, word: str) -> int | None:
        word = word.lower()
        forms = (
            word,
            word.removesuffix("s"),
            word.removesuffix("es"),
            word.removesuffix("ies") + "y",
            word.replace("-", ""),
        )
        return next((self._row[form] for form in forms if form in self._row), None)


@lru_cache(maxsize=2)
def load_vectors(file: Path) -> WordVectors:
    """A table that stays in memory, as shapes and colours are found by the same one. Raises CheckpointError."""
    return WordVectors.load(file)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def write_table(file: Path | str, words: Sequence[str], vectors: np.ndarray) -> None:
    """Writes a table. words: (N,) without line ends; vectors (N, D) float."""
    vectors = np.asarray(vectors, dtype=np.float32)
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-9)
    content = {
        "words": np.frombuffer("\n".join(words).encode(), np.uint8),
        "vectors": np.rint(vectors / largest * 127).astype(np.int8),
    }
    write_whole(Path(file), lambda stream: np.savez_compressed(stream, **content))
