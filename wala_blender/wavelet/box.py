"""Inverse wavelet transform of a box of the half field alone, from the coefficients that the box depends on."""

from torch import Tensor

from .filters import synthesis
from .transform import Coefficients, synthesize

Box = tuple[slice, ...]
HALF_MARGIN = 4  # of the half transform's output: points before the field's first


class BoxTransform:
    """Linear map from coefficients to a box of the half field, three slices with start and stop.

    Equal to the box cut out of ``coefficients_to_half_field``, for a share of the work that is about the box's share of
    the grid.
    """

    def __init__(self, box: Box, like: Coefficients):
        coarse, middle, _ = kept(like)
        rows = [slice(side.start + HALF_MARGIN, side.stop + HALF_MARGIN) for side in box]
        fine = [_axis(row, middle) for row in rows]
        self._middle = tuple(columns for columns, _ in fine)
        first = [_axis(columns, coarse) for columns in self._middle]
        self._coarse = tuple(columns for columns, _ in first)
        self._filters = ([filters for _, filters in first], [filters for _, filters in fine])

    def crop(self, coefficients: Coefficients) -> Coefficients:
        """Views of the coefficients that the box depends on."""
        coarse, middle, parents = kept(coefficients)
        return Coefficients(
            coarse[(..., *self._coarse)], (None, middle[(..., *self._middle)], parents[(..., *self._coarse)])
        )

    def half_field(self, cropped: Coefficients) -> Tensor:
        """The box (B, X, Y, Z) of the half field, of cropped coefficients."""
        coarse, middle, parents = kept(cropped)
        field = synthesize(coarse, parents, self._filters[0])
        return synthesize(field, middle, self._filters[1]) / 8**0.5


def kept(coefficients: Coefficients) -> tuple[Tensor, Tensor, Tensor]:
    """The levels that a tree has: coarse, middle and coarsest details. Raises ValueError where one is dropped."""
    coarse, (_, middle, parents) = coefficients.coarse, coefficients.details
    if middle is None or parents is None:
        raise ValueError("the two coarser levels of details are needed")
    return coarse, middle, parents


def _axis(rows: slice, coefficients: Tensor) -> tuple[slice, tuple[Tensor, Tensor]]:
    """The columns of one level's synthesis matrices that some rows depend on, and both matrices cut to these."""
    low, high = synthesis(coefficients.shape[-1], str(coefficients.device), coefficients.dtype)
    low, high = low[rows], high[rows]
    used = ((low != 0) | (high != 0)).any(0).nonzero()
    columns = slice(int(used[0]), int(used[-1]) + 1)
    return columns, (low[:, columns].contiguous(), high[:, columns].contiguous())
