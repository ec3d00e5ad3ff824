"""Coloured exemplars: training shapes as a few points with few colours, found by their names, proportions and forms."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ..conditions.word_vectors import WordVectors
from ..errors import CheckpointError
from ..files import write_whole
from .words import word_features

POINTS = 96  # of an exemplar
COLOURS = 6  # at most, of an exemplar
NEAREST = 24  # exemplars that are compared by their form
_THINNEST = 0.05  # of the longest side: a flatter shape is not stretched to a cube
NORMAL_WEIGHT = 0.3  # of the normals beside places 0 … 1
_WORDS, _EXTENTS, _FORM = 1.0, 0.35, 3.0  # weights of a score's terms


def in_box(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Points (N, 3) as places 0 … 1 in a bounding box."""
    size = high - low
    return (points - low) / np.maximum(size, _THINNEST * size.max())


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1.0)


@dataclass(frozen=True)
class ExemplarTable:
    """Of S shapes: ``points`` (S, POINTS, 3) uint8, places in their boxes; ``normals`` (S, POINTS, 3) int8,
    rounded to −1, 0 and 1; ``labels``
    (S, POINTS) uint8, which of the shape's colours each has; ``colours`` (S, COLOURS, 3) sRGB bytes, the largest first;
    ``extents`` (S, 3) uint8, 255 the longest side; ``captions``."""

    points: np.ndarray
    normals: np.ndarray
    labels: np.ndarray
    colours: np.ndarray
    extents: np.ndarray
    captions: tuple[str, ...]

    @classmethod
    def load(cls, file: Path) -> "ExemplarTable":
        """Raises CheckpointError for a file that is missing or damaged."""
        try:
            with np.load(file) as content:
                arrays = {name: content[name] for name in ("points", "normals", "labels", "colours", "extents")}
                captions = tuple(content["captions"].tobytes().decode().split("\n"))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise CheckpointError(
                f"the colours in {file} cannot be read ({error})", "Install the extension again."
            ) from error
        if {len(array) for array in arrays.values()} != {len(captions)}:
            raise CheckpointError(f"the arrays in {file} do not have the same length", "Install the extension again.")
        return cls(**arrays, captions=captions)

    def write(self, file: Path) -> None:
        """Writes it, whole or not at all."""
        content = {name: getattr(self, name) for name in ("points", "normals", "labels", "colours", "extents")}
        captions = np.frombuffer("\n".join(self.captions).encode(), np.uint8)
        write_whole(file, lambda stream: np.savez_compressed(stream, captions=captions, **content))


class ColourExemplars:
    """A table that is searched by words."""

    def __init__(self, table: ExemplarTable, vectors: WordVectors):
        self.table, self._vectors = table, vectors
        self._words = np.stack([word_features(caption, vectors) for caption in table.captions])

    def nearest(self, prompt: str, extents: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows (NEAREST,) of the shapes most like one with a prompt, extents (3,) whose longest is 1, and places (N, 3)
        in its box; and their scores, higher is more alike."""
        wanted, size = word_features(prompt, self._vectors), self._vectors.size
        words = (self._words[:, :size] @ wanted[:size] + self._words[:, size : 2 * size] @ wanted[size : 2 * size]) / 2
        scores = _WORDS * words - _EXTENTS * np.abs(self.table.extents / 255 - extents).sum(axis=1)
        rows = np.argsort(-scores, kind="stable")[:NEAREST]
        tree = cKDTree(places)
        apart = []
        for row in rows:
            points = self.table.points[row] / 255
            apart.append(tree.query(points)[0].mean() + cKDTree(points).query(places)[0].mean())
        return rows, scores[rows] - _FORM * np.array(apart)

    def labels(self, row: int, places: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Which of a shape's colours (N,) the places (N, 3) in a box with normals (N, 3) have there."""
        table = self.table
        known = np.concatenate([table.points[row] / 255, NORMAL_WEIGHT * _unit(table.normals[row])], axis=1)
        _, nearest = cKDTree(known).query(np.concatenate([places, NORMAL_WEIGHT * normals], axis=1))
        return table.labels[row][nearest].astype(np.int64)
