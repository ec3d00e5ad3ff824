"""Exemplars: latents of named training shapes, one of which a prompt starts from (retrieval).

A file is an .npz of ``codes`` int8 (N, C, 12, 12, 12), latents in units of ``step``; ``ids`` and ``names``, text joined
by line ends, uint8. A shape's line of names has its caption, then its synonyms, separated by semicolons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from .conditions.prompts import content_words
from .conditions.word_vectors import WordVectors, load_vectors
from .errors import CheckpointError
from .files import write_whole
from .models.registry import WORD_VECTORS

STEP = 0.1  # of a code, in latent units
NEAR = 0.7  # cosine of word vectors above which a noun stands for another
_LEAST = 2.0  # score below which no exemplar is what the prompt names
_NOUN = 3.0  # score of the same noun
_AS_GOOD = 0.35  # less than the best score: the same noun and as many of the prompt's other words
_AS_NEAR = 0.05  # the same of nouns that are near by their vectors


@dataclass(frozen=True)
class Exemplar:
    """``id`` and ``caption`` of a training shape, its latent (C, 12, 12, 12) float32."""

    id: str
    caption: str
    latent: np.ndarray


class Exemplars:
    """Exemplars of a model."""

    def __init__(self, ids: Sequence[str], names: Sequence[Sequence[str]], codes: np.ndarray, step: float = STEP):
        """names: of each its caption, then synonyms; codes (N, C, 12, 12, 12) int8 in units of ``step``."""
        self._ids, self._captions, self._codes, self._step = list(ids), [some[0] for some in names], codes, step
        self._words = [[content_words(name) for name in some] for some in names]
        self._best = lru_cache(maxsize=8)(self._find_best)  # all seeds and candidates of a prompt share it

    def __len__(self) -> int:
        return len(self._ids)

    @classmethod
    def load(cls, file: Path | str) -> "Exemplars":
        """Raises CheckpointError when the file is missing or damaged."""
        content = _read(file, "ids", "names", "codes", "step")
        ids, names = (content[name].tobytes().decode().split("\n") for name in ("ids", "names"))
        codes, step = content["codes"], float(content["step"])
        if not len(ids) == len(names) == len(codes):
            raise CheckpointError(f"{file} has {len(ids)} ids and {len(codes)} latents", "Install the extension again.")
        return cls(ids, [line.split(";") for line in names], codes, step)

    def choose(self, prompt: str, vectors: WordVectors | None, seed: int) -> Exemplar | None:
        """The exemplar that a prompt starts from: of those whose names fit, by turns over the seeds, the plainest name
        at seed 0; None where none is what the prompt names. ``vectors``: for nouns that no exemplar has."""
        best = self._best(prompt, vectors)
        return self[int(best[seed % len(best)])] if len(best) else None

    def _find_best(self, prompt: str, vectors: WordVectors | None) -> np.ndarray:
        """Numbers of the exemplars whose names fit a prompt, the best first."""
        words = content_words(prompt)
        scores = np.array([max(_score(words, name, vectors) for name in some) for some in self._words])
        if not words or not len(scores) or scores.max() < _LEAST:
            return np.zeros(0, int)
        by_score = np.argsort(-scores, kind="stable")
        tolerance = _AS_GOOD if scores.max() >= _NOUN else _AS_NEAR
        return by_score[scores[by_score] > scores.max() - tolerance]

    def __getitem__(self, number: int) -> Exemplar:
        latent = self._codes[number].astype(np.float32) * self._step
        return Exemplar(self._ids[number], self._captions[number], latent)


def load_names(file: Path | str) -> list[list[str]]:
    """Of every exemplar its caption, then synonyms, without the latents. Raises CheckpointError."""
    return [line.split(";") for line in _read(file, "names")["names"].tobytes().decode().split("\n")]


def _read(file: Path | str, *arrays: str) -> dict[str, np.ndarray]:
    try:
        with np.load(file) as content:
            return {name: content[name] for name in arrays}
    except Exception as error:  # numpy raises half a dozen kinds for a damaged file
        raise CheckpointError(
            f"the exemplars in {file} cannot be read ({error})", "Install the extension again."
        ) from error


@lru_cache(maxsize=4)
def load_exemplars(file: Path) -> tuple[Exemplars, WordVectors | None]:
    """The exemplars of a file, and the word vectors beside it, if there are any. Raises CheckpointError."""
    vectors = file.with_name(WORD_VECTORS)
    return Exemplars.load(file), load_vectors(vectors) if vectors.is_file() else None


def _score(words: list[str], name: list[str], vectors: WordVectors | None) -> float:
    """How well a name's words fit those of a prompt: the noun, which comes last, counts most, words that the other does
    not have count against it; 0 where the nouns differ."""
    if not words or not name:
        return 0.0
    noun = _NOUN if words[-1] == name[-1] else 2.0 * _alike(words[-1], name[-1], vectors)
    if not noun:
        return 0.0
    more, other = set(words[:-1]), set(name[:-1])
    return noun + 0.5 * len(more & other) - 0.1 * len(other - more)


def _alike(word: str, other: str, vectors: WordVectors | None) -> float:
    """1 + how far above NEAR the cosine of two words is, or 0."""
    if vectors is None:
        return 0.0
    first, second = vectors(word), vectors(other)
    if first is None or second is None:
        return 0.0
    cosine = float(first @ second)
    return 1 + cosine - NEAR if cosine > NEAR else 0.0


def write_exemplars(
    file: Path | str, ids: Sequence[str], names: Sequence[Sequence[str]], latents: Sequence[np.ndarray]
) -> None:
    """Writes exemplars. latents: each (C, 12, 12, 12) float; names: as in Exemplars."""
    lines = {"ids": list(ids), "names": [";".join(some) for some in names]}
    content = {name: np.frombuffer("\n".join(text).encode(), np.uint8) for name, text in lines.items()}
    codes = np.clip(np.rint(np.stack(latents) / STEP), -127, 127).astype(np.int8)
    write_whole(Path(file), lambda stream: np.savez_compressed(stream, codes=codes, step=np.float32(STEP), **content))
