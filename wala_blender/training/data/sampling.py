"""Sampling weights of a store's shapes in training."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from .dataset import Entry

GENERATED = ("generated", "procedural")  # collections of procedural shapes: one plain style
GENERATED_SHARE = 1 / 3  # of what is drawn, at most
THIN = 0.1  # shapes that fill less of their bounding box are thin


def draw_shares(entries: Sequence[Entry], thin: float = 1.0) -> Tensor:
    """How likely each entry is drawn, (N,) float64 that sums to 1.

    In proportion to 1/√n, where n entries have the same head noun, or, of those without a name, lie in the same
    collection; ``thin`` times that for thin shapes. Generated shapes together get GENERATED_SHARE at most, if there are
    others.
    """
    groups = [entry.head if entry.named else f"{entry.id.split('/')[0]}/" for entry in entries]
    counts = Counter(groups)
    shares = torch.tensor(
        [
            counts[group] ** -0.5 * (thin if entry.solid is not None and entry.solid < THIN else 1.0)
            for entry, group in zip(entries, groups)
        ],
        dtype=torch.float64,
    )
    shares /= shares.sum()
    generated = torch.tensor([entry.id.split("/")[0] in GENERATED for entry in entries])
    total = float(shares[generated].sum())
    if GENERATED_SHARE < total < 1 - 1e-9:
        shares = torch.where(
            generated, shares * (GENERATED_SHARE / total), shares * ((1 - GENERATED_SHARE) / (1 - total))
        )
    return shares
