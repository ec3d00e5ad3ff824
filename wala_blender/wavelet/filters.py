"""Analysis and synthesis matrices of a one-dimensional wavelet step.

The step is linear in the signal for the paddings we use, so that PyWavelets applied to the identity gives the whole
matrix: the torch transform then agrees with PyWavelets by construction, on any device.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pywt
import torch

WAVELET = "bior6.8"
PADDINGS = ("constant", "zero")


def check_padding(padding: str) -> str:
    """The padding. Raises ValueError for one that is not known."""
    if padding not in PADDINGS:
        raise ValueError(f"padding must be one of {PADDINGS}, got {padding!r}")
    return padding


@lru_cache(maxsize=64)
def analysis(
    length: int, padding: str, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Low-pass and high-pass matrices, each (pywt.dwt_coeff_len(length), length)."""
    low, high = pywt.dwt(np.eye(length), WAVELET, mode=check_padding(padding), axis=0)
    return torch.as_tensor(low).to(device, dtype), torch.as_tensor(high).to(device, dtype)


@lru_cache(maxsize=64)
def synthesis(
    length: int, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrices (2·length − 16, length) that bring low-pass and high-pass coefficients back; independent of the
    padding."""
    eye, zero = np.eye(length), np.zeros((length, length))
    low = pywt.idwt(eye, zero, WAVELET, axis=0)
    high = pywt.idwt(zero, eye, WAVELET, axis=0)
    return torch.as_tensor(low).to(device, dtype), torch.as_tensor(high).to(device, dtype)


@dataclass(frozen=True)
class BandBlock:
    """Some rows of a banded matrix without its zeros: ``matrix`` is the matrix at ``rows`` and ``columns``."""

    rows: slice
    columns: slice
    matrix: torch.Tensor


_BLOCK_ROWS = 16  # few zeros are left in a block, and the products are still large enough


@lru_cache(maxsize=16)
def low_pass_synthesis_blocks(length: int, dtype: torch.dtype = torch.float32) -> tuple[BandBlock, ...]:
    """The low-pass matrix of ``synthesis`` on the CPU: of 136 columns a row has 6 at most that are not zero."""
    low, blocks = pywt.idwt(np.eye(length), np.zeros((length, length)), WAVELET, axis=0), []
    for start in range(0, len(low), _BLOCK_ROWS):
        rows = slice(start, min(start + _BLOCK_ROWS, len(low)))
        used = np.flatnonzero(low[rows].any(axis=0))
        columns = slice(int(used[0]), int(used[-1]) + 1)
        blocks.append(BandBlock(rows, columns, torch.as_tensor(low[rows, columns]).to(dtype).contiguous()))
    return tuple(blocks)
