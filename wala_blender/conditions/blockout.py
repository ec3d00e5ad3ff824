"""Blockout hold: keeps a generated shape within a tolerance of the blockout's surface."""

import torch
from torch import Tensor

from ..geometry.distance import upsample

_TOLERANCE = 0.02  # model units at hold 0.5


def hold_blockout(field: Tensor, blockout: Tensor, hold: float) -> Tensor:
    """Distance field (256, 256, 256) moved towards the blockout's, (128, 128, 128) or (256, 256, 256): their difference
    shrinks by the factor 1 − hold, and saturates at a tolerance. hold 0 leaves the field unchanged, 1 gives the
    blockout."""
    if hold == 0:
        return field
    if len(blockout) < len(field):
        blockout = torch.from_numpy(upsample(blockout.cpu().numpy()))
    blockout = blockout.to(field)
    if hold == 1:
        return blockout
    tolerance = _TOLERANCE * (1 - hold) / hold
    return blockout + tolerance * torch.tanh((1 - hold) * (field - blockout) / tolerance)
