"""Training shapes of a store, for comparison with results and for look-ups by input."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..conditions.voxels import CELLS, occupancy_of
from ..geometry.metrics import iou
from ..training.data.captions import carries
from ..training.data.dataset import Entry, load_tree, read_index
from ..training.data.duplicates import alike
from ..training.look_up import ViewPicture
from ..wavelet import tree_to_field

_AVERAGED = 400  # training shapes in the mean shape
_FITTED = 40  # of them, those that its level is chosen on


class TrainingShapes:
    """The training shapes of a store, each as its first variant, to look things up in."""

    def __init__(self, store: Path | str):
        self.entries: Sequence[Entry] = read_index(store, "train")
        self._prints = [np.array(entry.geometry) for entry in self.entries if entry.geometry]
        self._field = lru_cache(maxsize=8)(lambda index: tree_to_field(load_tree(self.entries[index], 0)[None])[0])
        self._views = lru_cache(maxsize=None)(self._views_of)

    def field(self, index: int) -> Tensor:
        """Distance field (R, R, R) of a training shape."""
        return self._field(index)

    def has(self, geometry: np.ndarray) -> bool:
        """Whether a shape with that fingerprint is among them. Old stores have no fingerprints."""
        return any(alike(geometry, known) for known in self._prints)

    @cached_property
    def _cells(self) -> np.ndarray:
        def cells(entry: Entry) -> np.ndarray:
            with np.load(entry.file) as arrays:
                return np.unpackbits(arrays["occupancy"][0]).astype(np.float32)

        return np.stack([cells(entry) for entry in self.entries])

    def overlaps(self, field: Tensor) -> np.ndarray:
        """The overlap (IoU) of every training shape's 16³ voxels with those of a field (R, R, R)."""
        occupancy = occupancy_of(field.cpu(), CELLS).reshape(-1).astype(np.float32)
        common = self._cells @ occupancy
        union = self._cells.sum(axis=1) + occupancy.sum() - common
        return common / np.maximum(union, 1)

    def nearest(self, field: Tensor, count: int = 1) -> list[int]:
        """The training shapes most like a field (R, R, R), by that overlap, best first."""
        return np.argsort(-self.overlaps(field), kind="stable")[:count].tolist()

    def carry(self, noun: str, among: Sequence[int]) -> float:
        """Share of those training shapes whose caption contains that noun."""
        return float(np.mean([carries(self.entries[index].caption, noun) for index in among]))

    @cached_property
    def mean_field(self) -> Tensor:
        """Best constant prediction: the mean of the training shapes' distance fields, at the level with the best mean
        overlap."""
        chosen = np.random.default_rng(0).permutation(len(self.entries))[:_AVERAGED]
        mean = tree_to_field((sum(load_tree(self.entries[i], 0) for i in chosen) / len(chosen))[None])[0]
        coarse = mean[::4, ::4, ::4]
        solids = [self.field(i)[::4, ::4, ::4] < 0 for i in chosen[:_FITTED]]
        levels = torch.linspace(float(mean.min()), float(mean.max()), 42)[1:-1]
        fits = [np.mean([iou(coarse < level, solid) for solid in solids]) for level in levels]
        return mean - levels[int(np.argmax(fits))]

    def _views_of(self, view_picture: ViewPicture) -> tuple[Tensor, np.ndarray]:
        features, owners = [], []
        for index, entry in enumerate(self.entries):
            with np.load(entry.file) as arrays:
                views = len(arrays["depth"]) // len(arrays["points"])  # the first ones are of the shape itself
                depth, normal = (torch.from_numpy(arrays[name][:views]) for name in ("depth", "normal"))
            features.append(_picture_features(view_picture(depth, normal)))
            owners += [index] * views
        return torch.cat(features), np.array(owners)

    def nearest_by_picture(self, view_picture: ViewPicture, picture: Tensor) -> int:
        """The training shape with the view, as drawn by ``view_picture``, most similar to a picture (C, 128, 128):
        retrieval by the model's own input."""
        features, owners = self._views(view_picture)
        return int(owners[int((features @ _picture_features(picture[None])[0]).argmax())])


def _picture_features(pictures: Tensor) -> Tensor:
    """Features of pictures (B, C, 128, 128), unit vectors (B, C · 1024): blurred, so that nearby lines are similar."""
    small = F.avg_pool2d(F.avg_pool2d(pictures.float(), 4), 5, 1, 2)
    small = small - small.mean(dim=(2, 3), keepdim=True)
    return F.normalize(small.flatten(1), dim=1)
