"""Three-dimensional biorthogonal wavelet transform in torch, equal to pywt.wavedecn / waverecn with bior6.8.

Works on coefficients as tensors, batch dimensions first, then x, y, z; tree.py packs them into the wavelet tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .filters import analysis, low_pass_synthesis_blocks, synthesis

LEVELS = 3
BANDS = ("daa", "ada", "dda", "aad", "dad", "add", "ddd")  # band k: bit a of k + 1 set means high-pass along axis a


@dataclass(frozen=True)
class Coefficients:
    """``coarse`` (B, n, n, n) and ``details``, finest first, each (B, 7, m, m, m) in the order of BANDS, or None where
    dropped."""

    coarse: torch.Tensor
    details: tuple[torch.Tensor | None, ...]


def forward(
    field: torch.Tensor, padding: str = "constant", levels: int = LEVELS, keep_finest: bool = True
) -> Coefficients:
    """Transform of field (B, R, R, R), float. Sizes for R = 256: details 136, 76, 46; coarse 46.

    keep_finest=False skips the finest details (the wavelet tree drops them), which saves seven eighths of the first
    level.
    """
    details: list[torch.Tensor | None] = []
    for level in range(levels):
        low, high = analysis(field.shape[-1], padding, str(field.device), field.dtype)
        if level == 0 and not keep_finest:
            details.append(None)
            field = _apply(field, low, low, low)
        else:
            bands = [_apply(field, *(high if (k >> axis) & 1 else low for axis in range(3))) for k in range(8)]
            field = bands[0]
            details.append(torch.stack(bands[1:], 1))
    return Coefficients(field, tuple(details))


def inverse(coefficients: Coefficients) -> torch.Tensor:
    """Field (B, R, R, R) from coefficients; a dropped (None) level counts as zeros."""
    field = coefficients.coarse
    for details in reversed(coefficients.details):
        low, high = synthesis(field.shape[-1], str(field.device), field.dtype)
        if details is not None:
            field = synthesize(field, details, [(low, high)] * 3)
        elif field.device.type == "cpu" and not field.requires_grad:
            field = (
                torch.stack([_synthesize_low_pass(one) for one in field])
                if len(field) != 1
                else _synthesize_low_pass(field[0])[None]
            )
        else:
            field = _apply(field, low, low, low)
    return field


def _apply(field: torch.Tensor, along_x: torch.Tensor, along_y: torch.Tensor, along_z: torch.Tensor) -> torch.Tensor:
    """Each axis of field (B, X, Y, Z) times its matrix (out, in)."""
    B, X, Y, Z = field.shape
    field = along_x @ field.reshape(B, X, Y * Z)
    field = along_y @ field.reshape(B, len(along_x), Y, Z)
    return field @ along_z.T


def synthesize(
    low_part: torch.Tensor, details: torch.Tensor, along: Sequence[tuple[torch.Tensor, torch.Tensor]]
) -> torch.Tensor:
    """One inverse step: low_part (B, X, Y, Z) and details (B, 7, X, Y, Z), with the low-pass and high-pass matrix of
    each axis."""
    (low_x, high_x), (low_y, high_y), (low_z, high_z) = along
    bands = [low_part, *details.unbind(1)]
    # Merge one axis at a time (z, then y, then x): seven matrix products fewer than band by band.
    bands = [bands[k] @ low_z.T + bands[k + 4] @ high_z.T for k in range(4)]
    bands = [low_y @ bands[k] + high_y @ bands[k + 2] for k in range(2)]
    B, X, Y, Z = bands[0].shape
    merged = low_x @ bands[0].reshape(B, X, Y * Z) + high_x @ bands[1].reshape(B, X, Y * Z)
    return merged.reshape(B, len(low_x), Y, Z)


def _synthesize_low_pass(field: torch.Tensor) -> torch.Tensor:
    """Field (R, R, R) of low-pass coefficients (n, n, n) alone, on the CPU: ``_apply`` with the filter's band instead
    of the whole matrix, in about half the time. The last axis first, because the x axis, whose result is the largest,
    is written fastest."""
    X, Y, _Z = field.shape
    blocks = low_pass_synthesis_blocks(X, field.dtype)
    R = blocks[-1].rows.stop
    along_z, along_y, along_x = field.new_empty(X, Y, R), field.new_empty(X, R, R), field.new_empty(R, R * R)
    for block in blocks:
        along_z[..., block.rows] = field[..., block.columns] @ block.matrix.T
    for block in blocks:
        along_y[:, block.rows] = block.matrix @ along_z[:, block.columns]
    for block in blocks:
        torch.mm(block.matrix, along_y[block.columns].flatten(1), out=along_x[block.rows])
    return along_x.reshape(R, R, R)
