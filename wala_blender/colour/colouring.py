"""Colouring of a shape from coloured exemplars, an asked colour and a picture."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ..conditions.word_vectors import load_vectors
from ..geometry.colour_spaces import NAMES, TYPICAL, names_of
from ..models.registry import COLOUR_EXEMPLARS, WORD_VECTORS
from .exemplars import NORMAL_WEIGHT, ColourExemplars, ExemplarTable, in_box
from .picture import ShownColours
from .surface import ColourPoints, seen_in_picture
from .words import asked_colours

SPREAD = 0.1  # difference of scores that makes an exemplar less likely by a factor of e
HAS_ASKED = 0.4  # what an asked colour among its own is worth
DOWNWARD, UNDERSIDE = -0.5, 0.1  # height of the normals of undersides, and what they count when colours are compared
SMOOTHING, PICTURE_SMOOTHING = 60, 4  # rounds: an exemplar's colours lie roughly, a picture's where it shows them
_COMPARED = 600  # points whose form is compared
_DEPTH = 0.5  # of places behind each other, when a picture's colours are continued to where it does not show
_SAME_PART = 0.4  # distance that another colour of the exemplar is worth there


@dataclass(frozen=True)
class Asked:
    """What a shape's colours depend on besides its form: a prompt, a picture from the front at an elevation in degrees;
    seed: of what they leave open, None: the most similar exemplar."""

    prompt: str = ""
    seed: int | None = 0
    picture: ShownColours | None = None
    elevation: float = 15.0


class Colouring:
    """Coloured exemplars and the search for the one whose colours a shape takes."""

    def __init__(self, exemplars: ColourExemplars):
        self._exemplars = exemplars

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> "Colouring":
        """That of the extension. Raises CheckpointError."""
        return cls.load(COLOUR_EXEMPLARS)

    @classmethod
    def load(cls, table: Path) -> "Colouring":
        """From a table of exemplars with its words beside it. Raises CheckpointError."""
        return cls(ColourExemplars(ExemplarTable.load(table), load_vectors(table.with_name(WORD_VECTORS))))

    def colours(self, vertices: np.ndarray, faces: np.ndarray, asked: Asked = Asked()) -> np.ndarray:
        """sRGB bytes (F, 3) for the triangles of a mesh, +Y up, front +Z. Raises InputError for a mesh without
        extent."""
        surface = ColourPoints.of(vertices, faces)
        palette, values = self.chosen(surface, asked)
        return palette[surface.at_faces(values).argmax(axis=1)]

    def chosen(self, surface: ColourPoints, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
        """The palette (K, 3), sRGB bytes, and how much each point has of each of its colours (N, K)."""
        places = in_box(surface.points, surface.vertices.min(axis=0), surface.vertices.max(axis=0))
        row = self._exemplar(surface, places, asked)
        labels = self._exemplars.labels(row, places, surface.normals)
        palette = self._exemplars.table.colours[row]
        if asked.picture is not None:
            shown, corners = seen_in_picture(surface, asked.elevation)
            classes = np.where(shown, asked.picture.at(corners), -1)
            if (classes >= 0).any():
                labels, palette = _continued(places, surface.normals, labels, classes), asked.picture.palette
        rounds = SMOOTHING if asked.picture is None else PICTURE_SMOOTHING
        values = surface.smoothed(np.eye(len(palette))[labels], rounds)
        if asked.picture is None:
            values = surface.without_specks(values)
            palette = _with_asked(palette, values, surface.normals, asked_colours(asked.prompt))
        return palette, values

    def _exemplar(self, surface: ColourPoints, places: np.ndarray, asked: Asked) -> int:
        extents = np.ptp(surface.vertices, axis=0)
        rows, scores = self._exemplars.nearest(asked.prompt, extents / extents.max(), places[:_COMPARED])
        wanted = asked_colours(asked.prompt)
        if wanted:
            mains = names_of(self._exemplars.table.colours[rows, 0])
            scores = scores + HAS_ASKED * (mains == wanted[0])
        if asked.seed is None:
            return int(rows[scores.argmax()])
        chances = np.exp((scores - scores.max()) / SPREAD)
        return int(np.random.default_rng(asked.seed).choice(rows, p=chances / chances.sum()))


def _continued(places: np.ndarray, normals: np.ndarray, labels: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Classes (N,) of a picture, those that it shows (−1 where it shows nothing) continued to the nearest points of the
    same part: places (N, 3) that face alike and have the same label (N,) of an exemplar."""
    parts = _SAME_PART * np.eye(int(labels.max()) + 1)[labels]
    features = np.concatenate([places * (1, 1, _DEPTH), NORMAL_WEIGHT / 2 * normals, parts], axis=1)
    known = shown >= 0
    _, nearest = cKDTree(features[known]).query(features[~known])
    classes = shown.copy()
    classes[~known] = shown[known][nearest]
    return classes


def _with_asked(palette: np.ndarray, values: np.ndarray, normals: np.ndarray, wanted: list[int]) -> np.ndarray:
    """The palette with asked colours in place of its own, the first in place of the largest, where it lacks them."""
    palette = palette.copy()
    seen = np.where(normals[:, 1] < DOWNWARD, UNDERSIDE, 1.0)
    shares = np.bincount(values.argmax(axis=1), seen, minlength=len(palette))
    by_size = np.argsort(-shares, kind="stable")
    free = [int(label) for label in by_size if shares[label]]
    for number, name in enumerate(wanted[: len(free)]):
        own = [label for label in free if names_of(palette[label][None])[0] == name]
        if own and number > 0:
            free.remove(own[0])
            continue
        label = free.pop(0)
        if label not in own:
            palette[label] = palette[own[0]] if own else TYPICAL[NAMES[name]][0]
    return palette
