"""Palettes of the training shapes by their names and proportions: which few colours a thing has together."""

import zipfile
from pathlib import Path

import numpy as np

from ..conditions.word_vectors import WordVectors
from ..errors import CheckpointError
from ..files import write_whole
from .words import word_features

MOST = 6  # colours of a palette
NONE = 255
NEAREST = 24  # palettes that are considered
_PROPORTIONS = 0.35  # of the score: weight of the distance of the extents, beside that of the words 1


class Palettes:
    """``classes`` uint8 (S, MOST): the network's colours of each shape, the largest first, NONE where there are fewer;
    ``extents`` (S, 3), 0 … 1; ``captions``."""

    def __init__(self, classes: np.ndarray, extents: np.ndarray, captions: list[str], vectors: WordVectors):
        self.classes, self.extents, self._vectors = classes, extents, vectors
        self._words = np.stack([word_features(caption, vectors) for caption in captions])

    @classmethod
    def load(cls, file: Path, vectors: WordVectors) -> "Palettes":
        """Raises CheckpointError for a file that is missing or damaged."""
        try:
            with np.load(file) as content:
                captions = content["captions"].tobytes().decode().split("\n")
                return cls(content["classes"], content["extents"] / 255, captions, vectors)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise CheckpointError(
                f"the palettes in {file} cannot be read ({error})", "Install the extension again."
            ) from error

    def nearest(self, prompt: str, extents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the NEAREST shapes by their words and their extents (3,), the best first, and their scores: 1 for the
        same words and extents."""
        wanted = word_features(prompt, self._vectors)
        size = self._vectors.size
        likeness = (
            self._words[:, :size] @ wanted[:size] + self._words[:, size : 2 * size] @ wanted[size : 2 * size]
        ) / 2
        scores = likeness - _PROPORTIONS * np.abs(self.extents - extents).sum(axis=1)
        rows = np.argsort(-scores, kind="stable")[:NEAREST]
        return rows, scores[rows]

    def palette(self, row: int) -> list[int]:
        """The colours of a shape, the largest first."""
        return [int(one) for one in self.classes[row] if one != NONE]


def write_palettes(file: Path, classes: np.ndarray, extents: np.ndarray, captions: list[str]) -> None:
    """Writes a file for ``Palettes.load``; extents 0 … 1."""
    content = {
        "classes": classes.astype(np.uint8),
        "extents": np.rint(extents * 255).astype(np.uint8),
        "captions": np.frombuffer("\n".join(captions).encode(), np.uint8),
    }
    write_whole(file, lambda stream: np.savez_compressed(stream, **content))
