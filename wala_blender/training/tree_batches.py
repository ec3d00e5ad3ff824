"""Batches of wavelet trees for stage 1, read ahead in threads."""

import os
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from .data.dataset import Entry, load_tree


class TreeBatches:
    """The rows ``share`` of every step's batch. The content depends on the step's number alone, so that the next trees
    can be read ahead.

    ``balanced``: all collections contribute the same number of shapes, in turn; else all shapes are equally likely, or
    weighted by ``shares`` (N,), see sampling.
    """

    def __init__(self, entries: list[Entry], batch: int, share: slice, balanced: bool, shares: Tensor | None = None):
        self.entries, self.batch, self.share, self.shares = entries, batch, share, shares
        groups = defaultdict(list)
        for entry in entries:
            groups[entry.id.split("/")[0] if balanced else ""].append(entry)
        self.groups = [groups[name] for name in sorted(groups)]
        self._pool = ThreadPoolExecutor(min(batch, os.cpu_count() or 1))
        self._ahead: dict[int, list[Future]] = {}

    def picks(self, step: int) -> list[tuple[Entry, int]]:
        """(entry, variant) of every row of the whole batch."""
        generator = torch.Generator().manual_seed(step)
        picks = []
        if self.shares is not None:
            chosen = torch.multinomial(self.shares, self.batch, replacement=True, generator=generator).tolist()
            variant = torch.rand(self.batch, generator=generator, dtype=torch.float64).tolist()
            return [(self.entries[i], int(b * self.entries[i].variants)) for i, b in zip(chosen, variant)]
        for row in range(self.batch):
            group = self.groups[(step * self.batch + row) % len(self.groups)]
            a, b = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
            entry = group[int(a * len(group))]
            picks.append((entry, int(b * entry.variants)))
        return picks

    def __call__(self, step: int) -> Tensor:
        """Trees (B, 64, 46, 46, 46) float16 of this process's share."""
        reading = self._ahead.pop(step, None) or self._read(step)
        self._ahead = {step + 1: self._read(step + 1)}
        return torch.stack([tree.result() for tree in reading])

    def _read(self, step: int) -> list[Future]:
        return [self._pool.submit(_half_tree, entry, variant) for entry, variant in self.picks(step)[self.share]]


def _half_tree(entry: Entry, variant: int) -> Tensor:
    return load_tree(entry, variant).half()
