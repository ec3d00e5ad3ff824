"""Colouring of a shape: a palette drawn colour by colour, and the place of each on the surface."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..conditions.word_vectors import WordVectors
from ..geometry.colour_spaces import NAMES, from_lab, names_of, to_lab
from ..models.checkpoint import load_components
from ..models.construction import without_weights
from ..models.registry import COLOUR_WEIGHTS
from ..networks.colour_network import ColourNetwork, surface_grid
from ..networks.configs import ColourConfig
from .palettes import Palettes
from .picture import ShownColours
from .surface import ColourPoints, seen_in_picture
from .words import asked_colours, word_features

WORDS, PALETTES = "colour_words.npz", "colour_palettes.npz"
GRID_POINTS, DRAWING_POINTS = 8192, 2048
NEAR = 10.0  # CIELAB: nearly the same colour
WORDS_SPREAD, FIT_SPREAD = 0.08, 0.4  # differences that make a palette less likely by a factor of e
HAS_ASKED = 3.0  # what an asked main colour is worth in these units
LEAST_SHARE = 0.01
MAIN_SHARE = 0.5  # of the surface, that an asked colour has at least
_BIASES = np.linspace(0, 12, 49)


@dataclass(frozen=True)
class Asked:
    """What a shape's colours depend on besides its form: a prompt, a picture from the front at an elevation in degrees;
    seed: of what they leave open, None: what is most likely."""

    prompt: str = ""
    seed: int | None = 0
    picture: ShownColours | None = None
    elevation: float = 15.0


class Colouring:
    """The network with its words."""

    def __init__(self, network: ColourNetwork, vectors: WordVectors, palettes: Palettes):
        self._network, self._vectors, self._palettes = network.eval(), vectors, palettes
        self._palette = network.palette.numpy()
        self._colours = from_lab(self._palette)
        self._names = names_of(self._colours)

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> "Colouring":
        """That of the extension. Raises CheckpointError."""
        return cls.load(COLOUR_WEIGHTS)

    @classmethod
    def load(cls, weights: Path, config: ColourConfig = ColourConfig()) -> "Colouring":
        """From a file of weights with its words beside it. Raises CheckpointError."""
        with without_weights():
            network = ColourNetwork(config)
        load_components(weights, {"colour": network})
        vectors = WordVectors.load(weights.with_name(WORDS))
        return cls(network, vectors, Palettes.load(weights.with_name(PALETTES), vectors))

    @torch.no_grad()
    def colours(self, vertices: np.ndarray, faces: np.ndarray, asked: Asked = Asked()) -> np.ndarray:
        """sRGB bytes (F, 3) for the triangles of a mesh, +Y up, front +Z. Raises InputError for a mesh without
        extent."""
        surface = ColourPoints.of(vertices, faces)
        palette, values = self.chosen(surface, asked)
        return palette[surface.at_faces(values).argmax(axis=1)]

    @torch.no_grad()
    def chosen(self, surface: ColourPoints, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
        """The palette (K, 3), sRGB bytes, and how much each point has of each of its colours (N, K)."""
        shown = None
        if asked.picture is not None:
            seen, places = seen_in_picture(surface, asked.elevation)
            shown = np.where(seen, asked.picture.at(places), -1)
        condition = _Condition(self._network, self._vectors, surface, asked, shown)
        if asked.picture is not None and shown is not None and (shown >= 0).any():
            return self._completed(surface, condition, asked.picture.palette, shown)
        classes = self._drawn(surface, condition, asked)
        values = surface.smoothed(condition.probabilities(classes, complete=True)[:, classes])
        wanted = asked_colours(asked.prompt)
        if wanted:
            values = _with_main(values, self._names[classes] == wanted[0])
        shares = np.bincount(values.argmax(axis=1), minlength=len(classes)) / len(values)
        kept = shares >= min(LEAST_SHARE, shares.max())
        return self._colours[classes][kept], values[:, kept]

    def _completed(
        self, surface: ColourPoints, condition: "_Condition", palette: np.ndarray, shown: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The picture's colours, where it shows them and where the network continues them."""
        classes = [int(c) for c in ((to_lab(palette)[:, None] - self._palette) ** 2).sum(axis=-1).argmin(axis=1)]
        values = condition.probabilities(sorted(set(classes)), complete=True)[:, classes]
        is_shown = shown >= 0
        values[is_shown] = np.eye(len(palette))[shown[is_shown]]
        return palette, surface.smoothed(values)

    def _drawn(self, surface: ColourPoints, condition: "_Condition", asked: Asked) -> list[int]:
        """Classes of a palette: one that a thing of such a name and such proportions has, drawn by how near it is and
        by how well it goes with what the network expects here; with the asked colours in place of its own."""
        rows, scores = self._palettes.nearest(asked.prompt, np.ptp(surface.vertices, axis=0))
        palettes = [self._palettes.palette(row) for row in rows]
        likely = self._blurred(condition.probabilities([], count=DRAWING_POINTS))
        fits = np.array([np.log(likely[:, palette].max(axis=1) + 1e-4).mean() for palette in palettes])
        logits = scores / WORDS_SPREAD + fits / FIT_SPREAD
        wanted = asked_colours(asked.prompt)
        if wanted:
            logits = logits + HAS_ASKED * np.array([self._names[palette[0]] == wanted[0] for palette in palettes])
        if asked.seed is None:
            chosen = int(logits.argmax())
        else:
            chances = np.exp(logits - logits.max())
            chosen = int(np.random.default_rng(asked.seed).choice(len(chances), p=chances / chances.sum()))
        return self._with_asked(palettes[chosen], wanted, likely.mean(axis=0))

    def _with_asked(self, palette: list[int], wanted: list[int], likely: np.ndarray) -> list[int]:
        """The palette with the asked colours, the most likely shade of each; the first in place of the largest."""
        palette = list(palette)
        for place, name in enumerate(wanted):
            if name in self._names[palette]:
                continue
            shade = int(np.where(self._names == name, likely, -1).argmax())
            if place < len(palette):
                palette[place] = shade
            else:
                palette.append(shade)
        return list(dict.fromkeys(palette))

    def _blurred(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities (N, classes) of a colour or one that is nearly the same: where clusters lie close together,
        each alone says little."""
        distance = ((self._palette[:, None] - self._palette) ** 2).sum(axis=-1)
        return probabilities @ np.exp(-distance / (2 * NEAR**2))


class _Condition:
    """The network's answers for one shape, given more and more of its colours."""

    def __init__(
        self,
        network: ColourNetwork,
        vectors: WordVectors,
        surface: ColourPoints,
        asked: Asked,
        shown: np.ndarray | None,
    ):
        self._network, self._surface = network, surface
        points, normals = surface.tensors(GRID_POINTS)
        known, colours = torch.zeros(1, points.shape[1]), torch.zeros_like(points)
        if shown is not None and asked.picture is not None:
            known = torch.from_numpy(shown[None, :GRID_POINTS] >= 0)
            lab = to_lab(asked.picture.palette)[shown[:GRID_POINTS]] / 100
            colours = torch.from_numpy(lab[None].astype(np.float32))
        self._features = network.encode(surface_grid(points, normals, known, colours))
        self._words = torch.from_numpy(word_features(asked.prompt, vectors)[None])
        names = asked_colours(asked.prompt)
        self._asked = F.one_hot(torch.tensor([names[0] if names else len(NAMES)]), len(NAMES) + 1).float()
        self._extents = points.amax(dim=1) - points.amin(dim=1)

    def probabilities(self, chosen: list[int], complete: bool = False, count: int | None = None) -> np.ndarray:
        """(N, classes) at the first ``count`` points, given colours that the shape has; complete: it has no others."""
        hints = torch.zeros(1, self._network.config.classes + 1)
        hints[0, chosen] = 1
        hints[0, -1] = float(complete)
        condition = self._network.condition(self._features, self._words, self._asked, self._extents, hints)
        return self._network.logits(condition, *self._surface.tensors(count))[0].softmax(dim=-1).numpy()


def _with_main(values: np.ndarray, is_main: np.ndarray) -> np.ndarray:
    """Values (N, K) with the main colours' raised until they have MAIN_SHARE of the points."""
    for bias in _BIASES:
        raised = values * np.where(is_main, np.exp(bias), 1.0)
        if is_main[raised.argmax(axis=1)].mean() >= MAIN_SHARE:
            return raised
    return raised
