"""Compact table of word vectors for a model's folder, from GloVe's."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...conditions.word_vectors import WordVectors, write_table
from ...errors import InputError
from ...models.registry import WORD_VECTORS
from .captions import SYNONYMS

SHIPPED_WORDS = 7000  # of the table beside a model


def folder_words(source: Path | str, folder: Path, captions: Iterable[str]) -> WordVectors:
    """The table of a model's folder, its words.npz, written of a source as by make_word_table where it is not there
    yet: everything in the folder is searched by the same words. Raises InputError."""
    file = folder / WORD_VECTORS
    if not file.exists():
        make_word_table(source, file, captions, SHIPPED_WORDS)
    return WordVectors.load(file)


def make_word_table(source: Path | str, file: Path | str, captions: Iterable[str], count: int = 20_000) -> int:
    """Writes the first ``count`` words of a source, which GloVe orders by how common they are, the captions' and the
    synonyms' own words among them wherever they stand; returns how many.

    source: an .npz of ``words`` (joined by line ends) and ``vectors`` (N, D). Raises InputError when it is no such
    file.
    """
    try:
        with np.load(source) as table:
            raw, vectors = table["words"], table["vectors"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{source} holds no word vectors ({error})", "Give an .npz with words and vectors.") from error
    text = (
        raw.tobytes().decode() if raw.dtype == np.uint8 else raw.item() if raw.ndim == 0 else "\n".join(map(str, raw))
    )
    words = (text.decode() if isinstance(text, bytes) else text).split("\n")
    wanted = {
        word
        for caption in (*captions, *(name for group in SYNONYMS for name in group))
        for word in caption.lower().split()
    }
    own = [row for row, word in enumerate(words) if word in wanted and row >= count]
    rows = [*range(min(count, len(words)))][: max(0, count - len(own))] + own[:count]
    write_table(file, [words[row] for row in rows], vectors[rows])
    return len(rows)
