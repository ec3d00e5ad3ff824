"""Analysis and synthesis matrices of a one-dimensional wavelet step. Knows PyWavelets; not three dimensions, not trees.

The step is linear in the signal for the paddings we use, so that PyWavelets applied to the identity gives the whole
matrix: the torch transform then agrees with PyWavelets by construction, on any device.
"""

from functools import lru_cache

import numpy as np
import pywt
import torch

WAVELET = "bior6.8"
PADDINGS = ("constant", "zero")


def check_padding(padding: str) -> str:
    if padding not in PADDINGS:
        raise ValueError(f"padding must be one of {PADDINGS}, got {padding!r}")
    return padding


@lru_cache(maxsize=64)
def analysis(length: int, padding: str, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """Low-pass and high-pass matrices, each (pywt.dwt_coeff_len(length), length)."""
    low, high = pywt.dwt(np.eye(length), WAVELET, mode=check_padding(padding), axis=0)
    return torch.as_tensor(low).to(device, dtype), torch.as_tensor(high).to(device, dtype)


@lru_cache(maxsize=64)
def synthesis(length: int, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrices (2·length − 16, length) that bring low-pass and high-pass coefficients back; independent of the padding."""
    eye, zero = np.eye(length), np.zeros((length, length))
    low = pywt.idwt(eye, zero, WAVELET, axis=0)
    high = pywt.idwt(zero, eye, WAVELET, axis=0)
    return torch.as_tensor(low).to(device, dtype), torch.as_tensor(high).to(device, dtype)
