"""Table of coloured exemplars from the coloured meshes of the training split."""

import logging
from pathlib import Path

import numpy as np

from ..colour.exemplars import COLOURS, POINTS, ExemplarTable, in_box
from ..geometry.colour_spaces import from_lab, to_lab
from .colour_shapes import ColourShapes, colour_shapes
from .data.captions import UNNAMED
from .data.face_colours import coloured
from .data.mesh_datasets import read_records
from .data.word_table import folder_words

log = logging.getLogger(__name__)

TABLE, SAMPLES = "colour_exemplars.npz", "colour_shapes.npz"
FREE = "cc0"  # start of licences that ask for nothing
NEAR = 8.0  # CIELAB: colours nearer than that become one


def make_table(meshes: Path, colours: Path, vectors: Path, folder: Path) -> ExemplarTable:
    """Writes FOLDER/colour_exemplars.npz, and words.npz, the words it is searched by, where that is not there yet.

    FOLDER/colour_shapes.npz keeps the points that it is computed from. vectors: an .npz of GloVe's words and vectors.
    Raises InputError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = coloured(read_records(meshes, "train"), colours)
    shapes = colour_shapes(folder / SAMPLES, records, colours)
    log.info("%d shapes", len(shapes))
    folder_words(vectors, folder, (record.caption for record in records))
    table = table_of(shapes)
    table.write(folder / TABLE)
    return table


def table_of(shapes: ColourShapes) -> ExemplarTable:
    """The exemplars of some shapes; those without a name, and those that ask for credit, are left out: unlike weights,
    a table holds points of theirs."""
    rows = [row for row, record in enumerate(shapes.records) if record.caption != UNNAMED and is_free(record.licence)]
    points = shapes.points[rows].numpy().astype(np.float64)
    low, high = points.min(axis=1), points.max(axis=1)
    places = np.stack([in_box(one[:POINTS], *box) for one, *box in zip(points, low, high)])
    # in one order, which packs better
    order = np.lexsort(np.rint(places * 255).transpose(2, 0, 1), axis=-1)
    extents = (high - low) / (high - low).max(axis=1, keepdims=True)
    found = [few_colours(shapes.colours[row].numpy()) for row in rows]
    return ExemplarTable(
        np.take_along_axis(np.rint(places * 255).astype(np.uint8), order[..., None], 1),
        np.take_along_axis(np.rint(shapes.normals[rows, :POINTS].numpy() / 127).astype(np.int8), order[..., None], 1),
        np.take_along_axis(np.stack([labels[:POINTS] for _, labels in found]).astype(np.uint8), order, 1),
        np.stack([palette for palette, _ in found]),
        np.rint(extents * 255).astype(np.uint8),
        tuple(shapes.records[row].caption for row in rows),
    )


def is_free(licence: str) -> bool:
    """Whether a licence asks for nothing, or none is known, as of the user's own meshes."""
    return not licence or licence.lower().startswith(FREE)


def few_colours(colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A palette (COLOURS, 3) of colours (N, 3), sRGB bytes, the largest first and the last repeated where there are
    fewer; and the nearest of them (N,) to each."""
    lab = to_lab(colours)
    centres = [lab[0]]
    while len(centres) < COLOURS:
        distance = np.min([((lab - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
        if distance.max() < NEAR**2:
            break
        centres.append(lab[distance.argmax()])
    for _ in range(8):
        labels = _nearest(lab, centres)
        centres = [lab[labels == number].mean(axis=0) for number in np.unique(labels)]
    labels = _nearest(lab, centres)
    order = np.argsort(-np.bincount(labels, minlength=len(centres)), kind="stable")
    palette = from_lab(np.stack(centres)[order])
    palette = np.concatenate([palette, np.repeat(palette[-1:], COLOURS - len(palette), axis=0)])
    return palette, np.argsort(order)[labels]


def _nearest(lab: np.ndarray, centres: list[np.ndarray]) -> np.ndarray:
    return np.argmin([((lab - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
